package message

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func encodeBinary(t *testing.T, in string) (string, bool) {
	t.Helper()
	var b bytes.Buffer
	changed, err := EncodeBinary(&b, strings.NewReader(in), int64(len(in)))
	if err != nil {
		t.Fatal(err)
	}
	if changed != (b.Len() > 0) {
		t.Fatalf("changed %v, but %d bytes", changed, b.Len())
	}
	return b.String(), changed
}

func TestEncodeBinary(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a comment", "Content-transfer-encoding:  BINARY (c)\r\n\r\n\x00", "Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n"},
		{"a leaf", "A: b\r\nContent-Transfer-Encoding: binary\r\nC: d\r\n\r\n\x00\n\r\xff", "A: b\r\nContent-Transfer-Encoding: base64\r\nC: d\r\n\r\nAAoN/w==\r\n"},
		{"an empty leaf", "Content-Transfer-Encoding: binary\r\n\r\n", "Content-Transfer-Encoding: base64\r\n\r\n"},
		{"two lines", "Content-Transfer-Encoding: binary\r\n\r\n" + strings.Repeat("\x00", 58), "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("A", 76) + "\r\nAA==\r\n"},
		{"parts", "Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: binary\r\n\r\npre\r\n--x\r\n\r\ntext\r\n--x\r\n" +
			"Content-Transfer-Encoding: binary\r\nContent-Type: a/b\r\n\r\n\x00\x01\r\n--x--\r\npost",
			"Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre\r\n--x\r\n\r\ntext\r\n--x\r\n" +
				"Content-Transfer-Encoding: base64\r\nContent-Type: a/b\r\n\r\nAAE=\r\n--x--\r\npost"},
		{"an enclosed message", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00",
			"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\nAA=="},
		{"a multipart without parts", "Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00", "unchanged"},
		{"nothing binary", "A: b\r\n\r\n\x00", "unchanged"},
	} {
		got, changed := encodeBinary(t, c.in)
		if !changed {
			got = "unchanged"
		}
		if got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// Whatever the message is, the parts of the encoded one decode to what the parts were.
func FuzzEncodeBinary(f *testing.F) {
	f.Add("Content-Transfer-Encoding: binary\r\n\r\n\x00\n")
	f.Add("Content-Type: multipart/mixed; boundary=x\nContent-Transfer-Encoding: binary\n\n--x\nContent-Transfer-Encoding: binary\n\n\x00\n--x--\n")
	f.Fuzz(func(t *testing.T, in string) {
		out, changed := encodeBinary(t, in)
		if !changed {
			return
		}
		before, after := ParseBytes([]byte(in), Limits{}), ParseBytes([]byte(out), Limits{})
		var compare func(a, b *Part)
		compare = func(a, b *Part) {
			if len(a.Children) != len(b.Children) || a.Type != b.Type || a.Subtype != b.Subtype {
				t.Fatalf("%q became %q", in, out)
			}
			for i := range a.Children {
				compare(a.Children[i], b.Children[i])
			}
			if len(a.Children) == 0 && a.Encoding == "binary" && b.Encoding == "base64" {
				r, err := DecodeTransfer(strings.NewReader(out[b.BodyOff:b.EndOff]), "base64")
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := io.ReadAll(r); string(got) != in[a.BodyOff:a.EndOff] {
					t.Fatalf("%q became %q", in[a.BodyOff:a.EndOff], got)
				}
			}
		}
		compare(before.Root, after.Root)
	})
}
