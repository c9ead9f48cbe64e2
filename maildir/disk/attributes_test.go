package disk

import (
	"bytes"
	"testing"
)

// FuzzAttributes: what is written is read again, whatever it is; and anything can be read.
func FuzzAttributes(f *testing.F) {
	f.Add("priv/0123/comment", []byte("two\r\nlines"), []byte("a\nb\nc"))
	f.Add("\x011\x01", []byte("\x00\x010\t"), []byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, key string, value, anything []byte) {
		list := ParseAttributes(FormatAttributes([]Attribute{{key, value}, {"z", nil}}))
		if len(list) != 2 || list[0].Key != key || !bytes.Equal(list[0].Value, value) || list[1].Key != "z" {
			t.Errorf("%q %q became %q", key, value, list)
		}
		ParseAttributes(anything)
	})
}
