package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUTF7(t *testing.T) {
	for _, tt := range []struct{ name, coded string }{
		{"INBOX", "INBOX"},
		{"", ""},
		{"A&B", "A&-B"},
		{"&&", "&-&-"},
		{"Entwürfe", "Entw&APw-rfe"},
		{"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, // RFC 3501 §5.1.3
		{"Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"},
		{"😀", "&2D3eAA-"},
		{"a😀b", "a&2D3eAA-b"},
		{"\u00e9&", "&AOk-&-"},
		{"\t", "&AAk-"},
		{"\u007f", "&AH8-"},
	} {
		if got := EncodeUTF7(tt.name); got != tt.coded {
			t.Errorf("encode %q: %q, want %q", tt.name, got, tt.coded)
		}
		if got, err := DecodeUTF7(tt.coded); got != tt.name || err != nil {
			t.Errorf("decode %q: %q %v, want %q", tt.coded, got, err, tt.name)
		}
	}
	for why, s := range map[string]string{
		"never shifted back":       "&",
		"never shifted back, run":  "&AOk",
		"not base64":               "&A*-",
		"slash of plain base64":    "&A/-",
		"padding":                  "&AOk=-",
		"stands for itself":        "&AEE-",
		"ampersand encoded":        "&ACY-",
		"bits left over":           "&AOl-",
		"sextet left over":         "&AOkA-",
		"half a unit":              "&AO-",
		"lone high surrogate":      "&2D0-",
		"lone low surrogate":       "&3gA-",
		"high without low":         "&2D0A6Q-",
		"two runs touch":           "&AOk-&AOk-",
		"8-bit":                    "\u00e9",
		"control":                  "a\x01",
		"superfluous shift in run": "&AOkAQQ-",
	} {
		if got, err := DecodeUTF7(s); err == nil {
			t.Errorf("%s: %q decodes to %q", why, s, got)
		}
	}
}

// Two spellings of a name must not exist, or a client sees a folder that another one cannot open.
func FuzzUTF7(f *testing.F) {
	for _, s := range []string{"", "a", "A&B", "&AOk-", "&2D3eAA-", "Entwürfe", "\xff", "&AOk-&-", "\u007f", "a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		coded := EncodeUTF7(s)
		for i := range len(coded) {
			if coded[i] < 0x20 || coded[i] > 0x7e {
				t.Fatalf("%q encodes to %q", s, coded)
			}
		}
		name, err := DecodeUTF7(coded)
		if err != nil || name != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("%q encodes to %q, which decodes to %q, %v", s, coded, name, err)
		}
		name, err = DecodeUTF7(s)
		if err != nil {
			return
		}
		if again := EncodeUTF7(name); again != s || !utf8.ValidString(name) {
			t.Fatalf("%q decodes to %q, which encodes to %q", s, name, again)
		}
	})
}
