package accounts

import (
	"errors"
	"path"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]Address{
		"anna@example.org":                     "anna@example.org",
		"Anna.B+Tag@EXAMPLE.org.":              "anna.b+tag@example.org",
		"o'neil_x~1@localhost":                 "o'neil_x~1@localhost",
		"a@bücher.example":                     "a@xn--bcher-kva.example",
		"a@BÜCHER.example":                     "a@xn--bcher-kva.example",
		"a@bu\u0308cher.example":               "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":              "a@xn--bcher-kva.example",
		"a@日本語.example":                        "a@xn--wgv71a119e.example",
		"a@россия.example":                     "a@xn--h1alffa9f.example",
		"a@שלום.example":                       "a@xn--9dbne9b.example",
		"a@faß.example":                        "a@xn--fa-hia.example",
		"a@a-ü.example":                        "a@xn--a--yka.example",
		"a@παράδειγμα.example":                 "a@xn--hxajbheg2az3al.example",
		"a@ｅｘａｍｐｌｅ.org":                        "a@example.org",
		long + "@example.org":                  Address(long + "@example.org"),
		"":                                     "",
		"anna":                                 "",
		"@example.org":                         "",
		"anna@":                                "",
		"a b@example.org":                      "",
		"../x@example.org":                     "",
		"..@example.org":                       "",
		".a@example.org":                       "",
		"a.@example.org":                       "",
		"a..b@example.org":                     "",
		"a/b@example.org":                      "",
		"a\\b@example.org":                     "",
		"a\x00@example.org":                    "",
		"a\n@example.org":                      "",
		"-rf@example.org":                      "",
		"\"a b\"@example.org":                  "",
		"a@b@example.org":                      "",
		"ä@example.org":                        "",
		long + "a@example.org":                 "",
		"a@..":                                 "",
		"a@../../etc":                          "",
		"a@.example":                           "",
		"a@example..org":                       "",
		"a@-example.org":                       "",
		"a@exam_ple.org":                       "",
		"a@[192.0.2.1]":                        "",
		"a@ex/ample.org":                       "",
		"a@" + long + ".org":                   "",
		"a@\xff.org":                           "",
		"a@א1a.example":                        "",
		"a@☃.example":                          "",
		"a@\u0301a.example":                    "",
		strings.Repeat("a", 1<<16):             "",
		"a@" + strings.Repeat("a.", 140) + "b": "",
	} {
		got, err := ParseAddress(in)
		if got != want || (want == "") != errors.Is(err, ErrBadAddress) {
			t.Errorf("%.80q: got %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestScope(t *testing.T) {
	a, err := ParseScope("Anna@Example.org")
	if err != nil || a.String() != "anna@example.org" || !a.Contains("anna@example.org") || a.Contains("bert@example.org") {
		t.Error(a, err)
	}
	d, err := ParseScope("Example.org")
	if err != nil || d.String() != "example.org" || !d.Contains("anna@example.org") || d.Contains("anna@sub.example.org") {
		t.Error(d, err)
	}
}

// What is accepted is stable, bounded, and a name of a directory.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"anna@example.org", "a@bücher.example", "../x@y", "a@..", "A@ẞ.de", "a@א.b", "a@ⅷ.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := ParseAddress(string(a)); again != a || err != nil {
			t.Errorf("%q became %q became %q, %v", s, a, again, err)
		}
		for _, part := range []string{a.Local(), a.Domain()} {
			if part == "" || part[0] == '.' || path.Base(part) != part {
				t.Errorf("%q gave the path element %q", s, part)
			}
		}
		if len(a) > 254 {
			t.Errorf("%d octets", len(a))
		}
	})
}
