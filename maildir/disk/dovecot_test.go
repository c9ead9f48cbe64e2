package disk_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/programs"
	"bascule/maildir/disk"
)

// dovecot runs the real program on a Maildir, where it is installed: what we write it must read, and the other way round.
type dovecot struct {
	t    *testing.T
	home string
	uid  int
}

func newDovecot(t *testing.T) (*dovecot, *disk.Maildir) {
	t.Helper()
	programs.Dovecot(t)
	home, err := os.MkdirTemp("", "dovecot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	d := &dovecot{t: t, home: home, uid: os.Getuid()}
	if d.uid == 0 {
		d.uid = 65534 // Dovecot does not touch mail as root
	}
	conf := fmt.Sprintf("base_dir = %[1]s/run\nstate_dir = %[1]s/run\nlog_path = /dev/stderr\nssl = no\nmail_location = maildir:%[1]s/Maildir\n"+
		"first_valid_uid = 1\nmail_uid = %[2]d\nmail_gid = %[2]d\nmail_home = %[1]s\nmail_attribute_dict = file:%%h/Maildir/dovecot-attributes\nnamespace inbox {\n inbox = yes\n separator = /\n}\n", home, d.uid)
	if err := os.WriteFile(home+"/conf", []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := disk.Create(disk.OS, namer, home+"/Maildir")
	if err != nil {
		t.Fatal(err)
	}
	return d, m
}

// adm runs doveadm and gives its output.
func (d *dovecot) adm(args ...string) string {
	d.t.Helper()
	filepath.WalkDir(d.home, func(path string, _ os.DirEntry, err error) error {
		if err == nil && os.Getuid() == 0 {
			err = os.Chown(path, d.uid, d.uid)
		}
		return err
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "doveadm", append([]string{"-c", d.home + "/conf"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+d.home, "USER=test")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "Error:") {
		d.t.Fatalf("doveadm %q: %v\n%s%s", args, err, out, &stderr)
	}
	return string(out)
}

func TestDovecotReadsOurs(t *testing.T) {
	d, m := newDovecot(t)
	p := deliver(t, m, "", disk.Cur, "Subject: a\r\n\r\nx\r\n")
	n, _ := disk.ParseName(p.File)
	flagged := p
	flagged.File = n.WithFlags("SFa").String()
	if err := m.Rename(p, flagged); err != nil {
		t.Fatal(err)
	}
	list := &disk.UIDList{UIDValidity: 777, NextUID: 42, GUID: "00112233445566778899aabbccddeeff"}
	if err := m.RewriteUIDList("", list); err != nil {
		t.Fatal(err)
	}
	if err := m.AppendUIDs("", []disk.UIDRecord{disk.UIDRecord{UID: 42, Base: n.Base}.WithKey(disk.KeyUIDL, "my-uidl")}, true); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteKeywords("", &disk.Keywords{"Work"}); err != nil {
		t.Fatal(err)
	}
	s, _ := m.ReadSubscriptions()
	names := []string{"A/B", "Entwürfe", "R&D"}
	for _, name := range names {
		dir, err := disk.FolderDir(name, disk.MUTF7)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.CreateFolder(dir); err != nil {
			t.Fatal(err)
		}
		s.Add(name, disk.MUTF7)
	}
	if err := m.WriteSubscriptions(s); err != nil {
		t.Fatal(err)
	}
	last, err := m.NextUIDValidity(time.Unix(1700000000, 0), 0)
	if err != nil {
		t.Fatal(err)
	}

	got := d.adm("fetch", "uid flags pop3.uidl size.physical", "mailbox", "INBOX")
	for _, want := range []string{"uid: 42\n", `\Flagged \Seen Work`, "pop3.uidl: my-uidl\n", "size.physical: 17\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	// "A" is the parent that has no directory.
	if got := lines(d.adm("mailbox", "list")); !slices.Equal(got, []string{"A", "A/B", "Entwürfe", "INBOX", "R&D"}) {
		t.Errorf("folders %q", got)
	}
	if got := lines(d.adm("mailbox", "list", "-s")); !slices.Equal(got, names) {
		t.Errorf("subscribed %q", got)
	}
	if got := d.adm("mailbox", "status", "uidvalidity uidnext", "INBOX"); got != "INBOX uidnext=43 uidvalidity=777\n" {
		t.Errorf("%q", got)
	}
	d.adm("mailbox", "create", "Later")
	// It gives values to our new folders as well, in whatever order; all of them come from the one counter.
	var later uint32
	fmt.Sscanf(d.adm("mailbox", "status", "uidvalidity", "Later"), "Later uidvalidity=%d", &later)
	if given, err := m.UIDValidity(); err != nil || later <= last || later > given || given > last+uint32(len(names))+1 {
		t.Errorf("we gave %d, Dovecot %d, the counter is at %d, %v", last, later, given, err)
	}
}

func lines(s string) []string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	slices.Sort(all)
	return all
}

func TestWeReadDovecots(t *testing.T) {
	d, m := newDovecot(t)
	message := d.home + "/message"
	os.WriteFile(message, []byte("Subject: a\n\nx\n"), 0o644)
	d.adm("mailbox", "create", "-s", "Entwürfe", "A/B")
	for range 3 {
		d.adm("save", "-m", "A/B", message)
	}
	d.adm("flags", "add", `\Seen Work $Label1`, "mailbox", "A/B", "uid", "2")
	d.adm("expunge", "mailbox", "A/B", "uid", "3")

	l, err := m.Folders()
	if err != nil || !slices.Equal(l.Dirs, []string{"", ".A.B", ".Entw&APw-rfe"}) || len(l.Stray) > 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	if e, mixed := disk.DetectEncoding(l.Dirs); e != disk.MUTF7 || mixed {
		t.Errorf("%v, %v", e, mixed)
	}
	list, err := m.ReadUIDList(".A.B")
	if err != nil || list.Bad != 0 || list.Version != 3 || list.UIDValidity == 0 || len(list.GUID) != 32 || list.Next() != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	kw, bad, err := m.ReadKeywords(".A.B")
	if err != nil || bad != 0 {
		t.Fatal(kw, bad, err)
	}
	scan, err := m.Scan(".A.B")
	if err != nil || len(scan.Entries) != 2 {
		t.Fatalf("%+v, %v", scan, err)
	}
	for _, e := range scan.Entries {
		i := slices.IndexFunc(list.Records, func(r disk.UIDRecord) bool { return r.Base == e.Base() })
		if i < 0 {
			t.Fatalf("%s is not in %+v", e.File, list)
		}
		var words []string
		for _, c := range []byte(e.Name().Flags) {
			if w := kw.Keyword(c); w != "" {
				words = append(words, w)
			}
		}
		slices.Sort(words)
		if two := list.Records[i].UID == 2; two != e.Name().HasFlag('S') || two != slices.Equal(words, []string{"$Label1", "Work"}) {
			t.Errorf("UID %d: %s, keywords %q", list.Records[i].UID, e.File, words)
		}
		if size, ok := disk.SizeOnWire(e.Base()); !ok || size != 17 {
			t.Errorf("%s: W=%d", e.File, size)
		}
	}
	s, err := m.ReadSubscriptions()
	if err != nil || s.Version != 2 || !slices.Equal(s.Names(disk.MUTF7), []string{"A/B", "Entwürfe"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if v, err := m.UIDValidity(); err != nil || v < list.UIDValidity {
		t.Errorf("UIDVALIDITY %d, %v, but %d was given", v, err, list.UIDValidity)
	}
	next, err := m.NextUIDValidity(time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	d.adm("mailbox", "create", "Later")
	if got, want := d.adm("mailbox", "status", "uidvalidity", "Later"), fmt.Sprintf("Later uidvalidity=%d\n", next+1); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Annotations that we write Dovecot reads, and the other way round.
func TestDovecotSharesAttributes(t *testing.T) {
	d, m := newDovecot(t)
	list := &disk.UIDList{UIDValidity: 777, NextUID: 42, GUID: "00112233445566778899aabbccddeeff"}
	if err := m.RewriteUIDList("", list); err != nil {
		t.Fatal(err)
	}
	ours := []disk.Attribute{
		{Key: "priv/" + list.GUID + "/comment", Value: []byte("two\r\n\tlines\x01")},
		{Key: "shared/" + list.GUID + "/vendor/x/empty", Value: nil},
		{Key: "users/bob@example.org/" + list.GUID + "/comment", Value: []byte("Bob's")},
	}
	if err := m.WriteAttributes(disk.FormatAttributes(ours)); err != nil {
		t.Fatal(err)
	}
	if got := d.adm("mailbox", "metadata", "get", "INBOX", "/private/comment"); got != "two\r\n\tlines\x01\n" {
		t.Errorf("Dovecot reads %q", got)
	}
	if got := d.adm("mailbox", "metadata", "list", "INBOX", "/shared"); !strings.Contains(got, "vendor/x/empty") {
		t.Errorf("Dovecot lists %q", got)
	}
	d.adm("mailbox", "metadata", "set", "INBOX", "/private/vendor/a/b", "its\town\nvalue")
	text, err := m.ReadAttributes()
	if err != nil {
		t.Fatal(err)
	}
	want := append(ours, disk.Attribute{Key: "priv/" + list.GUID + "/vendor/a/b", Value: []byte("its\town\nvalue")})
	got := disk.ParseAttributes(text)
	byKey := func(x, y disk.Attribute) int { return strings.Compare(x.Key, y.Key) }
	slices.SortFunc(got, byKey)
	slices.SortFunc(want, byKey)
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("we read\n%q, want\n%q", got, want)
	}
}
