package clienttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCurlPOP3(t *testing.T) {
	s := start(t, "curl")
	for _, c := range []struct {
		name string
		args []string
		url  string
	}{
		{"clear", nil, "pop3://127.0.0.1:" + port(s, "pop3")},
		{"stls", []string{"--ssl-reqd", "-k"}, "pop3://127.0.0.1:" + port(s, "pop3")},
		{"tls", []string{"-k"}, "pop3s://127.0.0.1:" + port(s, "pop3s")},
		{"auth plain", []string{"--login-options", "AUTH=PLAIN"}, "pop3://127.0.0.1:" + port(s, "pop3")},
		{"auth login", []string{"--login-options", "AUTH=LOGIN"}, "pop3://127.0.0.1:" + port(s, "pop3")},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"-sS", "-u", "both@example.org:demo"}, c.args...)
			list := strings.Fields(string(run(t, t.TempDir(), "curl", append(args, c.url+"/")...)))
			if len(list) != 2*len(messages) {
				t.Fatalf("LIST gave %q", list)
			}
			for i, want := range messages {
				got := string(run(t, t.TempDir(), "curl", append(args, fmt.Sprintf("%s/%d", c.url, i+1))...))
				if lines(got) != lines(want) {
					t.Errorf("message %d: got %.300q", i+1, got)
				}
				if fmt.Sprint(len(got)) != list[2*i+1] {
					t.Errorf("message %d: LIST says %s octets, %d came", i+1, list[2*i+1], len(got))
				}
			}
		})
	}
}

const poplibScript = `
import poplib, ssl, sys
clear, tls = int(sys.argv[1]), int(sys.argv[2])
ctx = ssl._create_unverified_context()
def go(p):
    p.user('both@example.org'); p.pass_('demo')
    n, octets = p.stat()
    _, listing, _ = p.list()
    assert len(listing) == n, (n, listing)
    assert sum(int(l.split()[1]) for l in listing) == octets
    _, uidls, _ = p.uidl()
    assert len(set(l.split()[1] for l in uidls)) == n
    for i in range(1, n + 1):
        _, lines, size = p.retr(i)
        stuffed = sum(l.startswith(b'.') for l in lines)
        assert size == int(listing[i-1].split()[1]) + stuffed or size == int(listing[i-1].split()[1]), (i, size, listing[i-1])
        _, head, _ = p.top(i, 0)
        assert head[-1] == b'', head
    return p
p = go(poplib.POP3('127.0.0.1', clear)); p.quit()
p = poplib.POP3('127.0.0.1', clear); assert 'STLS' in p.capa(); p.stls(ctx); assert 'STLS' not in p.capa(); go(p).quit()
p = go(poplib.POP3_SSL('127.0.0.1', tls, context=ctx))
p.utf8(); p.noop(); p.dele(1); p.rset(); p.dele(2)
try:
    p.retr(2); raise SystemExit('a deleted message came')
except poplib.error_proto: pass
p.close()
p = go(poplib.POP3('127.0.0.1', clear)); p.dele(2); p.quit()
p = poplib.POP3('127.0.0.1', clear); p.user('both@example.org'); p.pass_('demo')
print(p.stat()[0]); p.quit()
`

func TestPoplib(t *testing.T) {
	s := start(t, "python3")
	out := run(t, t.TempDir(), "python3", "-c", poplibScript, port(s, "pop3"), port(s, "pop3s"))
	if got := strings.TrimSpace(string(out)); got != fmt.Sprint(len(messages)-1) {
		t.Fatalf("left: %q", got)
	}
}

func TestFetchmail(t *testing.T) {
	for _, c := range []struct{ name, options string }{
		{"clear", "port %s options fetchall sslproto ''"},
		{"stls", "port %s options fetchall sslproto 'auto' no sslcertck"},
		{"uidl keep", "port %s uidl options keep sslproto ''"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "fetchmail")
			dir := t.TempDir()
			place := strings.Replace(c.options, "%s", port(s, "pop3"), 1)
			place, options, _ := strings.Cut(place, " options ")
			// procmail's job: each message becomes a file.
			script := "#!/bin/sh\nf=$(mktemp " + dir + "/new/m.XXXXXX) && cat > $f\n"
			if err := os.Mkdir(filepath.Join(dir, "new"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "mda"), script, 0o755)
			write(t, filepath.Join(dir, "rc"), fmt.Sprintf("poll 127.0.0.1 proto pop3 %s\n user 'both@example.org' password 'demo' is 'root' here %s mda \"%s/mda\"\n", place, options, dir), 0o600)
			run(t, dir, "fetchmail", "-f", filepath.Join(dir, "rc"), "--nosyslog", "-s", "-i", filepath.Join(dir, "ids"), "--pidfile", filepath.Join(dir, "pid"))
			checkBodies(t, maildirFiles(t, dir))
			if !strings.Contains(c.options, "keep") {
				empty(t, s)
			}
		})
	}
}

func TestGetmail(t *testing.T) {
	s := start(t, "getmail")
	dir := t.TempDir()
	for _, sub := range []string{"new", "cur", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "box", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// As root getmail delivers for another user only.
	user := ""
	if os.Geteuid() == 0 {
		user = "user = nobody\n"
		run(t, dir, "chown", "-R", "nobody", filepath.Join(dir, "box"))
		run(t, dir, "chmod", "a+rx", dir, filepath.Dir(dir))
	}
	write(t, filepath.Join(dir, "rc"), fmt.Sprintf(`[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = %s
username = both@example.org
password = demo
[destination]
type = Maildir
path = %s/box/
%s[options]
read_all = false
delete = false
`, port(s, "pop3"), dir, user), 0o600)
	args := []string{"--getmaildir", dir, "--rcfile", filepath.Join(dir, "rc"), "-q"}
	run(t, dir, "getmail", args...)
	checkBodies(t, maildirFiles(t, filepath.Join(dir, "box")))
	// The second time it knows every unique-id and takes nothing.
	run(t, dir, "getmail", args...)
	checkBodies(t, maildirFiles(t, filepath.Join(dir, "box")))
	run(t, dir, "getmail", append(args, "--delete")...)
	empty(t, s)
}

func TestMpop(t *testing.T) {
	s := start(t, "mpop")
	for _, c := range []struct{ name, options string }{
		{"clear", "port " + port(s, "pop3") + "\ntls off\nauth user"},
		{"stls", "port " + port(s, "pop3") + "\ntls on\ntls_starttls on\ntls_certcheck off\nauth plain"},
		{"tls", "port " + port(s, "pop3s") + "\ntls on\ntls_starttls off\ntls_certcheck off\nauth scram-sha-256"},
		{"no pipelining", "port " + port(s, "pop3") + "\ntls off\nauth user\npipelining off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, sub := range []string{"new", "cur", "tmp"} {
				if err := os.MkdirAll(filepath.Join(dir, "box", sub), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, "rc"), fmt.Sprintf("account a\nhost 127.0.0.1\nuser both@example.org\npassword demo\n%s\nkeep on\nuidls_file %s/uidls\ndelivery maildir %s/box\naccount default : a\n", c.options, dir, dir), 0o600)
			run(t, dir, "mpop", "-C", filepath.Join(dir, "rc"), "-q")
			checkBodies(t, maildirFiles(t, filepath.Join(dir, "box")))
		})
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
