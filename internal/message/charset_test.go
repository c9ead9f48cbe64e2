package message

import (
	"slices"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// TestEveryCharset: whatever the library decodes can be named, in capitals too, and its text is read.
func TestEveryCharset(t *testing.T) {
	all := slices.Concat(charmap.All, japanese.All, korean.All, simplifiedchinese.All, traditionalchinese.All, unicode.All, utf32.All)
	for _, enc := range all {
		var names []string
		for _, name := range []func(encoding.Encoding) (string, error){ianaindex.MIME.Name, ianaindex.IANA.Name, htmlindex.Name} {
			if n, err := name(enc); err == nil && n != "" {
				names = append(names, n, lowerASCII(n))
			}
		}
		if len(names) == 0 {
			t.Errorf("%v has no name", enc)
		}
		for _, n := range names {
			if !KnownCharset(n) {
				t.Errorf("%q is not known", n)
				continue
			}
			raw, err := enc.NewEncoder().String("Az 09")
			if err != nil {
				t.Fatal(err)
			}
			if got := decodeBytes([]byte(raw), n); got != "Az 09" {
				t.Errorf("%s: %q", n, got)
			}
		}
	}
	for _, n := range []string{"utf-8", "UTF8", "us-ascii", "unicode-1-1-utf-8", "cp932", "CP949"} {
		if !KnownCharset(n) {
			t.Errorf("%q is not known", n)
		}
	}
	for _, n := range []string{"", "x-unknown", "utf-7", "iso-2022-kr"} {
		if KnownCharset(n) {
			t.Errorf("%q is known", n)
		}
	}
}
