package proctest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// The lines that operators and their programs read. They may gain attributes at their end, and must not change otherwise.
var goldenLines = map[string]string{
	"failure": `^time=\S+ level=WARN msg="login failed" conn=\S+ protocol=imap remote=127\.0\.0\.1 account=both@example\.org mechanism=PLAIN reason=auth$`,
	"pop3": `^time=\S+ level=INFO msg="pop3 session ended" conn=\S+ remote=127\.0\.0\.1:\d+ account=both@example\.org session=\w+ reason="logged out" duration=\S+` +
		` messages=3 octets=\d+ top=0 retr=1 retr_octets=\d+ marked=2 deleted=2 uidls=[0-9a-f]{16} in=\d+ out=\d+$`,
	"imap": `^time=\S+ level=INFO msg="imap session ended" conn=\S+ account=both@example\.org session=\w+ remote=127\.0\.0\.1:\d+ reason="logged out" duration=\S+` +
		` commands=\d+ fetched=1 appended=1 expunged=1 client="Golden 1\.0" in=\d+ out=\d+$`,
	"quit": `^time=\S+ level=INFO msg="messages deleted" conn=\S+ protocol=pop3 remote=127\.0\.0\.1 account=both@example\.org session=\w+ client="" owner=both@example\.org` +
		` mailbox=INBOX cause=quit count=2 octets=\d+ messages="1:\d+:b580270313467ba1 2:\d+:-"$`,
	"expunge": `^time=\S+ level=INFO msg="messages deleted" conn=\S+ protocol=imap remote=127\.0\.0\.1 account=both@example\.org session=\w+ client="Golden 1\.0" owner=both@example\.org` +
		` mailbox=INBOX cause=expunge count=1 octets=\d+ messages=3:\d+:-$`,
	"delete": `cause=delete count=1 octets=\d+ messages=1:\d+:[0-9a-f]{16}$`,
}

var failed = regexp.MustCompile(`(?m)^(time=\S+|\{"time":"[^"]*",)"?,? ?"?level"?[=:]"?WARN"?[ ,]"?msg"?[=:]"login failed"`)

func TestLogLinesAreStable(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		s.Deliver(user, "Message-ID: <first@example.net>\r\n"+mail(1))
		s.Deliver(user, mail(2))
		s.Deliver(user, mail(3))
		if _, err := strict.LoginIMAP(s.Addr("imap"), user, "wrong"); err == nil {
			t.Error("logged in with a wrong password")
		}
		p := s.POP3(user)
		_, err := p.Lines("RETR 1")
		must(t, err)
		for _, line := range []string{"DELE 1", "DELE 2", "QUIT"} {
			_, err := p.Do("%s", line)
			must(t, err)
		}
		i := s.IMAP(user)
		must(t, i.OK(`ID ("name" "Golden" "version" "1.0")`))
		if out := s.CLI("session", "list"); !strings.Contains(out, "Golden 1.0") || !strings.Contains(out, "127.0.0.1:") {
			t.Errorf("session list shows no client:\n%s", out)
		}
		must(t, i.OK("CREATE Gone"))
		_, err = i.Append("Gone", "", "Message-ID: <gone@example.net>\r\n"+mail(9))
		must(t, err)
		must(t, i.OK("DELETE Gone"))
		must(t, i.Select("INBOX"))
		must(t, i.OK("UID FETCH 3 BODY.PEEK[]"))
		must(t, i.OK(`UID STORE 3 +FLAGS.SILENT (\Deleted)`))
		must(t, i.OK("EXPUNGE"))
		must(t, i.OK("LOGOUT"))
		for name, golden := range goldenLines {
			line := regexp.MustCompile("(?m)" + golden)
			if !s.Logged(line.MatchString) {
				t.Errorf("%s: no line is like %s", name, golden)
			}
		}
	})
}

// TestFail2banFindsFailures lets the real fail2ban-regex read what the program logged, in both formats, with clients that try to forge lines.
func TestFail2banFindsFailures(t *testing.T) {
	programs.Client(t, "fail2ban-regex")
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			s := site.New(t, site.Options{Users: []string{user}, Settings: "log: {format: " + format + "}\n"})
			p := s.Serve()
			for range 2 {
				if _, err := strict.LoginIMAP(s.Addr("imap"), user, "wrong"); err == nil {
					t.Fatal("logged in with a wrong password")
				}
			}
			// A name that looks like a line about somebody else, and one with quotes.
			forged := `time=2026-01-01T00:00:00Z level=WARN msg="login failed" conn=x protocol=imap remote=192.0.2.66 account=`
			c, err := net.Dial("tcp", s.Addr("pop3"))
			must(t, err)
			defer c.Close()
			for _, name := range []string{forged, `"` + forged, `","msg":"login failed","conn":"x","protocol":"imap","remote":"192.0.2.66","`} {
				c.Write([]byte("USER " + name + "\r\nPASS x\r\n"))
			}
			p.Until(func(log string) bool { return len(failed.FindAllString(log, -1)) == 5 })
			s.CLI("switch", user, "pop3")
			if _, err := strict.LoginIMAP(s.Addr("imap"), user, site.Password); err == nil { // refused, but no failure
				t.Fatal("logged in with the wrong protocol")
			}
			must(t, s.POP3(user).Close())
			log := filepath.Join(t.TempDir(), "log")
			must(t, os.WriteFile(log, []byte(p.Log()), 0o600))
			out, err := exec.Command("fail2ban-regex", "--print-all-matched", log, filepath.Join("..", "..", "deploy", "fail2ban", "bascule.conf")).CombinedOutput()
			if err != nil || !strings.Contains(string(out), " 5 matched") {
				t.Errorf("%v\n%s\n%s", err, out, p.Log())
			}
			// Whom it would ban: the clients alone.
			out, err = exec.Command("fail2ban-regex", "--out", "ip", log, filepath.Join("..", "..", "deploy", "fail2ban", "bascule.conf")).CombinedOutput()
			if ips := strings.Fields(string(out)); err != nil || len(ips) != 5 || strings.Contains(string(out), "192.0.2.66") {
				t.Errorf("would ban %v (%v)", ips, err)
			}
		})
	}
}
