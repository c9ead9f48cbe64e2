package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Inbox is the canonical name of every account's first mailbox.
const Inbox = "INBOX"

// maxMailboxes bounds how many folders an account may have.
const maxMailboxes = 10_000

// MailboxInfo is one line of a mailbox list.
type MailboxInfo struct {
	Name string // canonical
	ID   string // MAILBOXID; "" if NoSelect
	// Attr are the special uses (RFC 6154), such as \Trash.
	Attr []string
	// NoSelect: there is only something below it.
	NoSelect    bool
	Subscribed  bool
	HasChildren bool
	Rights      Rights // of who asked
}

// Mailboxes lists all mailboxes and the levels above them, INBOX first, then by name.
func (a *Account) Mailboxes(ctx context.Context) (out []MailboxInfo, err error) {
	if err := a.lookForFolders(ctx); err != nil {
		return nil, err
	}
	err = a.glance(ctx, func() error {
		subs, err := a.dir.ReadSubscriptions()
		if err != nil {
			return err
		}
		out = a.list(subs.Names(a.encoding()))
		return nil
	})
	return out, err
}

func (a *Account) list(subscribed []string) []MailboxInfo {
	all := make(map[string]*MailboxInfo, len(a.byName))
	for name, f := range a.byName {
		all[name] = &MailboxInfo{Name: name, ID: f.row.ObjectID, Attr: f.row.Special, Rights: AllRights}
	}
	for name := range a.byName {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			above := all[name[:i]]
			if above == nil {
				above = &MailboxInfo{Name: name[:i], NoSelect: true}
				all[name[:i]] = above
			}
			above.HasChildren = true
		}
	}
	for _, name := range subscribed {
		if m := all[name]; m != nil {
			m.Subscribed = true
		}
	}
	out := make([]MailboxInfo, 0, len(all))
	for _, m := range all {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(x, y MailboxInfo) int {
		if (x.Name == Inbox) != (y.Name == Inbox) {
			if x.Name == Inbox {
				return -1
			}
			return 1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return out
}

// CreateMailbox makes a mailbox with special uses, durably.
func (a *Account) CreateMailbox(ctx context.Context, name string, uses []string) (MailboxInfo, error) {
	return a.CreateMailboxBy(ctx, a.address, name, uses)
}

// CreateMailboxBy is CreateMailbox by a user who needs the right for it.
func (a *Account) CreateMailboxBy(ctx context.Context, user, name string, uses []string) (info MailboxInfo, err error) {
	err = a.write(ctx, func(w *writing) error {
		if err := a.mayCreate(user, name); err != nil {
			return err
		}
		if a.byName[name] != nil {
			return fmt.Errorf("%w: %s", ErrMailboxExists, name)
		}
		f, err := w.createFolder(name)
		if err != nil {
			return err
		}
		if err := w.inheritACL(f, user); err != nil {
			return err
		}
		c := w.change(f)
		if c.row.Special = slices.Clone(uses); len(uses) > 0 {
			if err := w.rememberID(f); err != nil {
				return err
			}
		}
		info = MailboxInfo{Name: name, ID: f.row.ObjectID, Attr: c.row.Special}
		return nil
	})
	return info, err
}

// createFolder makes a folder and its row.
func (w *writing) createFolder(name string) (*folder, error) {
	dir, err := disk.FolderDir(name, w.a.encoding())
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrBadName, name)
	}
	if dir == "" {
		return nil, fmt.Errorf("%w: %s", ErrMailboxExists, name)
	}
	if err := w.settled(dir, false); err != nil {
		return nil, err
	}
	err = w.a.dir.CreateFolder(dir)
	if errors.Is(err, disk.ErrExists) {
		// Another program made it, or a crash left it without its row.
		if err := w.importFolder(name, dir); err != nil {
			return nil, err
		}
		return w.a.byName[name], nil
	}
	if err != nil {
		return nil, fmt.Errorf("maildir: create %s: %w", name, err)
	}
	w.failed = append(w.failed, func() {
		// Somebody may have delivered into it already.
		if l, err := w.a.dir.Scan(dir); err == nil && len(l.Entries) == 0 {
			w.a.dir.RemoveFolder(dir)
		}
	})
	return w.addFolder(name, dir, knownUIDs{}, disk.Keywords{}, "")
}

