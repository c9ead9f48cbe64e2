package maildir

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Sharing: who may do what in whose mailboxes. The truth is in the owner's index, a folder's list of rights in its row, so
// that it goes with the folder when that is renamed or deleted, and other processes see it with the same look that shows
// them everything else. A text of it stands beside the folder's messages (dovecot-acl) for the day when the index is lost.
// With whom an account shares anything is told to Options.Sharing, which keeps it where it is found without opening the account.

// acl is the folder's list of rights. a.mu is held.
func (f *folder) acl() ACL {
	if f.aclText != f.row.ACL {
		l, err := parseACL(f.row.ACL)
		if err != nil {
			f.a.log.Error("nobody but the owner has rights in the mailbox", "folder", f.row.Name, "err", err)
		}
		f.aclText, f.aclOf = f.row.ACL, l
	}
	return f.aclOf
}

// rightsOf is what a user may do in the folder. a.mu is held.
func (f *folder) rightsOf(user string) Rights {
	if user == f.a.address {
		return AllRights
	}
	if f.row.ACL == "" {
		return 0
	}
	return f.acl().Rights(user, domainOf(user) == domainOf(f.a.address))
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Rights is what a user may do in a mailbox, as of now in all processes. Errors: ErrNoMailbox.
func (a *Account) Rights(ctx context.Context, name, user string) (r Rights, err error) {
	err = a.withFolder(ctx, name, func(f *folder) error {
		r = f.rightsOf(user)
		return nil
	})
	return r, err
}

// RightsAbove is what a user may do in the nearest mailbox above a name, which is where mailboxes are created. For all but the
// owner INBOX is above every other.
func (a *Account) RightsAbove(ctx context.Context, name, user string) (r Rights, err error) {
	if user == a.address {
		return AllRights, nil
	}
	if err := a.lookForFolders(ctx); err != nil {
		return 0, err
	}
	err = a.glance(ctx, func() error {
		if f := a.above(name, user); f != nil {
			r = f.rightsOf(user)
		}
		return nil
	})
	return r, err
}

// above finds the nearest mailbox above a name. a.mu is held.
func (a *Account) above(name, user string) *folder {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if f := a.byName[name[:i]]; f != nil {
			return f
		}
	}
	if user != a.address && name != Inbox {
		return a.byName[Inbox]
	}
	return nil
}

// Rights is what a user may do in an open mailbox, as of now in all processes.
func (m *Mailbox) Rights(ctx context.Context, user string) (r Rights, err error) {
	if user == m.a.address {
		return AllRights, nil
	}
	err = m.a.glance(ctx, func() error {
		if m.gone.Load() {
			return ErrGone
		}
		r = m.f.rightsOf(user)
		return nil
	})
	return r, err
}

// need fails unless a user may do something in the folder. a.mu is held.
func (f *folder) need(user string, need Rights) error {
	if err := f.rightsOf(user).Need(need); err != nil {
		return fmt.Errorf("%w: %s", err, f.row.Name)
	}
	return nil
}

// mayCreate fails unless a user may make a mailbox of this name. a.mu is held.
func (a *Account) mayCreate(user, name string) error {
	if user == a.address {
		return nil
	}
	up := a.above(name, user)
	if up == nil {
		return fmt.Errorf("%w: %s", ErrNoRight, name)
	}
	if err := up.need(user, RightCreate); err != nil {
		return err
	}
	if f := a.byName[name]; f != nil && !f.rightsOf(user).Has(RightLookup) {
		return fmt.Errorf("%w: %s", ErrNoRight, name)
	}
	return nil
}

// withFolder runs fn with a folder, with everything in step. Before it says that there is none it looks whether
// another program has made one.
func (a *Account) withFolder(ctx context.Context, name string, fn func(*folder) error) error {
	for looked := false; ; looked = true {
		var f *folder
		err := a.glance(ctx, func() error {
			if f = a.byName[name]; f == nil {
				return nil
			}
			return fn(f)
		})
		if err != nil || f != nil {
			return err
		}
		if looked {
			return fmt.Errorf("%w: %s", ErrNoMailbox, name)
		}
		if err := a.lookForFolders(ctx); err != nil {
			return err
		}
	}
}

// MailboxesOf lists the mailboxes that are there for a user, who is not the owner, and what he may do in each. Levels above
// them are not listed.
func (a *Account) MailboxesOf(ctx context.Context, user string) (out []MailboxInfo, err error) {
	if err := a.lookForFolders(ctx); err != nil {
		return nil, err
	}
	err = a.glance(ctx, func() error {
		for name, f := range a.byName {
			if r := f.rightsOf(user); r.Has(RightLookup) {
				out = append(out, MailboxInfo{Name: name, ID: f.row.ObjectID, Rights: r})
			}
		}
		return nil
	})
	slices.SortFunc(out, func(x, y MailboxInfo) int { return strings.Compare(x.Name, y.Name) })
	return out, err
}

// ACL is a mailbox's list of rights. Errors: ErrNoMailbox.
func (a *Account) ACL(ctx context.Context, name string) (l ACL, err error) {
	err = a.withFolder(ctx, name, func(f *folder) error {
		l = f.acl()
		return nil
	})
	return l, err
}

