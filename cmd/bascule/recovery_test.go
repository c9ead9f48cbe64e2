package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// numbers are what programs know a mailbox by: UIDVALIDITY and each message's UID, and the UIDLs.
func (p *process) numbers(address string) string {
	p.t.Helper()
	i := p.imap(address)
	i.send("b SELECT INBOX")
	validity := i.expect("* OK [UIDVALIDITY")
	i.expect("b OK")
	i.send("c UID SEARCH ALL")
	uids := i.expect("* ")
	i.expect("c OK")
	i.send("d LOGOUT")
	i.eof()
	c := p.pop3(address)
	c.send("UIDL")
	c.expect("+OK")
	var uidls []string
	for line := c.line(); line != "."; line = c.line() {
		uidls = append(uidls, line)
	}
	c.send("QUIT")
	c.eof()
	return fmt.Sprint(validity, uids, uidls)
}

// remove deletes the first message by POP3, so that UIDs and numbers differ.
func (p *process) remove(address string) {
	p.t.Helper()
	c := p.pop3(address)
	c.send("DELE 1")
	c.expect("+OK")
	c.send("QUIT")
	c.eof()
}

// TestDamagedIndex: what docs/operations.md says of an index that is damaged.
func TestDamagedIndex(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	p := s.serve()
	for range 3 {
		p.deliver("anna@example.org")
	}
	p.remove("anna@example.org")
	before := p.numbers("anna@example.org")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.end()

	index := filepath.Join(s.dir, "data/mail/example.org/anna/index.db")
	if err := os.WriteFile(index, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	p = s.serve()
	if after := p.numbers("anna@example.org"); after != before {
		t.Errorf("numbers changed:\nbefore %s\nafter  %s", before, after)
	}
	if kept, _ := filepath.Glob(index + ".broken-*"); len(kept) == 0 {
		t.Error("the damaged index was not kept aside")
	}
	p.wait("index is damaged")
	s.ok("mailbox", "check", "anna@example.org")
}

// TestMoveAccount follows docs/operations.md from one store to another, while both serve.
func TestMoveAccount(t *testing.T) {
	from, to := newStore(t, ""), newStore(t, "")
	from.account("anna@example.org", "pop3")
	from.ok("switch", "anna@example.org", "both")
	p, q := from.serve(), to.serve()
	for range 3 {
		p.deliver("anna@example.org")
	}
	p.remove("anna@example.org")
	before := p.numbers("anna@example.org")

	from.ok("account", "set", "anna@example.org", "status=suspended", "delivery=defer")
	if got := p.deliver("anna@example.org"); !strings.HasPrefix(got, "4") {
		t.Errorf("mail during the move: %s", got)
	}
	tar := filepath.Join(t.TempDir(), "anna.tar")
	if out, err := exec.Command("tar", "-C", from.dir+"/data/mail/example.org/anna", "-cf", tar, "Maildir").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	place := to.dir + "/data/mail/example.org/anna"
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-C", place, "-xpf", tar).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	to.account("anna@example.org", "both")
	if after := q.numbers("anna@example.org"); after != before {
		t.Errorf("numbers changed:\nbefore %s\nafter  %s", before, after)
	}
	to.ok("mailbox", "check", "anna@example.org")
	from.ok("account", "remove", "anna@example.org", "--purge")
}

// TestAccountBackup: accounts.db copied while a server runs takes the place of a lost one.
func TestAccountBackup(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "imap")
	p := s.serve()
	file := filepath.Join(t.TempDir(), "accounts.db")
	s.ok("account", "backup", file)
	s.fails(exitFailed, "exists", "account", "backup", file)
	s.ok("switch", "anna@example.org", "none")
	p.cmd.Process.Kill()
	p.end()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(s.dir, "data/accounts.db"+suffix))
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "data/accounts.db"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.serve().imap("anna@example.org")
	var a accountJSON
	if err := json.Unmarshal([]byte(s.ok("account", "show", "anna@example.org", "--json")), &a); err != nil || a.Protocols != "imap" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestMailBackup follows docs/operations.md: an account's mail is written to an archive while it is served, is added