// DeleteMailbox removes a mailbox with its messages, and says which those were. Mailboxes below it stay.
func (a *Account) DeleteMailbox(ctx context.Context, name string) ([]Removed, error) {
	return a.DeleteMailboxBy(ctx, a.address, name)
}

// DeleteMailboxBy is DeleteMailbox by a user who needs the right for it.
func (a *Account) DeleteMailboxBy(ctx context.Context, user, name string) (list []Removed, err error) {
	if name == Inbox && user == a.address {
		return nil, ErrInbox
	}
	err = a.write(ctx, func(w *writing) (err error) {
		f := a.byName[name]
		if f == nil {
			return fmt.Errorf("%w: %s", ErrNoMailbox, name)
		}
		if err := f.need(user, RightDelete); err != nil {
			return err
		}
		if name == Inbox {
			return ErrInbox
		}
		if list, err = w.describeAll(f); err != nil {
			return err
		}
		// What exists from the start is not made again at the next login.
		if err := w.SetNumber("deleted "+name, 1); err != nil {
			return err
		}
		return w.dropFolder(f)
	})
	if err != nil {
		list = nil
	}
	return list, err
}

// dropFolder removes a folder's rows and notes that its directory goes.
func (w *writing) dropFolder(f *folder) error {
	if err := w.settled(f.row.Dir, false); err != nil {
		return err
	}
	if err := w.dropRows(f); err != nil {
		return err
	}
	return w.note([]fileOp{{kind: opRemoveDir, src: disk.Place{Folder: f.row.Dir}}}, false)
}

func (w *writing) dropRows(f *folder) error {
	w.sharing = w.sharing || f.row.ACL != ""
	if has, err := w.HasEntries(f.row.ID); err != nil {
		return err
	} else if has || len(f.row.Special) > 0 {
		w.attributes = true
	}
	if err := w.RemoveFolder(f.row.ID); err != nil {
		return err
	}
	w.change(f).gone = true
	w.after = append(w.after, func() { w.a.forget(f) })
	return nil
}

// RenameMailbox renames a mailbox and those below it; UIDs and UIDVALIDITY stay. INBOX
// itself stays: its messages move to the new mailbox (RFC 9051 §6.3.6).
func (a *Account) RenameMailbox(ctx context.Context, from, to string) error {
	return a.RenameMailboxBy(ctx, a.address, from, to)
}

// RenameMailboxBy is RenameMailbox by a user who needs the rights for it, in each mailbox that gets another name. INBOX
// is its owner's to empty.
func (a *Account) RenameMailboxBy(ctx context.Context, user, from, to string) error {
	switch {
	case from == Inbox && user == a.address:
		return a.renameInbox(ctx, to)
	case from == Inbox:
		return a.withFolder(ctx, Inbox, func(f *folder) error {
			if err := f.need(user, RightDelete); err != nil {
				return err
			}
			return ErrInbox
		})
	}
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("%w: %s would be inside itself", ErrBadName, to)
	}
	return a.write(ctx, func(w *writing) error {
		var moving []*folder
		for name, f := range a.byName {
			if name == from || strings.HasPrefix(name, from+"/") {
				moving = append(moving, f)
			}
		}
		if len(moving) == 0 {
			return fmt.Errorf("%w: %s", ErrNoMailbox, from)
		}
		slices.SortFunc(moving, func(x, y *folder) int { return strings.Compare(x.row.Name, y.row.Name) })
		for _, f := range moving {
			if err := f.need(user, RightDelete); err != nil {
				return err
			}
		}
		if err := a.mayCreate(user, to); err != nil {
			return err
		}
		// What is noted for files in the old directories must not be found undone
		// when the directories have their new names.
		if err := a.syncJournal(); err != nil {
			return err
		}
		var ops []fileOp
		for _, f := range moving {
			if err := w.settled(f.row.Dir, true); err != nil {
				return err
			}
			op, err := w.renameFolder(f, to+f.row.Name[len(from):])
			if err != nil {
				return err
			}
			ops = append(ops, op)
		}
		return w.note(ops, false)
	})
}

