package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAccounts(t *testing.T) {
	s := newStore(t, "")
	s.fails(exitNotFound, "no such account", "account", "show", "anna@example.org")
	s.account("Anna@Example.org", "pop3")
	s.fails(exitExists, "exists", "account", "add", "anna@example.org", "--no-password")
	s.fails(exitUsage, "not a usable address", "account", "add", "nobody")
	s.fails(exitUsage, "", "account", "add")
	s.fails(exitUsage, "no command", "account", "frobnicate")
	s.fails(exitUsage, "unknown flag", "account", "list", "--frobnicate")
	if r := s.run("\n", "account", "add", "empty@example.org"); r.code != exitUsage {
		t.Errorf("an empty password: exit %d\n%s", r.code, r.err)
	}

	var a accountJSON
	if err := json.Unmarshal([]byte(s.ok("account", "show", "anna@example.org", "--json")), &a); err != nil {
		t.Fatal(err)
	}
	if a.Address != "anna@example.org" || a.Protocols != "pop3" || a.ProtocolsFrom != "account" || !a.SCRAM || a.Usage == nil {
		t.Errorf("got %+v", a)
	}
	s.ok("account", "quota", "anna@example.org", "--bytes", "2G", "--messages", "100")
	s.fails(exitUsage, "", "account", "quota", "anna@example.org", "--bytes", "much")
	s.ok("account", "suspend", "anna@example.org", "--reason", "unpaid bill")
	out := s.ok("account", "show", "anna@example.org")
	for _, want := range []string{"suspended (unpaid bill)", "2G, 100 messages", "pop3 (set for the account)", "never"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	s.ok("account", "resume", "anna@example.org")
	if out := s.ok("account", "list"); !strings.Contains(out, "active") {
		t.Errorf("still suspended:\n%s", out)
	}
	s.ok("domain", "set", "example.org", "protocols=imap", "separator=.")
	s.fails(exitUsage, "no setting", "domain", "set", "example.org", "frobnicate=1")
	if out := s.ok("account", "set", "anna@example.org", "imap_hide=qresync Notify"); !strings.Contains(out, "imap_hide: inherit → QRESYNC NOTIFY") {
		t.Errorf("got\n%s", out)
	}
	s.fails(exitUsage, "names of capabilities", "account", "set", "anna@example.org", "imap_hide=a(b")
	if out := s.ok("audit"); !strings.Contains(out, "set imap_hide") {
		t.Errorf("not in the audit:\n%s", out)
	}
	s.ok("switch", "anna@example.org", "inherit")
	if out := s.ok("account", "list", "--domain", "example.org"); !strings.Contains(out, "imap") || !strings.Contains(out, "domain") {
		t.Errorf("the domain's setting is not inherited:\n%s", out)
	}
	s.fails(exitExists, "still has accounts", "domain", "remove", "example.org")
	if r := s.run("other word\n", "account", "password", "anna@example.org"); r.code != 0 {
		t.Errorf("password: %s", r.err)
	}
	s.fails(exitNotFound, "no such account", "account", "password", "nobody@example.org")
	s.ok("account", "remove", "anna@example.org", "--purge")
	if _, err := os.Stat(filepath.Join(s.dir, "data/mail/example.org/anna")); !os.IsNotExist(err) {
		t.Errorf("the mail is still there: %v", err)
	}
	s.ok("domain", "remove", "example.org")
	s.fails(exitNotFound, "no such domain", "domain", "show", "example.org")
}

func TestScheduledSwitch(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	s.ok("switch", "anna@example.org", "imap", "--at", "2099-01-31 04:00")
	if out := s.ok("switch", "--scheduled"); !strings.Contains(out, "2099-01-31") || !strings.Contains(out, "anna@example.org") {
		t.Errorf("not listed:\n%s", out)
	}
	s.fails(exitUsage, "no time", "switch", "anna@example.org", "imap", "--at", "tomorrow")
	s.ok("switch", "--cancel", "1")
	s.fails(exitNotFound, "", "switch", "--cancel", "1")
	if out := s.ok("switch", "--scheduled"); !strings.Contains(out, "none") {
		t.Errorf("still listed:\n%s", out)
	}
	s.fails(exitUsage, "", "switch", "anna@example.org")
	s.fails(exitUsage, "want pop3", "switch", "anna@example.org", "x400")
	s.fails(exitNotFound, "no such", "switch", "--domain", "example.net", "imap")
}

func TestDeliver(t *testing.T) {
	s := newStore(t, "lmtp: {subaddress: '+'}\naccounts: {folders: ['Sent=\\Sent']}\n")
	s.account("anna@example.org", "both")
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{"anna@example.org"}, 0},
		{[]string{"-f", "bob@example.com", "anna+Sent@example.org"}, 0},
		{[]string{"nobody@example.org"}, exNoUser},
		{[]string{"no address"}, exDataErr},
		{nil, exUsage},
		{[]string{"--frobnicate", "x"}, exUsage},
	} {
		if r := s.run("From x@y Thu Jan  1\nSubject: hi\n\nbody\n", append([]string{"deliver"}, tc.args...)...); r.code != tc.code {
			t.Errorf("deliver %v: exit %d, want %d\n%s", tc.args, r.code, tc.code, r.err)
		}
	}
	s.ok("account", "quota", "anna@example.org", "--bytes", "1")
	if r := s.run("x\n", "deliver", "anna@example.org"); r.code != exCantCreate {
		t.Errorf("over quota: exit %d\n%s", r.code, r.err)
	}
	s.ok("account", "set", "anna@example.org", "quota_bytes=inherit", "delivery=defer")
	if r := s.run("x\n", "deliver", "anna@example.org"); r.code != exTempFail {
		t.Errorf("deferred: exit %d\n%s", r.code, r.err)
	}
	s.ok("account", "set", "anna@example.org", "delivery=reject")
	if r := s.run("x\n", "deliver", "anna@example.org"); r.code != exNoPerm {
		t.Errorf("rejected: exit %d\n%s", r.code, r.err)
	}
	out := s.ok("mailbox", "list", "anna@example.org")
	for _, box := range []string{"INBOX", "Sent"} {
		if !strings.Contains(out, box) {
			t.Errorf("%s is missing in\n%s", box, out)
		}
	}
	s.ok("mailbox", "rescan", "anna@example.org")
	s.fails(exitNotFound, "no mailbox", "mailbox", "rescan", "anna@example.org", "None")
	s.ok("mailbox", "check", "--all")
	s.configure("data_dir2: x\n")
	if r := s.run("x\n", "deliver", "anna@example.org"); r.code != exTempFail {
		t.Errorf("a broken configuration must not bounce mail: exit %d\n%s", r.code, r.err)
	}
}

