package maildir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

// The scenario that is killed, made to fail, or cut off by a power failure at every
// file call. After each step the state is what an acknowledgement promised; at a fault
// in the middle of a step it must be the one before or the one after, with every UID.
var crashSteps = []struct {
	name string
	do   func(c *crashRun) error
}{
	{"deliver", func(c *crashRun) error { return c.deliver(1) }},
	{"deliver again", func(c *crashRun) error { return c.deliver(2) }},
	{"append three", func(c *crashRun) error {
		_, err := c.box(Inbox).Append(c.ctx, []Incoming{
			{R: strings.NewReader(mail(3)), Flags: []string{`\Seen`, "work"}},
			{R: strings.NewReader(mail(4))}, {R: strings.NewReader(mail(5))}})
		return err
	}},
	{"store", func(c *crashRun) error {
		_, err := c.box(Inbox).Store(c.ctx, []UID{1, 2, 3}, StoreOp{Mode: StoreAdd, Flags: []string{`\Flagged`, "other"}})
		return err
	}},
	{"store back", func(c *crashRun) error {
		_, err := c.box(Inbox).Store(c.ctx, []UID{1, 2}, StoreOp{Mode: StoreRemove, Flags: []string{`\Flagged`, "other"}})
		return err
	}},
	{"copy two", func(c *crashRun) error {
		_, err := c.box(Inbox).Copy(c.ctx, []UID{1, 3}, c.box("Trash"))
		return err
	}},
	{"copy one", func(c *crashRun) error {
		_, err := c.box(Inbox).Copy(c.ctx, []UID{2}, c.box("Trash"))
		return err
	}},
	{"create", func(c *crashRun) error {
		_, err := c.a.CreateMailbox(c.ctx, "A/B", nil)
		return err
	}},
	{"move two", func(c *crashRun) error {
		_, err := c.box(Inbox).Move(c.ctx, []UID{2, 3}, c.box("A/B"))
		return err
	}},
	{"flag what was moved", func(c *crashRun) error {
		_, err := c.box("A/B").Store(c.ctx, []UID{1}, StoreOp{Flags: []string{`\Answered`}})
		return err
	}},
	{"share", func(c *crashRun) error { return c.grant("A/B", "bob@example.org", AllRights) }},
	{"share otherwise", func(c *crashRun) error { return c.grant("A/B", "bob@example.org", RightLookup|RightPost) }},
	{"share with another", func(c *crashRun) error { return c.grant("A/B", Anyone, RightLookup|RightRead) }},
	{"annotate", func(c *crashRun) error {
		return c.annotate("A/B", "/private/comment", "x", "/shared/comment", "y", EntrySpecialUse, `\Archive`)
	}},
	{"annotate INBOX", func(c *crashRun) error { return c.annotate(Inbox, "/private/comment", "z") }},
	{"annotate otherwise", func(c *crashRun) error { return c.annotate("A/B", "/private/comment", "-", "/shared/comment", "w") }},
	{"rename", func(c *crashRun) error { return c.a.RenameMailbox(c.ctx, "A", "X") }},
	{"move back", func(c *crashRun) error {
		_, err := c.box("X/B").Move(c.ctx, []UID{1}, c.box(Inbox))
		return err
	}},
	{"expunge", func(c *crashRun) error {
		m := c.box("Trash")
		if _, err := m.Store(c.ctx, []UID{1, 2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
			return err
		}
		c.midway()
		_, err := m.Expunge(c.ctx, nil)
		return err
	}},
	{"POP3 QUIT", func(c *crashRun) error {
		d, err := c.a.OpenMaildrop(c.ctx, locking.Holder{}, MaildropOptions{})
		if err != nil {
			return err
		}
		defer d.Release()
		return d.Quit(c.ctx, []int{0, 1}, []int{2})
	}},
	{"share no more", func(c *crashRun) error { return c.grant("X/B", "bob@example.org", 0) }},
	{"delete", func(c *crashRun) error { _, err := c.a.DeleteMailbox(c.ctx, "X/B"); return err }},
	{"create again", func(c *crashRun) error {
		_, err := c.a.CreateMailbox(c.ctx, "X/B", nil)
		return err
	}},
	{"deliver there", func(c *crashRun) error {
		_, err := c.a.Deliver(c.ctx, "X/B", strings.NewReader(mail(6)), DeliverOptions{})
		return err
	}},
	{"foreign mail", func(c *crashRun) error {
		if err := c.foreign("1700000001.M1P1.host", mail(7)); err != nil {
			return err
		}
		_, err := c.box(Inbox).Refresh(c.ctx)
		return err
	}},
	{"rename INBOX", func(c *crashRun) error {
		if c.note {
			// A folder is made before the commit that fills it: a kill may leave it empty.
			inbox, rest, _ := strings.Cut(state(c.t, c.a), "\n")
			c.states = append(c.states, inbox+"\nOld: \"\" []\n"+rest)
		}
		return c.a.RenameMailbox(c.ctx, Inbox, "Old")
	}},
	{"replace a draft", func(c *crashRun) error {
		m := c.box("Old")
		return c.replace(m, m, mail(8))
	}},
	{"replace across mailboxes", func(c *crashRun) error { return c.replace(c.box("Old"), c.box("X/B"), mail(9)) }},
	{"append binary parts", func(c *crashRun) error {
		_, err := c.box(Inbox).Append(c.ctx, []Incoming{{R: strings.NewReader(binaryMail(10)), Binary: true}, {R: strings.NewReader(mail(11)), Binary: true}})
		return err
	}},
	{"subscribe", func(c *crashRun) error { return c.a.Subscribe(c.ctx, "Elsewhere") }},
}

type crashRun struct {
	t      *testing.T
	ctx    context.Context
	s      *Store
	a      *Account
	note   bool     // no fault is to come: midway notes states
	states []string // what may be found in the middle of the running step
}

func (c *crashRun) deliver(n int) error {
	_, err := c.a.Deliver(c.ctx, Inbox, strings.NewReader(mail(n)), DeliverOptions{})
	return err
}

// foreign delivers as another program does, by calls that can fail as well.
func (c *crashRun) foreign(name, text string) error {
	f, dir := c.s.opts.FS, root(c.a)
	w, err := f.Create(filepath.Join(dir, "tmp", name), 0o600)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		w.Close()
		return err
	}
	if err := w.Sync(); err != nil {
		w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := f.RenameNoReplace(filepath.Join(dir, "tmp", name), filepath.Join(dir, "new", name)); err != nil {
		return err
	}
	return f.SyncDir(filepath.Join(dir, "new"))
}

// replace puts a message into dst in place of the first of src.
func (c *crashRun) replace(src, dst *Mailbox, text string) error {
	p := dst.BeginAppend()
	defer p.Close()
	if err := p.Add(c.ctx, Incoming{R: strings.NewReader(text), Flags: []string{`\Draft`}}); err != nil {
		return err
	}
	_, err := p.Replace(c.ctx, src, src.Snapshot().At(0).UID)
	return err
}

var errNoBox = errors.New("mailbox could not be opened")

// box opens a mailbox; where that fails the step fails with what it does next.
func (c *crashRun) box(name string) *Mailbox {
	m, err := c.a.Mailbox(c.ctx, name)
	if err != nil {
		panic(errNoBox) // recovered in run
	}
	return m
}

// midway notes that the state in the middle of a step is one that may be found.
func (c *crashRun) midway() {
	if c.note {
		c.states = append(c.states, state(c.t, c.a))
	}
}

func crashStore(data, indexDir string, f disk.FS) (*Store, error) {
	s, err := Open(Options{DataDir: data, IndexDir: indexDir, FS: f, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err == nil {
		s.keepAll = true
	}
	return s, err
}

// run does the steps until one fails. It gives the number of steps that were
// acknowledged and why it ended.
func (c *crashRun) run(after func(step int)) (done int, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != errNoBox {
				panic(r)
			}
			err = errNoBox
		}
	}()
	if c.a, err = c.s.Account(c.ctx, "a@example.org", testPolicy); err != nil {
		return 0, err
	}
	if after != nil {
		after(-1)
	}
	for i, step := range crashSteps {
		if err := step.do(c); err != nil {
			return done, fmt.Errorf("%s: %w", step.name, err)
		}
		done = i + 1
		if after != nil {
			after(i)
		}
	}
	return done, nil
}

// die ends the store as a killed process ends: nothing is tidied up.
func die(s *Store) {
	for _, a := range s.accounts {
		a.mu.Lock()
		a.journal = journal{}
		a.closeFiles()
		a.shutErr = ErrClosed
		a.mu.Unlock()
	}
}

// state is everything a client could see, as text.
func state(t *testing.T, a *Account) string {
	t.Helper()
	ctx := context.Background()
	list, err := a.Mailboxes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, info := range list {
		fmt.Fprintf(&b, "%s:", info.Name)
		if m, err := a.Mailbox(ctx, info.Name); err == nil {
			s := m.Snapshot()
			for _, x := range s.All() {
				flags := s.FlagNames(x.Flags)
				slices.Sort(flags)
				fmt.Fprintf(&b, " %d=%s%v", x.UID, subject(t, m, x), flags)
			}
			m.Close()
			l, err := a.ACL(ctx, info.Name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %q", l.text())
			entries, err := a.Entries(ctx, info.Name, a.address, []string{"/private", "/shared"}, -1)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %s", entries)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (c *crashRun) grant(name, who string, r Rights) error {
	_, _, err := c.a.Grant(c.ctx, name, who, false, func(Rights) Rights { return r })
	return err
}

func (c *crashRun) annotate(name string, pairs ...string) error {
	_, err := c.a.SetEntries(c.ctx, name, c.a.address, entriesOf(pairs))
	return err
}

func subject(t *testing.T, m *Mailbox, x *Message) string {
	t.Helper()
	b, err := m.Open(context.Background(), x)
	if err != nil {
		t.Fatalf("%s UID %d cannot be opened: %v", m.Name(), x.UID, err)
	}
	defer b.Close()
	buf := make([]byte, b.Size())
	n, _ := b.Section(0, b.Size()).Read(buf)
	_, rest, _ := strings.Cut(string(buf[:n]), "Subject: message ")
	s, _, _ := strings.Cut(rest, "\r\n")
	if got := string(buf[:n]); got != mail(int(atoi(s))) && got != storedBinary(int(atoi(s))) {
		t.Errorf("%s UID %d reads %q", m.Name(), x.UID, buf[:n])
	}
	return s
}

// binaryMail has NULs; storedBinary is what becomes of it.
func binaryMail(n int) string {
	return fmt.Sprintf("Subject: message %d\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\n\x01", n)
}

func storedBinary(n int) string {
	return fmt.Sprintf("Subject: message %d\r\nContent-Transfer-Encoding: base64\r\n\r\nAAoB\r\n", n)
}

func atoi(s string) (n int64) {
	fmt.Sscan(s, &n)
	return n
}

// promised runs the scenario without a fault and gives the state before the first step
// and after each, with those midway between.
func promised(t *testing.T) (states [][]string, calls int) {
	f := &disktest.FaultFS{FS: disk.OS}
	c := newCrashRun(t, f)
	defer c.s.Close()
	c.note = true
	_, err := c.run(func(step int) {
		mid := c.states
		c.states = nil
		if step >= 0 {
			states[len(states)-1] = append(states[len(states)-1], mid...)
		}
		states = append(states, []string{state(t, c.a)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return states, f.Count()
}

func newCrashRun(t *testing.T, f disk.FS) *crashRun {
	t.Helper()
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	s, err := crashStore(data, "", f)
	if err != nil {
		t.Fatal(err)
	}
	return &crashRun{t: t, ctx: context.Background(), s: s}
}

// verify opens the data directory again and compares with what may be found after
// done steps.
func verify(t *testing.T, what, data, indexDir string, states [][]string, done int) {
	t.Helper()
	s, err := crashStore(data, indexDir, disk.OS)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer s.Close()
	a, err := s.Account(context.Background(), "a@example.org", testPolicy)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer a.Close()
	problems, err := a.Check(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, p := range problems {
		t.Errorf("%s: check: %s", what, p)
	}
	may := slices.Clone(states[done])
	if done+1 < len(states) {
		may = append(may, states[done+1][0])
	}
	if got := state(t, a); !slices.Contains(may, got) {
		t.Errorf("%s: after %d steps there is\n%swhich is none of\n%s", what, done, got, strings.Join(may, "or\n"))
	}
}

func TestKilledAtEveryCall(t *testing.T) {
	states, calls := promised(t)
	step := 1
	if testing.Short() {
		step = 7
	}
	for n := 1; n <= calls; n += step {
		f := &disktest.FaultFS{FS: disk.OS, At: n}
		c := newCrashRun(t, f)
		done, err := c.run(nil)
		die(c.s)
		if err == nil && f.Fired() == "" {
			t.Fatalf("call %d was not made", n)
		}
		verify(t, fmt.Sprintf("killed at call %d (%s)", n, f.Fired()), c.s.opts.DataDir, "", states, done)
	}
}

func TestFailedCallLosesNothing(t *testing.T) {
	states, calls := promised(t)
	step := 1
	if testing.Short() {
		step = 7
	}
	for n := 1; n <= calls; n += step {
		f := &disktest.FaultFS{FS: disk.OS, At: n, Err: syscall.ENOSPC}
		c := newCrashRun(t, f)
		done, _ := c.run(nil)
		c.s.Close()
		verify(t, fmt.Sprintf("call %d failed (%s)", n, f.Fired()), c.s.opts.DataDir, "", states, done)
	}
}

// TestPowerFailure cuts the record of all file calls after each of them, and drops what
// was not synced: all of it, or some.
func TestPowerFailure(t *testing.T) {
	states, _ := promised(t)
	data, index := fastDir(t), fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	rec, err := disktest.NewRecordFS(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := crashStore(data, index, rec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commits := fastDir(t)
	n := 0
	// The index commits with synchronous=FULL: what it is at the commit survives.
	s.onCommit = func() {
		n++
		kept := filepath.Join(commits, fmt.Sprint(n))
		copyTree(t, index, kept)
		rec.Mark("index", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".index"), []byte(kept), 0o600) })
	}
	c := &crashRun{t: t, ctx: context.Background(), s: s}
	var ends []int
	if _, err := c.run(func(int) { ends = append(ends, rec.Len()) }); err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 5
	}
	for cut := ends[0]; cut <= rec.Len(); cut += step {
		done := 0
		for done+1 < len(ends) && ends[done+1] <= cut {
			done++
		}
		for _, p := range []disktest.Policy{disktest.DropUnsynced(), disktest.Prefix(uint64(cut)), disktest.Subset(uint64(cut))} {
			dir := fastDir(t)
			if err := rec.Replay(cut, dir, p); err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadFile(filepath.Join(dir, ".index"))
			if err != nil {
				t.Fatal(err)
			}
			os.Remove(filepath.Join(dir, ".index"))
			again := fastDir(t)
			copyTree(t, string(kept), again)
			verify(t, fmt.Sprintf("power failed after call %d, %s", cut, p), dir, again, states, done)
			os.RemoveAll(dir)
			os.RemoveAll(again)
		}
		if t.Failed() {
			t.Fatalf("calls before: %s / %s", rec.Describe(max(cut-2, 0)), rec.Describe(cut-1))
		}
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// fastDir is a temporary directory in memory where the system has one: what is tested
// is which calls are made, not that a disk obeys them.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bascule-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