func (w *writing) renameFolder(f *folder, to string) (fileOp, error) {
	if to == Inbox || w.a.byName[to] != nil {
		return fileOp{}, fmt.Errorf("%w: %s", ErrMailboxExists, to)
	}
	dir, err := disk.FolderDir(to, w.a.encoding())
	if err != nil || dir == "" {
		return fileOp{}, fmt.Errorf("%w: %s", ErrBadName, to)
	}
	if err := w.settled(dir, false); err != nil {
		return fileOp{}, err
	}
	if taken, err := w.a.dir.HasFolder(dir); err != nil || taken {
		if err == nil {
			err = fmt.Errorf("%w: %s", ErrMailboxExists, to)
		}
		return fileOp{}, err
	}
	if len(f.row.Special) > 0 {
		if err := w.rememberID(f); err != nil {
			return fileOp{}, err
		}
	}
	op := fileOp{kind: opRenameDir, src: disk.Place{Folder: f.row.Dir}, dst: disk.Place{Folder: dir}}
	c := w.change(f)
	old := f.row.Name
	// What exists from the start is not made again under its old name.
	if err := w.SetNumber("deleted "+old, 1); err != nil {
		return fileOp{}, err
	}
	c.row.Name, c.row.Dir = to, dir
	w.listed = true
	w.after = append(w.after, func() {
		if w.a.byName[old] == f {
			delete(w.a.byName, old)
		}
		w.a.byName[to] = f
	})
	return op, nil
}

// renameInbox moves INBOX's messages to a new mailbox, in one commit. A kill before it may
// leave the new mailbox, empty.
func (a *Account) renameInbox(ctx context.Context, to string) error {
	inbox, err := a.Mailbox(ctx, Inbox)
	if err != nil {
		return err
	}
	defer inbox.Close()
	return inbox.transferAll(ctx, func(w *writing) (*folder, error) {
		if a.byName[to] != nil {
			return nil, fmt.Errorf("%w: %s", ErrMailboxExists, to)
		}
		f, err := w.createFolder(to)
		if err == nil {
			err = w.copyEntries(inbox.f, f)
		}
		return f, err
	})
}

// findFolder finds a folder by its canonical name.
func (a *Account) findFolder(ctx context.Context, name string) (f *folder, err error) {
	err = a.readFolder(ctx, name, func(_ index.Tx, found *folder) error {
		f = found
		return nil
	})
	return f, err
}

// readFolder is read with a folder of this name. Before it says that there is none, it
// looks whether another program has made one.
func (a *Account) readFolder(ctx context.Context, name string, fn func(index.Tx, *folder) error) error {
	for looked := false; ; looked = true {
		unknown := false
		err := a.read(ctx, func(tx index.Tx) error {
			f := a.byName[name]
			if f == nil {
				unknown = true
				return fmt.Errorf("%w: %s", ErrNoMailbox, name)
			}
			return fn(tx, f)
		})
		if !unknown || looked {
			return err
		}
		if lerr := a.lookForFolders(ctx); lerr != nil {
			return lerr
		}
	}
}

// Subscriptions lists the subscribed names; they need not exist.
func (a *Account) Subscriptions(ctx context.Context) (names []string, err error) {
	err = a.glance(ctx, func() error {
		subs, err := a.dir.ReadSubscriptions()
		if err == nil {
			names = subs.Names(a.encoding())
		}
		return err
	})
	return names, err
}

// Subscribe adds a name to the subscriptions; it need not exist (RFC 9051 §6.3.7).
func (a *Account) Subscribe(ctx context.Context, name string) error {
	return a.write(ctx, func(w *writing) error { return w.subscribe(name) })
}

func (w *writing) subscribe(name string) error {
	subs, err := w.a.dir.ReadSubscriptions()
	if err != nil {
		return err
	}
	added, err := subs.Add(name, w.a.encoding())
	if err != nil {
		return fmt.Errorf("%w: %s", ErrBadName, name)
	}
	if !added {
		return nil
	}
	w.listed = true
	return w.a.dir.WriteSubscriptions(subs)
}

// Unsubscribe removes a name; one that is not there is no error.
func (a *Account) Unsubscribe(ctx context.Context, name string) error {
	return a.write(ctx, func(w *writing) error {
		subs, err := w.a.dir.ReadSubscriptions()
		if err != nil || !subs.Remove(name, w.a.encoding()) {
			return err
		}
		w.listed = true
		return w.a.dir.WriteSubscriptions(subs)
	})
}
