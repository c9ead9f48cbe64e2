package wire

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b/c", true},
		{"%", "", true},
		{"%", "a", true},
		{"%", "a/b", false},
		{"%/%", "a/b", true},
		{"%/%", "a/b/c", false},
		{"a/%", "a/b", true},
		{"a/%", "a/b/c", false},
		{"a/*", "a/b/c", true},
		{"a*", "a/b", true},
		{"a%", "a/b", false},
		{"*b", "a/b", true},
		{"%b", "a/b", false},
		{"*%b", "a/b", true},
		{"%*b", "a/b", true},
		{"*a%", "x/ya/b", false},
		{"*a%", "x/yab", true},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXbXbX", false},
		{"%a%a/", "aaa/", true},
		{"inbox", "INBOX", false},
		{"[]?", "[]?", true},
	} {
		if got := Match(tt.pattern, tt.name, '/'); got != tt.want {
			t.Errorf("%q %q: %v", tt.pattern, tt.name, got)
		}
	}
	if !Match("%", "a/b", 0) || Match("%", "a.b", '.') {
		t.Error("separator not heeded")
	}
}

// Patterns made to go through all ways to match one after the other would take years here.
func TestMatchIsNotExponential(t *testing.T) {
	name := strings.Repeat("a", 2000)
	for _, p := range []string{strings.Repeat("*%", 1000) + "b", strings.Repeat("*a", 1000) + "b", strings.Repeat("%a", 900) + "%b",
		strings.Repeat("*a%", 600) + "/", strings.Repeat("*", 1<<20) + "b"} {
		if Match(p, name, '/') {
			t.Errorf("%.20q matches", p)
		}
	}
	if !Match(strings.Repeat("*a%a", 500), name, '/') {
		t.Error("does not match")
	}
}

// naiveMatch is the definition, exponential.
func naiveMatch(p, s string, sep byte) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*' || p[0] == '%':
		return naiveMatch(p[1:], s, sep) || s != "" && (p[0] == '*' || s[0] != sep) && naiveMatch(p, s[1:], sep)
	}
	return s != "" && p[0] == s[0] && naiveMatch(p[1:], s[1:], sep)
}

func FuzzMatch(f *testing.F) {
	f.Add("*%*%", "a/b")
	f.Add("a/%b*", "a/bbb/c")
	f.Add("%a%a/", "aaa/")
	f.Fuzz(func(t *testing.T, p, s string) {
		p, s = p[:min(len(p), 9)], s[:min(len(s), 9)]
		if got, want := Match(p, s, '/'), naiveMatch(p, s, '/'); got != want {
			t.Fatalf("Match(%q, %q) is %v", p, s, got)
		}
	})
}