// TestSharing: rights are given, shown and taken away, with audit lines, and go with the account.
func TestSharing(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	s.account("bob@example.org", "imap")
	if out := s.ok("mailbox", "shares", "anna@example.org"); !strings.Contains(out, "none") {
		t.Errorf("shares at first:\n%s", out)
	}
	s.ok("mailbox", "share", "anna@example.org", "INBOX", "--with", "Bob@Example.org", "--rights", "lrs")
	s.ok("mailbox", "share", "anna@example.org", "INBOX", "--with", "bob@example.org", "--rights", "+wd")
	s.ok("mailbox", "share", "anna@example.org", "Sent", "--with", "anyone", "--rights", "l")
	s.ok("mailbox", "share", "anna@example.org", "Sent", "--with=-bob@example.org", "--rights", "r")
	s.fails(exitUsage, "rights are some of", "mailbox", "share", "anna@example.org", "INBOX", "--with", "bob@example.org", "--rights", "lrz")
	s.fails(exitNotFound, "no mailbox", "mailbox", "share", "anna@example.org", "None", "--with", "bob@example.org", "--rights", "l")
	s.fails(exitNotFound, "nobody@example.org", "mailbox", "share", "nobody@example.org", "INBOX", "--with", "bob@example.org", "--rights", "l")
	s.fails(exitFailed, "all rights", "mailbox", "share", "anna@example.org", "INBOX", "--with", "anna@example.org", "--rights", "l")
	for _, who := range []string{"anna@example.org", "bob@example.org"} {
		out := s.ok("mailbox", "shares", who)
		if !regexp.MustCompile(`anna@example.org +INBOX +bob@example.org +lrswte`).MatchString(out) {
			t.Errorf("shares of %s:\n%s", who, out)
		}
	}
	s.fails(exitUsage, "private or shared", "mailbox", "seen", "anna@example.org", "INBOX", "own")
	s.fails(exitNotFound, "no mailbox", "mailbox", "seen", "anna@example.org", "None", "private")
	s.ok("mailbox", "seen", "anna@example.org", "INBOX", "private")
	for _, who := range []string{"anna@example.org", "bob@example.org"} {
		if out := s.ok("mailbox", "shares", who); !regexp.MustCompile(`INBOX +bob@example.org +lrswte +private`).MatchString(out) {
			t.Errorf("shares of %s:\n%s", who, out)
		}
	}
	if out := s.ok("audit"); !strings.Contains(out, "INBOX private") {
		t.Errorf("the audit:\n%s", out)
	}
	s.ok("mailbox", "unshare", "anna@example.org", "INBOX", "--with", "bob@example.org")
	if out := s.ok("mailbox", "shares", "anna@example.org"); strings.Contains(out, "INBOX") || !strings.Contains(out, "-bob@example.org") {
		t.Errorf("shares after unshare:\n%s", out)
	}
	s.ok("account", "remove", "bob@example.org")
	if out := s.ok("mailbox", "shares", "anna@example.org"); strings.Contains(out, "bob") {
		t.Errorf("shares with who was removed:\n%s", out)
	}
	s.ok("account", "remove", "anna@example.org")
	s.account("anna@example.org", "both")
	if out := s.ok("mailbox", "shares", "anna@example.org"); !strings.Contains(out, "none") {
		t.Errorf("shares of who was removed:\n%s", out)
	}
	s.ok("mailbox", "check", "--all")
}

