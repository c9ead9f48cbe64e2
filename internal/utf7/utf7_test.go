package utf7

import (
	"testing"
	"unicode/utf8"
)

func TestEncode(t *testing.T) {
	for _, c := range []struct{ plain, encoded string }{
		{"", ""},
		{"INBOX", "INBOX"},
		{"Entwürfe", "Entw&APw-rfe"},
		{"R&D", "R&-D"},
		{"&&", "&-&-"},
		{"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, // RFC 3501 §5.1.3
		{"😀", "&2D3eAA-"},
		{"ü&ü", "&APw-&-&APw-"},
		{"a\tb", "a&AAk-b"},
		{"\uFFFD", "&,,0-"},
	} {
		if got := Encode(c.plain); got != c.encoded {
			t.Errorf("Encode(%q) = %q, want %q", c.plain, got, c.encoded)
		}
		if got, err := Decode(c.encoded); got != c.plain || err != nil {
			t.Errorf("Decode(%q) = %q, %v, want %q", c.encoded, got, err, c.plain)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, s := range []string{
		"&", "a&", "&AP", "&APw", // no end
		"&AGE-",       // 'a' needs no shift
		"&ACY-",       // '&' is "&-"
		"&APw-&APw-",  // two shifts that should be one
		"&APx-",       // stray bits
		"&APw=-",      // padding
		"&2D0-",       // lone high surrogate
		"&3gA-",       // lone low surrogate
		"&2D0A,A-",    // high surrogate before something else
		"&A-", "&AA-", // half a unit
		"&/,-", "&!!!-", // not the alphabet
		"&AP\nw-",
		"ü", "a\x00", "a\x7f",
	} {
		if got, err := Decode(s); err == nil {
			t.Errorf("Decode(%q) = %q, want an error", s, got)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"Entw&APw-rfe", "&-", "Entwürfe", "😀&", "&2D3eAA-x", "a\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plain, err := Decode(s); err == nil {
			if !utf8.ValidString(plain) {
				t.Fatalf("Decode(%q) = %q is not UTF-8", s, plain)
			}
			if again := Encode(plain); again != s {
				t.Fatalf("Decode(%q) = %q, but that encodes to %q", s, plain, again)
			}
		}
		if utf8.ValidString(s) {
			if got, err := Decode(Encode(s)); err != nil || got != s {
				t.Fatalf("%q comes back as %q, %v", s, got, err)
			}
		}
	})
}