// Grant changes the rights of one identifier in a mailbox, durably: to maps those it has to those it is to have, none of
// which strikes it off. What somebody had read who may not read any more is forgotten. It returns the identifier's rights before and after. Errors: ErrNoMailbox, ErrBadIdentifier,
// ErrOwnerRights, ErrTooManyGrants.
func (a *Account) Grant(ctx context.Context, name, who string, negative bool, to func(Rights) Rights) (before, after Rights, err error) {
	switch {
	case who == a.address:
		return 0, 0, ErrOwnerRights
	case who != Anyone && who != Authenticated && !validUser(who):
		return 0, 0, fmt.Errorf("%w: %q", ErrBadIdentifier, who)
	}
	if err := a.withFolder(ctx, name, func(*folder) error { return nil }); err != nil {
		return 0, 0, err
	}
	err = a.write(ctx, func(w *writing) error {
		f := a.byName[name]
		if f == nil {
			return fmt.Errorf("%w: %s", ErrNoMailbox, name)
		}
		was := f.acl()
		before = was.Of(who, negative)
		after = to(before)
		is := was.with(who, negative, after)
		if err := w.setACL(f, is); err != nil {
			return err
		}
		if is.Rights(who, domainOf(who) == domainOf(a.address)).Has(RightRead) {
			return nil
		}
		return w.forgetReader(f, who)
	})
	return before, after, err
}

// Ungrant takes an identifier off the lists of all mailboxes, negative or not, and says from how many. Private annotations of that user
// go too, and what he has read: he is nobody any more, and may be somebody else tomorrow.
func (a *Account) Ungrant(ctx context.Context, who string) (n int, err error) {
	err = a.write(ctx, func(w *writing) error {
		n = 0
		if who != a.address {
			if err := w.ForgetEntries(who); err != nil {
				return err
			}
			w.attributes = true
		}
		for _, f := range a.byID {
			was := f.acl()
			is := was.with(who, false, 0).with(who, true, 0)
			if len(is.Grants) == len(was.Grants) {
				continue
			}
			n++
			if err := w.setACL(f, is); err != nil {
				return err
			}
		}
		for _, f := range a.byID {
			if err := w.forgetReader(f, who); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// UngrantAll makes the lists of all mailboxes empty.
func (a *Account) UngrantAll(ctx context.Context) error {
	return a.write(ctx, func(w *writing) error {
		for _, f := range a.byID {
			if err := w.setACL(f, ACL{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// setACL gives a folder another list. The text beside the messages is never wider than the list in the index: what is
// taken away leaves it before the commit, what is given comes after.
func (w *writing) setACL(f *folder, l ACL) error {
	was, dir := f.acl(), f.row.Dir
	text := l.text()
	switch {
	case text == f.row.ACL:
		return nil
	case len(l.Grants) > maxGrants:
		return ErrTooManyGrants
	}
	if err := w.settled(dir, false); err != nil {
		return err
	}
	narrow := was.meet(l).text()
	if narrow != f.row.ACL {
		if err := w.a.dir.WriteACL(dir, narrow); err != nil {
			return err
		}
		w.failed = append(w.failed, func() { w.writeACL(f) })
	}
	if narrow != text {
		w.after = append(w.after, func() { w.writeACL(f) })
	}
	c := w.change(f)
	c.row.ACL, c.access, w.sharing = text, true, true
	return nil
}

// writeACL makes the text of a folder's list what the index has.
func (w *writing) writeACL(f *folder) {
	if err := w.a.dir.WriteACL(f.row.Dir, f.row.ACL); err != nil {
		w.a.log.Error("the list of rights beside the messages could not be written; the one in the index counts", "folder", f.row.Name, "err", err)
	}
}

// mendACLs makes the texts what the index has where a crash came between, or somebody else has damaged them. A text that can be neither read
// nor written keeps nobody from his mail.
func (w *writing) mendACLs() {
	for _, f := range w.a.byID {
		if f.row.ACL == "" {
			continue
		}
		if err := w.settled(f.row.Dir, false); err != nil {
			continue // it is about to get another name
		}
		text, err := w.a.dir.ReadACL(f.row.Dir)
		if err != nil {
			w.a.log.Warn("a list of rights beside the messages cannot be read: it is written anew", "folder", f.row.Name, "err", err)
		}
		if err != nil || text != f.row.ACL {
			w.writeACL(f)
		}
	}
}

// readACL is the list that stands beside a folder's messages, for an index that knows nothing of the folder.
func (w *writing) readACL(dir string) string {
	text, err := w.a.dir.ReadACL(dir)
	if err != nil {
		w.a.log.Error("a list of rights cannot be read: nobody but the owner has rights there", "dir", dir, "err", err)
		return ""
	}
	return text
}

// inheritACL gives a new folder the list of the one above it (RFC 4314 §4, CREATE), and whose \Seen it has.
func (w *writing) inheritACL(f *folder, user string) error {
	up := w.a.above(f.row.Name, user)
	if up == nil {
		return nil
	}
	if up.row.SeenPrivate {
		w.change(f).row.SeenPrivate = true
	}
	if up.row.ACL == "" || f.row.ACL != "" {
		return nil
	}
	return w.setACL(f, up.acl())
}

// tellSharing tells with whom the account will share. exact says that it shares with nobody else.
func (w *writing) tellSharing(exact bool) error {
	tell := w.a.store.opts.Sharing
	if tell == nil {
		return nil
	}
	var with []string
	for _, f := range w.a.byID {
		l := f.acl()
		for _, c := range w.changes {
			if c.f == f && c.gone {
				l = ACL{}
			} else if c.f == f && c.access {
				l, _ = parseACL(c.row.ACL)
			}
		}
		with = append(with, l.names()...)
	}
	slices.Sort(with)
	if err := tell(context.Background(), w.a.address, slices.Compact(with), exact); err != nil {
		return fmt.Errorf("maildir: note with whom %s shares: %w", w.a.address, err)
	}
	return nil
}