// below a mailbox of the account that is in use, and comes back whole, with its numbers, where the account is lost.
func TestMailBackup(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	p := s.serve()
	for range 3 {
		p.deliver("anna@example.org")
	}
	p.remove("anna@example.org")
	before := p.numbers("anna@example.org")
	watching := p.imap("anna@example.org")
	file := filepath.Join(t.TempDir(), "anna.tar")
	if said := s.ok("mailbox", "backup", "anna@example.org", file); !strings.HasPrefix(said, "2 messages, ") {
		t.Errorf("backup: %s", said)
	}
	s.fails(exitFailed, "exists", "mailbox", "backup", "anna@example.org", file)
	s.fails(exitExists, "--into", "mailbox", "restore", "anna@example.org", file)
	s.fails(exitNotFound, "", "mailbox", "restore", "nobody@example.org", file)
	s.fails(exitFailed, "not a tar archive", "mailbox", "restore", "anna@example.org", "recovery_test.go", "--into", "Back")

	s.ok("mailbox", "restore", "anna@example.org", file, "--into", "Back")
	watching.send("a STATUS Back/INBOX (MESSAGES)")
	if said := watching.expect("* STATUS "); !strings.HasSuffix(said, "(MESSAGES 2)") {
		t.Errorf("below: %s", said)
	}
	watching.expect("a OK")

	p.cmd.Process.Signal(syscall.SIGTERM)
	p.end()
	if err := os.RemoveAll(filepath.Join(s.dir, "data/mail/example.org/anna")); err != nil {
		t.Fatal(err)
	}
	p = s.serve()
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.run(string(archive), "mailbox", "restore", "anna@example.org", "-"); r.code != 0 {
		t.Errorf("restore: %d %s", r.code, r.err)
	}
	if after := p.numbers("anna@example.org"); after != before {
		t.Errorf("numbers changed:\nbefore %s\nafter  %s", before, after)
	}
	s.ok("mailbox", "check", "anna@example.org")
	audit := s.ok("audit", "--subject", "anna@example.org")
	for _, want := range []string{"Back: 2 messages", "whole: 2 messages"} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %q:\n%s", want, audit)
		}
	}
}

// A backup whose reader ends, and a restore that is told to end, leave nothing behind.
func TestMailBackupBrokenOff(t *testing.T) {
	s := newStore(t, "")
	s.account("anna@example.org", "both")
	s.account("bert@example.org", "both")
	for range 2 {
		if r := s.run("Subject: long\r\n\r\n"+strings.Repeat("0123456789abcdef\r\n", 20_000), "deliver", "anna@example.org"); r.code != 0 {
			t.Fatal(r.err)
		}
	}
	file := filepath.Join(t.TempDir(), "anna.tar")
	s.ok("mailbox", "backup", "anna@example.org", file)
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// brokenOff starts a command and lets end have its input and output when it has begun its work beside the Maildir.
	brokenOff := func(what, account string, end func(p *os.Process, in, out *os.File), args ...string) {
		place := filepath.Join(s.dir, "data/mail/example.org", account)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := program(ctx, append([]string{"--config", s.config, "mailbox"}, args...)...)
		stdin, in, err := os.Pipe()
		out, stdout, err2 := os.Pipe()
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		cmd.Stdin, cmd.Stdout = stdin, stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stdin.Close()
		stdout.Close()
		end(cmd.Process, in, out)
		if err := cmd.Wait(); err == nil {
			t.Errorf("%s: no error", what)
		}
		in.Close()
		out.Close()
		if left, err := filepath.Glob(filepath.Join(place, "*.tmp")); len(left) > 0 || err != nil {
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}
	brokenOff("no reader", "anna", func(_ *os.Process, _, out *os.File) {
		if _, err := io.ReadFull(out, make([]byte, 512)); err != nil {
			t.Error(err)
		}
		out.Close() // there is more to come than a pipe holds
	}, "backup", "anna@example.org", "-")
	brokenOff("restore", "bert", func(p *os.Process, in, _ *os.File) {
		if _, err := in.Write(archive[:len(archive)/2]); err != nil { // more than a pipe holds: it is being read
			t.Error(err)
		}
		p.Signal(syscall.SIGTERM)
		in.Close()
	}, "restore", "bert@example.org", "-")
}
