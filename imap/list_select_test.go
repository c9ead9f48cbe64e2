package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bascule/maildir"
)

// rfcBoxes are the mailboxes of RFC 9051 §6.3.9.8, example 8, and rfcSubscribed those that are subscribed there.
var (
	rfcBoxes = []string{"foo2", "foo2/bar1", "foo2/bar2", "baz2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2"}

	rfcSubscribed = []string{"foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2"}
)

// boxesOf makes what the store would list: the mailboxes, and the levels above them.
func boxesOf(names []string) (out []maildir.MailboxInfo) {
	for _, n := range names {
		out = append(out, maildir.MailboxInfo{Name: n})
		for i := strings.LastIndexByte(n, '/'); i > 0; i = strings.LastIndexByte(n[:i], '/') {
			up := n[:i]
			if !slices.Contains(names, up) && !slices.ContainsFunc(out, func(b maildir.MailboxInfo) bool { return b.Name == up }) {
				out = append(out, maildir.MailboxInfo{Name: up, NoSelect: true})
			}
		}
	}
	return out
}

// show writes entries shortly: name, attributes without those of children, CHILDINFO as "+".
func show(entries []listEntry) (out []string) {
	for _, e := range entries {
		s := e.name
		for _, a := range e.attrs {
			if !strings.HasPrefix(a, `\Has`) {
				s += " " + a
			}
		}
		if len(e.childInfo) > 0 {
			s += " +" + strings.Join(e.childInfo, " ")
		}
		out = append(out, s)
	}
	return out
}

func TestListExamplesOfTheRFC(t *testing.T) {
	subscribed := listRequest{extended: true, selSubscribed: true}
	recursive := listRequest{extended: true, selSubscribed: true, recursiveMatch: true}
	tests := []struct {
		name          string
		boxes         []string
		subscriptions []string
		q             listRequest
		pattern       string
		want          string
	}{
		{"example 8, subscribed", rfcBoxes, rfcSubscribed, subscribed, "*",
			`baz2/bar2 \Subscribed,baz2/bar22 \Subscribed,baz2/bar222 \Subscribed,eps2 \Subscribed,eps2/mamba \Subscribed,foo2/bar1 \Subscribed,foo2/bar2 \Subscribed,qux2/bar2 \Subscribed`},
		{"example 8, recursive *2", rfcBoxes, rfcSubscribed, recursive, "*2",
			`baz2/bar2 \Subscribed,baz2/bar22 \Subscribed,baz2/bar222 \Subscribed,eps2 \Subscribed +SUBSCRIBED,foo2 +SUBSCRIBED,foo2/bar2 \Subscribed,qux2/bar2 \Subscribed`},
		{"example 9, subscribed", []string{"foo"}, []string{"foo/bar"}, subscribed, "foo/*", `foo/bar \NonExistent \Subscribed`},
		{"example 9, recursive", []string{"foo"}, []string{"foo/bar"}, recursive, "foo", `foo +SUBSCRIBED`},
		{"example 10", []string{"music/rock", "also/jazz"}, nil, listRequest{extended: true}, "%", `also \NonExistent,music \NonExistent`},
		{"table 3: exists, meets nothing", []string{"a", "a/b"}, nil, recursive, "a", ``},
		{"table 3: not there, subscribed", nil, []string{"a"}, recursive, "a", `a \NonExistent \Subscribed`},
		{"table 3: not there, child subscribed", []string{"a/b"}, []string{"a/b"}, recursive, "a", `a \NonExistent +SUBSCRIBED`},
		{"table 3: not there but both subscribed", []string{"a/b"}, []string{"a", "a/b"}, recursive, "a", `a \NonExistent \Subscribed +SUBSCRIBED`},
		{"table 3: there, both subscribed", []string{"a", "a/b"}, []string{"a", "a/b"}, recursive, "a", `a \Subscribed +SUBSCRIBED`},
		{"nothing is above the names of nobody", nil, []string{"a/b/c"}, recursive, "%", `a \NonExistent +SUBSCRIBED`},
	}
	for _, tt := range tests {
		tt.q.patterns = []string{tt.pattern}
		got := strings.Join(show(selectMailboxes(newNamespace("", false), boxesOf(tt.boxes), tt.subscriptions, &tt.q)), ",")
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestListIsQuickWithManyMailboxes keeps a LIST of an account with as many mailboxes as there may be from costing the square.
func TestListIsQuickWithManyMailboxes(t *testing.T) {
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprintf("a/b%d/c/d/e%d", i%100, i))
	}
	boxes := boxesFast(names)
	q := listRequest{extended: true, selSubscribed: true, recursiveMatch: true, patterns: []string{"%*%*%e99%", "*"}}
	work := testing.AllocsPerRun(1, func() {
		if got := selectMailboxes(newNamespace(".", true), boxes, names, &q); len(got) < 10_000 {
			t.Errorf("%d entries", len(got))
		}
	})
	if work > 60*10_000 {
		t.Errorf("%.0f allocations for 10,000 mailboxes", work)
	}
}

func boxesFast(names []string) (out []maildir.MailboxInfo) {
	for _, n := range names {
		out = append(out, maildir.MailboxInfo{Name: n})
	}
	return out
}
