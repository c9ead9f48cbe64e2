package imap

import (
	"strings"
	"testing"
)

func TestNamespace(t *testing.T) {
	tests := []struct{ sep, prefix, client, canonical string }{
		{"/", "", "INBOX", "INBOX"},
		{"/", "", "Work/2024.old", "Work/2024.old"},
		{"/", "", "INBOX/Sub", "INBOX/Sub"},
		{".", "", "Work.2024", "Work/2024"},
		{".", "", `Work\2e2024`, "Work.2024"},
		{".", "", `a\5c2eb`, `a\2eb`},
		{".", "", `a\5c5cb`, `a\5cb`},
		{".", "INBOX.", "INBOX.Sent", "Sent"},
		{".", "INBOX.", "INBOX.Sent.Old", "Sent/Old"},
		{".", "INBOX.", "INBOX.INBOX.Sub", "INBOX/Sub"},
		{"/", "INBOX/", "INBOX/Sent", "Sent"},
	}
	for _, tt := range tests {
		ns := newNamespace(tt.sep, tt.prefix != "")
		if got, err := ns.Canonical(tt.client); err != nil || got != tt.canonical {
			t.Errorf("%q %q: Canonical(%q) = %q, %v; want %q", tt.sep, tt.prefix, tt.client, got, err, tt.canonical)
		}
		if got := ns.Client(tt.canonical); got != tt.client {
			t.Errorf("%q %q: Client(%q) = %q; want %q", tt.sep, tt.prefix, tt.canonical, got, tt.client)
		}
	}
}

func TestNamespaceTolerates(t *testing.T) {
	ns := newNamespace("/", false)
	for in, want := range map[string]string{"inbox": "INBOX", "Inbox/": "INBOX", "Work/": "Work", "inbox/Sub": "INBOX/Sub"} {
		if got, err := ns.Canonical(in); err != nil || got != want {
			t.Errorf("Canonical(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"Sent", "INBOX.", "INBOX.INBOX", "INBOX.a/b"} {
		ns := newNamespace(".", true)
		if got, err := ns.Canonical(in); err == nil && got != "INBOX" {
			t.Errorf("Canonical(%q) = %q; want an error", in, got)
		}
	}
}

// FuzzNamespace: what a client is shown leads back to the same folder.
func FuzzNamespace(f *testing.F) {
	f.Add("Work/2024.old", true, true)
	f.Add(`a\2e.b\5c`, true, false)
	f.Add(`\5c2e`, false, true)
	f.Fuzz(func(t *testing.T, name string, dot, prefix bool) {
		if name == "" || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//") {
			t.Skip("not a canonical name")
		}
		first, _, _ := strings.Cut(name, "/")
		if strings.EqualFold(first, "INBOX") && first != "INBOX" {
			t.Skip("not a canonical name")
		}
		sep := "/"
		if dot {
			sep = "."
		}
		ns := newNamespace(sep, prefix)
		got, err := ns.Canonical(ns.Client(name))
		if err != nil || got != name {
			t.Errorf("%q shows as %q and leads to %q, %v", name, ns.Client(name), got, err)
		}
	})
}
