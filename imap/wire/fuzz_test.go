package wire

import (
	"bufio"
	"bytes"
	"testing"
)

// FuzzDecoder reads arbitrary bytes with arbitrary elements: nothing panics, what is kept is bounded, and
// a failed command is always explained.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		"a FETCH 1:*,$ (BODY.PEEK[1.2.HEADER.FIELDS (From \"To\")]<0.100>)\r\n",
		"a STORE 1 +FLAGS.SILENT (\\Seen $Junk)\r\n",
		"a APPEND &ImIDkQ- (\\Seen) \"01-Jan-2024 00:00:00 +0000\" ~{3+}\r\nabc\r\n",
		"a SEARCH SINCE 1-Feb-2024 MODSEQ 9223372036854775807\r\n",
	} {
		f.Add([]byte(s), []byte("\x00\x01\x06\x01\x0e\x01\x12\x03"))
	}
	f.Fuzz(func(t *testing.T, in, ops []byte) {
		d := NewDecoder(bufio.NewReader(bytes.NewReader(in)))
		l := Limits{Line: 256, String: 64, Strings: 100, Drain: 512, Depth: 2}
		d.SetLimits(l)
		d.QuotedUTF8, d.UTF8Names = len(ops)%2 == 0, len(ops)%3 == 0
		if err := d.Begin(); err != nil {
			t.Fatal(err)
		}
		play(d, ops)
		if d.strs > l.Strings || int64(len(d.buf)) > l.Line+l.String || d.depth != 0 {
			t.Fatalf("kept %d and %d bytes, depth %d", d.strs, len(d.buf), d.depth)
		}
		if !d.ended && d.err == nil && !d.ExpectCRLF() && d.err == nil {
			t.Fatal("false without an error")
		}
		if d.err != nil && d.err.Error() == "" {
			t.Fatal("error without a text")
		}
		if err := d.Resync(); err == nil {
			if err = d.Begin(); err != nil {
				t.Fatal(err)
			}
		} else if d.IOErr() == nil {
			t.Fatalf("Resync: %v, and reading can go on", err)
		}
	})
}
