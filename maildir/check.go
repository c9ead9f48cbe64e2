package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Problem is a broken invariant that Check found.
type Problem struct {
	Mailbox string
	What    string
}

func (p Problem) String() string {
	if p.Mailbox == "" {
		return p.What
	}
	return p.Mailbox + ": " + p.What
}

// Check verifies every invariant of the account: the disk against the index, UIDs,
// modseqs, counters, the mirror, and the snapshots of open mailboxes against the index.
// It looks for foreign changes first and repairs nothing. Every test calls it.
func (a *Account) Check(ctx context.Context) (problems []Problem, err error) {
	boxes, err := a.attachAll(ctx)
	defer func() {
		for _, m := range boxes {
			m.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, m := range boxes {
		if err := m.Rescan(ctx); err != nil && !errors.Is(err, ErrGone) {
			return nil, err
		}
	}
	err = a.write(ctx, func(w *writing) error {
		// Under the write lock nobody of ours changes anything.
		c := checker{w: w}
		if err := c.account(); err != nil {
			return err
		}
		for _, m := range boxes {
			if m.gone.Load() {
				continue
			}
			if err := c.mailbox(m); err != nil {
				return err
			}
		}
		problems = c.problems
		return nil
	})
	if err != nil {
		return problems, err
	}
	texts, err := a.checkTexts(ctx, boxes)
	return append(problems, texts...), err
}

func (a *Account) attachAll(ctx context.Context) (boxes []*Mailbox, err error) {
	list, err := a.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range list {
		if info.NoSelect {
			continue
		}
		m, err := a.Attach(ctx, info.Name)
		if errors.Is(err, ErrNoMailbox) {
			continue
		}
		if err != nil {
			return boxes, err
		}
		boxes = append(boxes, m)
	}
	return boxes, nil
}

type checker struct {
	w        *writing
	problems []Problem
}

func (c *checker) report(mailbox, format string, args ...any) {
	c.problems = append(c.problems, Problem{mailbox, fmt.Sprintf(format, args...)})
}

// account checks what concerns several folders.
func (c *checker) account() error {
	validity := map[uint32]string{}
	last, err := c.w.Number("uidvalidity")
	if err != nil {
		return err
	}
	for _, f := range c.w.a.byID {
		if other, twice := validity[f.row.UIDValidity]; twice && f.row.UIDValidity > uint32(last) {
			c.report(f.row.Name, "has the UIDVALIDITY of %s", other)
		}
		validity[f.row.UIDValidity] = f.row.Name
	}
	if stray, err := c.w.StrayEntries(); err != nil {
		return err
	} else if stray > 0 {
		c.report("", "%d annotations belong to no mailbox", stray)
	}
	if err := c.attributes(); err != nil {
		return err
	}
	all, err := c.w.Intents()
	if err != nil {
		return err
	}
	adopted := map[int64]bool{}
	for _, p := range c.w.a.journal.pending {
		adopted[p.id] = true
	}
	for _, in := range all {
		b, err := c.w.IntentOps(in.ID)
		if err != nil {
			return err
		}
		if _, err := decodeOps(b); err != nil {
			c.report("", "intent %d cannot be read", in.ID)
		}
		if in.State != index.IntentLater && !adopted[in.ID] && !c.w.a.lock.Alive(in.Owner) {
			c.report("", "intent %d of a dead process was not finished", in.ID)
		}
	}
	for _, p := range c.w.a.journal.pending {
		if !p.done {
			c.report("", "intent %d could not be carried out", p.id)
		}
	}
	return nil
}

// attributes checks that the text beside the mail has the annotations of the index. Which special uses it has depends on the configuration.
func (c *checker) attributes() error {
	want, err := c.w.a.attributes(c.w.Tx)
	if err != nil {
		return err
	}
	text, err := c.w.a.dir.ReadAttributes()
	if err != nil {
		return err
	}
	show := func(text []byte) (s string) {
		for _, attr := range disk.ParseAttributes(text) {
			if !strings.HasSuffix(attr.Key, strings.TrimPrefix(EntrySpecialUse, "/private")) {
				s += fmt.Sprintf("%s=%q\n", attr.Key, attr.Value)
			}
		}
		return s
	}
	if have, want := show(text), show(want); have != want {
		c.report("", "the annotations beside the mail are\n%s, those of the index\n%s", have, want)
	}
	return nil
}

func (c *checker) mailbox(m *Mailbox) error {
	f := m.f
	name := f.row.Name
	count, err := c.w.Recount(f.row.ID, uint64(FlagSeen), uint64(FlagDeleted))
	if err != nil {
		return err
	}
	r := f.row
	for _, x := range []struct {
		what      string
		have, sum int64
	}{
		{"messages", r.Messages, count.Messages}, {"unseen", r.Unseen, count.Unseen}, {"deleted", r.Deleted, count.Deleted},
		{"bytes on disk", r.Disk, count.Disk}, {"octets", r.Wire, count.Wire}, {"octets of deleted", r.WireDeleted, count.WireDeleted},
		{"messages of unknown size", r.Unsized, count.Unsized},
	} {
		if x.have != x.sum {
			c.report(name, "counts %d %s, but there are %d", x.have, x.what, x.sum)
		}
	}
	if err := c.rows(m); err != nil {
		return err
	}
	c.acl(f)
	if err := c.eyes(f); err != nil {
		return err
	}
	return c.files(m)
}

// rows checks the index's rows, and the snapshot against them.
func (c *checker) rows(m *Mailbox) error {
	f, s := m.f, m.current.Load()
	name := f.row.Name
	if s.uidValidity != f.row.UIDValidity || uint32(s.uidNext) != f.row.UIDNext || uint64(s.modSeq) != f.row.ModSeq {
		c.report(name, "the snapshot's head is %d %d %d, the index has %d %d %d", s.uidValidity, s.uidNext, s.modSeq, f.row.UIDValidity, f.row.UIDNext, f.row.ModSeq)
	}
	i := 0
	uidls := map[string]UID{}
	err := c.w.Messages(f.row.ID, 0, func(row *index.Message) error {
		msg := messageOf(row)
		if row.UID == 0 || row.UID >= f.row.UIDNext {
			c.report(name, "UID %d is not below UIDNEXT %d", row.UID, f.row.UIDNext)
		}
		if row.ModSeq == 0 || row.ModSeq > f.row.ModSeq {
			c.report(name, "UID %d has modseq %d, above HIGHESTMODSEQ %d", row.UID, row.ModSeq, f.row.ModSeq)
		}
		if other, twice := uidls[msg.UIDL()]; twice {
			c.report(name, "UIDs %d and %d have the UIDL %s", other, row.UID, msg.UIDL())
		}
		uidls[msg.UIDL()] = msg.UID
		if i < s.Len() && *s.At(i) != msg {
			c.report(name, "the snapshot has %+v, the index %+v", *s.At(i), msg)
		}
		i++
		return nil
	})
	if i != s.Len() {
		c.report(name, "the snapshot has %d messages, the index %d", s.Len(), i)
	}
	if n := assemble(s.head(), s.chunks); n.unseen != s.unseen || n.deleted != s.deleted || n.bytes != s.bytes ||
		n.deletedBytes != s.deletedBytes || n.unsized != s.unsized || n.disk != s.disk {
		c.report(name, "the snapshot's counters are not those of its messages")
	}
	if err != nil {
		return err
	}
	return c.kept(m)
}

// kept checks that a kept snapshot which would be believed leads to the present one.
func (c *checker) kept(m *Mailbox) error {
	old, stamp := m.f.readKept()
	if old == nil {
		return nil
	}
	kept, _, err := m.f.fromKept(c.w.Tx, old, stamp)
	if err != nil {
		return err
	}
	name, s := m.f.row.Name, m.current.Load()
	if n := assemble(kept.head(), kept.chunks); !kept.sameHead(s.head()) || kept.count != s.count || n.unseen != kept.unseen || n.deleted != kept.deleted ||
		n.bytes != kept.bytes || n.deletedBytes != kept.deletedBytes || n.unsized != kept.unsized || n.disk != kept.disk {
		c.report(name, "the kept snapshot's head is %+v with %d messages, the snapshot's %+v with %d, or its counters are wrong", kept.head(), kept.count, s.head(), s.count)
		return nil
	}
	for i, msg := range s.All() {
		if *kept.At(i) != *msg {
			c.report(name, "the kept snapshot has %+v, the snapshot %+v", *kept.At(i), *msg)
		}
	}
	return nil
}

// acl checks that the list of rights can be read, and that what stands beside the messages gives nobody more.
func (c *checker) acl(f *folder) {
	if l, err := parseACL(f.row.ACL); err != nil {
		c.report(f.row.Name, "%v", err)
	} else if l.text() != f.row.ACL && f.row.ACL != "" {
		// As another program wrote it: the next change writes it anew.
		if again, err := parseACL(l.text()); err != nil || again.text() != l.text() {
			c.report(f.row.Name, "the list of rights cannot be written")
		}
	}
	text, err := c.w.a.dir.ReadACL(f.row.Dir)
	if err != nil {
		c.report(f.row.Name, "the list of rights beside the messages: %v", err)
		return
	}
	if text == f.row.ACL {
		return
	}
	// A crash may leave it giving less, until the account is opened again; never more.
	if l, err := parseACL(text); err == nil && l.meet(f.acl()).text() != l.text() {
		c.report(f.row.Name, "the list of rights beside the messages gives more than that of the index")
	}
}

// files checks the directory against the rows: every message has its file, with its
// length, and every file its message.
func (c *checker) files(m *Mailbox) error {
	f, s := m.f, m.current.Load()
	name := f.row.Name
	l, err := c.w.a.dir.Scan(f.row.Dir)
	if err != nil {
		return err
	}
	busy, err := c.w.busyBases(f.row.Dir)
	if err != nil {
		return err
	}
	found := map[disk.Place]bool{}
	for _, e := range l.Entries {
		found[disk.Place{Folder: f.row.Dir, Sub: e.Sub, File: e.File}] = true
	}
	for _, msg := range s.All() {
		p := f.place(msg)
		if !found[p] && !busy[msg.base] {
			c.report(name, "UID %d has no file %s/%s", msg.UID, p.Sub, p.File)
			continue
		}
		delete(found, p)
		if msg.Disk >= 0 && !busy[msg.base] {
			if st, err := c.w.a.dir.Stat(p); err == nil && st.Size != msg.Disk {
				c.report(name, "UID %d has %d bytes, the index says %d", msg.UID, st.Size, msg.Disk)
			}
		}
	}
	for p := range found {
		if st, err := c.w.a.dir.Stat(p); err == nil && !st.Mode.IsRegular() || isMissing(err) {
			continue // no message: a directory, a link to nowhere
		}
		if !busy[disk.BaseOf(p.File)] {
			c.report(name, "file %s/%s has no message", p.Sub, p.File)
		}
	}
	return c.mirror(m, s)
}

// mirror checks that the list of UIDs would give every message its UID again.
func (c *checker) mirror(m *Mailbox, s *Snapshot) error {
	name := m.f.row.Name
	list, err := c.w.a.dir.ReadUIDList(m.f.row.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		if s.Len() > 0 {
			c.report(name, "there is no list of UIDs")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if list.UIDValidity != s.uidValidity {
		c.report(name, "the list of UIDs has UIDVALIDITY %d, the index %d", list.UIDValidity, s.uidValidity)
	}
	if list.Next() < m.f.row.UIDNext {
		c.report(name, "the list of UIDs would give UID %d again", list.Next())
	}
	known := make(map[string]disk.UIDRecord, len(list.Records))
	for _, r := range list.Records {
		known[r.Base] = r
	}
	for _, msg := range s.All() {
		r, ok := known[msg.base]
		if !ok || UID(r.UID) != msg.UID {
			c.report(name, "the list of UIDs has %d for UID %d", r.UID, msg.UID)
		} else if id, _ := r.UIDL(); id != msg.UIDL() {
			c.report(name, "the list of UIDs has the UIDL %q for UID %d", id, msg.UID)
		}
	}
	return nil
}
