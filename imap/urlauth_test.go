package imap_test

import (
	"slices"
	"testing"

	"bascule/internal/accounts"
	"bascule/internal/testkit"
)

// The audit tells which messages users let others read, and that they took it back; not what goes to the submission server.
func TestAuthorizationsAreInTheAudit(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	c := dial(t, s)
	url := func(access string) string {
		return `"imap://imap%40example.org@127.0.0.1/INBOX/;UID=7;URLAUTH=` + access + `" INTERNAL`
	}
	c.do("GENURLAUTH " + url("submit+imap%40example.org") + " " + url("anonymous") + " " + url("user+bob%40example.org"))
	c.do("RESETKEY INBOX")
	c.do("RESETKEY")
	lines, err := s.Accounts.Audit(t.Context(), accounts.AuditFilter{Subject: "imap@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range slices.Backward(lines) {
		if l.Who == "imap:imap@example.org" {
			got = append(got, l.Action+" "+l.New)
		}
	}
	want := []string{"url.authorize INBOX;UID=7 anonymous", "url.authorize INBOX;UID=7 user+bob@example.org", "url.reset INBOX", "url.reset all mailboxes"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
