package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCurlIMAP(t *testing.T) {
	s := start(t, "curl")
	for _, c := range []struct {
		name string
		args []string
		url  string
	}{
		{"clear", nil, "imap://127.0.0.1:" + port(s, "imap")},
		{"starttls", []string{"--ssl-reqd", "-k"}, "imap://127.0.0.1:" + port(s, "imap")},
		{"tls", []string{"-k"}, "imaps://127.0.0.1:" + port(s, "imaps")},
		{"auth login", []string{"--login-options", "AUTH=LOGIN"}, "imap://127.0.0.1:" + port(s, "imap")},
		{"initial response", []string{"--sasl-ir"}, "imap://127.0.0.1:" + port(s, "imap")},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"-sS", "-u", "both@example.org:demo"}, c.args...)
			list := string(run(t, t.TempDir(), "curl", append(args, c.url+"/")...))
			if !strings.Contains(list, `\Trash) "/" "Trash"`) && !strings.Contains(list, `\Trash) "/" Trash`) {
				t.Errorf("LIST gave %q", list)
			}
			for i, want := range messages {
				got := string(run(t, t.TempDir(), "curl", append(args, fmt.Sprintf("%s/INBOX;UID=%d", c.url, i+1))...))
				if lines(got) != lines(want) {
					t.Errorf("message %d: got %.300q", i+1, got)
				}
			}
			found := string(run(t, t.TempDir(), "curl", append(args, c.url+"/INBOX?SUBJECT%20dots")...))
			if strings.TrimSpace(found) != "* SEARCH 2" {
				t.Errorf("SEARCH gave %q", found)
			}
		})
	}
}

func TestCurlAppends(t *testing.T) {
	s := start(t, "curl")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m"), strings.ReplaceAll(messages[1], "\n", "\r\n"), 0o600)
	base := "imap://127.0.0.1:" + port(s, "imap")
	run(t, dir, "curl", "-sS", "-u", "both@example.org:demo", "-T", filepath.Join(dir, "m"), base+"/Sent")
	got := string(run(t, dir, "curl", "-sS", "-u", "both@example.org:demo", base+"/Sent;UID=1"))
	if lines(got) != lines(messages[1]) {
		t.Errorf("got %q", got)
	}
}

const imaplibScript = `
import imaplib, ssl, sys
clear, tls = int(sys.argv[1]), int(sys.argv[2])
ctx = ssl._create_unverified_context()
def ok(r):
    assert r[0] == 'OK', r
    return r[1]
def go(m):
    ok(m.login('both@example.org', 'demo'))
    n = int(ok(m.select('INBOX'))[0])
    uids = ok(m.uid('search', None, 'ALL'))[0].split()
    assert len(uids) == n, (uids, n)
    for u in uids:
        r = ok(m.uid('fetch', u, '(RFC822.SIZE BODY.PEEK[])'))
        size = int(r[0][0].split(b'RFC822.SIZE ')[1].split()[0])
        assert len(r[0][1]) == size, (u, size, len(r[0][1]))
    return m
go(imaplib.IMAP4('127.0.0.1', clear)).logout()
m = imaplib.IMAP4('127.0.0.1', clear); m.starttls(ctx); go(m).logout()
m = go(imaplib.IMAP4_SSL('127.0.0.1', tls, ssl_context=ctx))
ok(m.create('Work')); ok(m.copy('1:3', 'Work'))
ok(m.store('2', '+FLAGS', r'(\Deleted \Flagged keyword)'))
assert ok(m.expunge()) == [b'2']
ok(m.append('Work', r'(\Seen)', imaplib.Time2Internaldate(1e9), b'Subject: appended\r\n\r\nbody\r\n'))
assert ok(m.status('Work', '(MESSAGES UNSEEN)'))[0].endswith(b'(MESSAGES 4 UNSEEN 3)')
ok(m.rename('Work', 'Done')); ok(m.select('Done'))
assert ok(m.search(None, 'SUBJECT', 'appended')) == [b'4']
assert b'09-Sep-2001' in ok(m.fetch('4', '(INTERNALDATE)'))[0]
ok(m.close()); ok(m.delete('Done'))
assert m.select('Done')[0] == 'NO'
m.logout()
m = imaplib.IMAP4('127.0.0.1', clear)
try:
    m.login('both@example.org', 'wrong'); raise SystemExit('a wrong password was taken')
except imaplib.IMAP4.error as e: assert 'AUTHENTICATIONFAILED' in str(e), e
m.authenticate('PLAIN', lambda x: b'\0both@example.org\0demo'); m.logout()
print('fine')
`

func TestImaplib(t *testing.T) {
	s := start(t, "python3")
	out := run(t, t.TempDir(), "python3", "-c", imaplibScript, port(s, "imap"), port(s, "imaps"))
	if strings.TrimSpace(string(out)) != "fine" {
		t.Fatalf("got %q", out)
	}
}

// neomutt, driven by commands as a person would type them: it copies everything to a
// local mailbox, flags, deletes, and leaves.
func TestNeomuttIMAP(t *testing.T) {
	s := start(t, "neomutt")
	dir := t.TempDir()
	rc := fmt.Sprintf(`set imap_user="both@example.org" imap_pass="demo" ssl_starttls=no ssl_force_tls=no
set folder="imap://127.0.0.1:%s/" spoolfile="+INBOX" mbox_type=Maildir
set header_cache="" message_cachedir="" quit=yes delete=yes confirmappend=no confirmcreate=no copy=no
set wait_key=no resolve=no
push '<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>%s/box<enter><untag-pattern>~A<enter><first-entry><delete-message><sync-mailbox><exit>'
`, port(s, "imap"), dir)
	write(t, filepath.Join(dir, "rc"), rc, 0o600)
	// A terminal of its own: neomutt refuses a pipe.
	run(t, dir, "script", "-qec", "env TERM=xterm neomutt -n -F "+filepath.Join(dir, "rc"), "/dev/null")
	got := maildirFiles(t, filepath.Join(dir, "box"))
	cur, _ := filepath.Glob(filepath.Join(dir, "box", "cur", "*"))
	for _, p := range cur {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	checkBodies(t, got)
	left := strings.Fields(string(run(t, dir, "curl", "-sS", "-u", "both@example.org:demo", "imap://127.0.0.1:"+port(s, "imap")+"/INBOX?ALL")))
	if len(left) != 2+len(messages)-1 {
		t.Errorf("left: %q", left)
	}
}
