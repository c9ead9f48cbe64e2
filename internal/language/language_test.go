package language

import (
	"fmt"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		ranges string
		want   Tag
	}{
		{"fr", French}, {"FR-ca", French}, {"fr-x-lyon", French}, {"de fr", French}, {"en fr", English}, {"en-GB", English}, {"i-default", Default},
		{"I-Default", Default}, {"*", English}, {"default", English}, {"mul", ""}, {"de it", ""}, {"i", ""}, {"f", ""}, {"frx", ""}, {"", ""},
	} {
		got, ok := Choose(strings.Fields(c.ranges)...)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.ranges, got, ok, c.want)
		}
	}
	for s, want := range map[string]bool{"fr": true, "*": true, "fr-*": true, "de-1996": true, "": false, "fr-": false, "1fr": false, "toolonglanguage": false, "fr ca": false, "é": false} {
		if IsRange(s) != want {
			t.Errorf("IsRange(%q) is %v", s, !want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("fr-CA-x-q")
	f.Add("-a--b-")
	f.Fuzz(func(t *testing.T, s string) {
		if tag, ok := Choose(s); ok && tag == French && !strings.HasPrefix(strings.ToLower(s), "fr") {
			t.Errorf("%q is French", s)
		}
		IsRange(s)
		French.Text(s)
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"Quota exceeded":  "Quota dépassé",
		"FETCH completed": "FETCH terminé",
		"Syntax error: expected SP after command, found end of line":   "Erreur de syntaxe : attendu : espace, après : commande, trouvé : fin de ligne",
		`Syntax error: expected sequence set, found "x"`:               `Erreur de syntaxe : attendu : ensemble de numéros, trouvé : "x"`,
		"This account is suspended: unpaid":                            "Ce compte est suspendu : unpaid",
		"Another POP3 session has the mailbox since 12 seconds":        "Une autre session POP3 occupe la boîte aux lettres depuis 12 secondes",
		"Nothing was deleted. The mailbox was closed; try again later": "Rien n’a été supprimé. La boîte aux lettres a été fermée ; réessayez plus tard",
		"Maintenance at noon":                                          "Maintenance at noon",
		" completed":                                                   " completed",
	} {
		if got := French.Text(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		for _, tag := range []Tag{"", Default, English} {
			if tag.Text(in) != in {
				t.Errorf("%q is changed in %q", in, tag)
			}
		}
	}
}

// Every entry is found by its own text, stands once, has as many parts in French, and is one line without what ends a response code.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range [][]entry{frenchCommon, frenchIMAP, frenchSyntax, frenchPOP3} {
		for _, e := range list {
			n := strings.Count(e.english, "%s")
			if seen[e.english] || e.french == "" || strings.Count(e.french, "%s") != n || strings.ContainsAny(e.english+e.french, "\r\n[]") ||
				strings.Count(e.english+e.french, "%") != 2*n {
				t.Errorf("%q: %q", e.english, e.french)
			}
			seen[e.english] = true
			parts := make([]any, n)
			for i := range parts {
				parts[i] = fmt.Sprint("X", i)
			}
			if got, want := French.Text(fmt.Sprintf(e.english, parts...)), fmt.Sprintf(e.french, parts...); got != want {
				t.Errorf("%q\n got %q\nwant %q", e.english, got, want)
			}
		}
	}
}
