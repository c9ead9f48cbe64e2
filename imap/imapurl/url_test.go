package imapurl

import (
	"fmt"
	"strings"
	"testing"
)

// show writes a URL in a form of its own, the parts apart.
func show(u *URL) string {
	s := fmt.Sprintf("%q v%d u%d [%s]", u.Mailbox, u.UIDValidity, u.UID, u.Section)
	if u.Absolute {
		s = fmt.Sprintf("%s@%s:%s %s", u.User, u.Host, u.Port, s)
	}
	if u.Partial != nil {
		s += fmt.Sprintf(" <%d.%d>", u.Partial.Offset, u.Partial.Count)
	}
	if a := u.Auth; a != nil {
		s += fmt.Sprintf(" access %d %q", a.Access, a.User)
		if !a.Expire.IsZero() {
			s += " until " + a.Expire.UTC().Format("2006-01-02T15:04:05Z")
		}
		s += fmt.Sprintf(" by %q %q", a.Mechanism, a.Token)
	}
	return s
}

func TestParse(t *testing.T) {
	token := strings.Repeat("a1", 16)
	for _, c := range []struct{ in, want string }{
		{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", `"Drafts" v385759045 u20 [HEADER]`},
		{"/INBOX/;uid=3", `"INBOX" v0 u3 []`},
		{"INBOX/;UID=3", `"INBOX" v0 u3 []`},
		{";UID=3/;SECTION=1.2", `"" v0 u3 [1.2]`},
		{"/a/b%2Fc%20%C3%BC/;UID=3", `"a/b/c ü" v0 u3 []`},
		{"/INBOX/;UID=3/;PARTIAL=0.1024", `"INBOX" v0 u3 [] <0.1024>`},
		{"/INBOX/;UID=3/;SECTION=1.MIME/;PARTIAL=7", `"INBOX" v0 u3 [1.MIME] <7.0>`},
		{"/INBOX/;UID=3/;SECTION=HEADER.FIELDS%20(TO%20CC)", `"INBOX" v0 u3 [HEADER.FIELDS (TO CC)]`},
		{"IMAP://joe@Example.com/INBOX/;uid=20", `joe@example.com: "INBOX" v0 u20 []`},
		{"imap://joe%40x;AUTH=*@[::1]:143/INBOX/;uid=20", `joe@x@[::1]:143 "INBOX" v0 u20 []`},
		{"//joe@x/INBOX/;uid=20", `joe@x: "INBOX" v0 u20 []`},
		{"imap://joe@x/INBOX/;uid=20/;section=1.2;urlauth=submit+fred", `joe@x: "INBOX" v0 u20 [1.2] access 1 "fred" by "" ""`},
		{"imap://joe@x/INBOX/;uid=20;EXPIRE=2030-01-02T03:04:05+01:00;URLAUTH=anonymous:internal:" + token,
			`joe@x: "INBOX" v0 u20 [] access 3 "" until 2030-01-02T02:04:05Z by "INTERNAL" "` + token + `"`},
		{"imap://joe@x/INBOX/;uid=20/;PARTIAL=1.2;URLAUTH=authuser", `joe@x: "INBOX" v0 u20 [] <1.2> access 2 "" by "" ""`},
		{"/INBOX/;UID=0", ""}, {"/INBOX/;UID=4294967296", ""}, {"/INBOX/;UID=", ""}, {"/INBOX/;UID=+1", ""}, {"/INBOX", ""}, {"", ""}, {"/", ""},
		{"//INBOX/;UID=1", ""}, {"/;UID=1/;SECTION=", ""}, {"/a;b/;UID=1", ""}, {"/a b/;UID=1", ""}, {"/a%0A/;UID=1", ""}, {"/a%FF/;UID=1", ""}, {"/a%2/;UID=1", ""}, {"/a%zz/;UID=1", ""},
		{"/INBOX/;UID=1/;PARTIAL=1.0", ""}, {"/INBOX/;UID=1/;PARTIAL=-1", ""}, {"/INBOX/;UID=1x", ""}, {"/INBOX;UIDVALIDITY=0/;UID=1", ""},
		{"http://joe@x/INBOX/;uid=20", ""}, {"imap://joe@/INBOX/;uid=20", ""}, {"imap://joe@x:0/INBOX/;uid=20", ""}, {"imap://joe;x@x/INBOX/;uid=20", ""},
		{"/INBOX/;UID=1;URLAUTH=user", ""}, {"/INBOX/;UID=1;URLAUTH=user+", ""}, {"/INBOX/;UID=1;URLAUTH=authuser+x", ""}, {"/INBOX/;UID=1;URLAUTH=nobody", ""},
		{"/INBOX/;UID=1;EXPIRE=2030-01-02T03:04:05Z", ""}, {"/INBOX/;UID=1;EXPIRE=x;URLAUTH=anonymous", ""},
		{"/INBOX/;UID=1;URLAUTH=anonymous:internal:a1", ""}, {"/INBOX/;UID=1;URLAUTH=anonymous:internal", ""}, {"/INBOX/;UID=1;URLAUTH=anonymous:internal:" + token + ":x", ""},
		{"/" + strings.Repeat("a", MaxLen) + "/;UID=1", ""},
	} {
		u, err := Parse(c.in)
		got := ""
		if err == nil {
			got = show(u)
		}
		if got != c.want {
			t.Errorf("%q\n got %s (%v)\nwant %s", c.in, got, err, c.want)
		}
	}
	u, err := Parse("imap://joe@x/INBOX/;uid=20;URLAUTH=anonymous:internal:" + token)
	if err != nil || u.Auth.Rump != "imap://joe@x/INBOX/;uid=20;URLAUTH=anonymous" {
		t.Errorf("rump: %v, %v", u, err)
	}
}

// What Parse takes holds no controls, its numbers are in range, and a rump with the rest of the URL behind it is the URL.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", ";UID=3/;SECTION=1.2/;PARTIAL=1.2",
		"imap://joe@x:143/a%20b/;uid=20/;section=1.2;EXPIRE=2030-01-02T03:04:05Z;urlauth=submit+fred:internal:" + strings.Repeat("a", 32)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := Parse(s)
		if err != nil {
			return
		}
		for _, text := range []string{u.User, u.Host, u.Mailbox, u.Section} {
			if strings.ContainsAny(text, "\x00\r\n") {
				t.Fatalf("%q gives %q", s, text)
			}
		}
		if u.UID == 0 || u.Absolute && (u.Host == "" || u.Mailbox == "") {
			t.Fatalf("%q gives %s", s, show(u))
		}
		if a := u.Auth; a != nil {
			rest := ""
			if a.Mechanism != "" {
				rest = ":" + s[len(a.Rump)+1:len(a.Rump)+1+len(a.Mechanism)] + ":" + a.Token
			}
			if a.Rump+rest != s {
				t.Fatalf("%q: rump %q, rest %q", s, a.Rump, rest)
			}
		}
	})
}