// TestCheckFindsDamage: a message file that lies about its size.
func TestCheckFindsDamage(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	s.run("Subject: x\n\nx\n", "deliver", "anna@example.org")
	files, _ := filepath.Glob(filepath.Join(s.dir, "data/mail/example.org/anna/Maildir/[cn][ue][rw]/*"))
	if len(files) != 1 {
		t.Fatalf("%d message files", len(files))
	}
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("more\n")
	f.Close()
	if r := s.run("", "mailbox", "check", "anna@example.org"); r.code != exitProblems || !strings.Contains(r.out, "INBOX") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
}

func TestStartErrorsSayTheRemedy(t *testing.T) {
	s := newStore(t, "")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := filepath.Join(s.dir, "data")
	for _, tc := range []struct{ extra, want string }{
		{"data_dirr: x\n", "unknown key"},
		{"pop3: {lock_wait: 5}\n", "not a duration"},
		{"tls: {cert: none.pem, key: none.pem}\n", "check tls.cert and tls.key"},
		{"limits: {connections: -1}\n", "limits.connections"},
	} {
		s.configure(tc.extra)
		s.fails(exitFailed, tc.want, "serve")
	}
	write := func(text string) {
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data_dir: data\nlisteners: {imap: '" + taken.Addr().String() + "', pop3: [], lmtp: []}\n")
	s.fails(exitFailed, "another program does already: end it, or change listeners.imap", "serve")
	write("data_dir: data\nlisteners: {imap: [], pop3: [], lmtp: '" + taken.Addr().String() + "'}\n")
	s.fails(exitFailed, "change listeners.lmtp", "serve")
	write("data_dir: data\nlisteners: {imap: [], pop3: [], lmtp: []}\n")
	s.fails(exitFailed, "nothing to serve", "serve")
	s.fails(exitFailed, "no front end", "serve", "--only", "nntp")
	write("data_dir: elsewhere\n")
	s.fails(exitFailed, "is not there", "serve")
	if err := os.Mkdir(filepath.Join(s.dir, "elsewhere"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.fails(exitFailed, "marker", "serve")
	s.fails(exitFailed, "marker", "account", "list")
	if entries, _ := os.ReadDir(filepath.Join(s.dir, "elsewhere")); len(entries) != 0 {
		t.Errorf("something was made on a disk that is not mounted: %v", entries)
	}
	s.configure("")
	if os.Geteuid() == 0 {
		if err := os.Chown(data, 12345, 12345); err != nil {
			t.Skip(err)
		}
		s.fails(exitFailed, "belongs to user 12345", "serve")
	} else {
		if err := os.Chmod(data, 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(data, 0o700)
		s.fails(exitFailed, "no right to write in", "serve")
	}
}

func TestConfigCheck(t *testing.T) {
	s := newStore(t, "pop3: {lock_wait: 7s}\n")
	if out := s.ok("config", "check"); !strings.Contains(out, "lock_wait: 7s") || !strings.Contains(out, "is good") {
		t.Errorf("got\n%s", out)
	}
	s.configure("pop3: {lock_wiat: 7s}\nimap: {timeout: 1}\n")
	r := s.run("", "config", "check")
	if r.code != exitFailed || !strings.Contains(r.err, `bascule.yaml:4: unknown key "pop3.lock_wiat"`) || !strings.Contains(r.err, "bascule.yaml:5: imap.timeout") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	s.configure("imap: {hide_for: [\"mutt[: IDLE\"]}\n")
	s.fails(exitFailed, "imap.hide_for", "config", "check")
	s.configure("imap: {submit_users: [\"not an address\"]}\n")
	s.fails(exitFailed, "imap.submit_users", "config", "check")
	t.Setenv("BASCULE_POP3_LOCK_WAIT", "soon")
	s.configure("")
	s.fails(exitFailed, "BASCULE_POP3_LOCK_WAIT", "config", "check")
}

func TestVersion(t *testing.T) {
	s := newStore(t, "")
	if out := s.ok("version"); !strings.HasPrefix(out, "bascule ") {
		t.Errorf("got %q", out)
	}
}
