package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bascule/internal/notify"
	"bascule/maildir/index"
)

// Annotations of mailboxes and of the account (RFC 5464): small values under names such as "/shared/comment". They are in the index, by the
// folder's id, so that they go with the mailbox when that is renamed or deleted; attributes.go keeps a text of them. A private entry belongs to the
// user who made it, in whosever mailbox it is. Whoever wants to hear of changes asks for those since the last change that he knows of; a nudge
// says when.

// Bounds of annotations. The mailboxes of an account together have room for so much of each user's private entries, and for as much of
// shared ones, so that nobody uses up another's room.
const (
	MaxEntryValue = 64 << 10 // octets
	MaxEntryName  = 255      // octets
	maxEntries    = 100      // of one mailbox

	maxAllEntries  = 1000    // of all mailboxes
	maxEntryOctets = 3 << 20 // of all mailboxes, names and values; their text fits into maxAttributes

	keepRemovedEntries = 1000 // names of removed ones, for those who have not heard of it
)

// EntrySpecialUse holds a mailbox's special uses (RFC 6154 §4): an entry of its owner's whose value is what LIST tells.
const EntrySpecialUse = "/private/specialuse"

// ErrTooManyEntries: there is no room for another annotation.
var ErrTooManyEntries = errors.New("maildir: too many annotations")

// Entry is an annotation. A nil Value is none: the entry is not there, or is to go.
type Entry = index.Entry

// IsPrivate says whether an entry is seen by the user alone who made it.
func IsPrivate(entry string) bool {
	const prefix = "/private/"
	return len(entry) >= len(prefix) && strings.EqualFold(entry[:len(prefix)], prefix)
}

// owner is who has a user's entry of this name.
func entryOwner(user, name string) string {
	if IsPrivate(name + "/") {
		return user
	}
	return ""
}

// Entries gives what a user sees of these entries of a mailbox, "" for the account itself: those of these names, and those so many
// levels below them (-1: all), each once. Errors: ErrNoMailbox.
func (a *Account) Entries(ctx context.Context, mailbox, user string, names []string, depth int) (out []Entry, err error) {
	get := func(tx index.Tx, f *folder) (err error) {
		out, err = a.entriesOf(tx, f, user, names, depth)
		return err
	}
	if mailbox == "" {
		err = a.read(ctx, func(tx index.Tx) error { return get(tx, nil) })
		return out, err
	}
	err = a.readFolder(ctx, mailbox, get)
	return out, err
}

// entriesOf is Entries of a folder, nil for the account itself. A value is read once, however often its entry is asked for. a.mu is held.
func (a *Account) entriesOf(tx index.Tx, f *folder, user string, names []string, depth int) (out []Entry, err error) {
	id := int64(0)
	if f != nil {
		id = f.row.ID
	}
	seen := map[string]bool{}
	for _, name := range names {
		owner := entryOwner(user, name)
		var found []string
		err := tx.EntryNames(id, owner, name, depth != 0, func(entry string) error {
			if key := strings.ToLower(entry); EntryWithin(entry, name, depth) && !seen[key] {
				seen[key] = true
				found = append(found, entry)
			}
			return nil
		})
		for _, entry := range found {
			if err != nil {
				break
			}
			var e Entry
			e, err = tx.Entry(id, owner, entry)
			out = append(out, e)
		}
		if err != nil {
			return nil, err
		}
		if f != nil && user == a.address && len(f.row.Special) > 0 && EntryWithin(EntrySpecialUse, name, depth) && !seen[EntrySpecialUse] {
			seen[EntrySpecialUse] = true
			out = append(out, Entry{Name: EntrySpecialUse, Value: []byte(strings.Join(f.row.Special, " "))})
		}
	}
	return out, nil
}

// EntryWithin says whether an entry is the one of this name, or at most so many levels below it (-1: any number).
func EntryWithin(entry, name string, depth int) bool {
	if len(entry) < len(name) || !strings.EqualFold(entry[:len(name)], name) {
		return false
	}
	rest := entry[len(name):]
	return rest == "" || rest[0] == '/' && (depth < 0 || strings.Count(rest, "/") <= depth)
}

// SetEntries changes a user's view of a mailbox's entries, "" for the account itself, durably: all of them or none. EntrySpecialUse is the
// owner's to set, to uses that exist. It returns the number of the change, 0 if all was so already. Errors: ErrNoMailbox, ErrTooManyEntries.
func (a *Account) SetEntries(ctx context.Context, mailbox, user string, set []Entry) (change int64, err error) {
	if mailbox != "" {
		if err := a.withFolder(ctx, mailbox, func(*folder) error { return nil }); err != nil {
			return 0, err
		}
	}
	err = a.write(ctx, func(w *writing) (err error) {
		var f *folder
		if mailbox != "" {
			if f = a.byName[mailbox]; f == nil {
				return fmt.Errorf("%w: %s", ErrNoMailbox, mailbox)
			}
		}
		change, err = w.setEntries(f, user, set)
		return err
	})
	return change, err
}

func (w *writing) setEntries(f *folder, user string, set []Entry) (change int64, err error) {
	last, err := w.Number(entriesChanged)
	if err != nil {
		return 0, err
	}
	id, changed := int64(0), false
	if f != nil {
		id = f.row.ID
	}
	if has, err := w.HasEntries(id); err != nil || f != nil && !has {
		if err == nil {
			err = w.rememberID(f)
		}
		if err != nil {
			return 0, err
		}
	}
	grow := map[string]bool{} // owners
	for _, e := range set {
		did, owner := false, entryOwner(user, e.Name)
		switch {
		case f != nil && user == w.a.address && strings.EqualFold(e.Name, EntrySpecialUse):
			did, err = w.setSpecialUse(f, strings.Fields(string(e.Value)), last+1)
		case e.Value == nil:
			did, err = w.RemoveEntry(id, owner, e.Name, last+1)
		default:
			did, err = w.SetEntry(id, owner, e, last+1)
			grow[owner] = did || grow[owner]
		}
		if err != nil {
			return 0, err
		}
		changed = changed || did
	}
	for owner, grew := range grow {
		if err := w.roomForEntries(id, owner); grew && err != nil {
			return 0, err
		}
	}
	if !changed {
		return 0, nil
	}
	return last + 1, w.entriesChanged(last + 1)
}

// entriesChanged is the number of the last change.
const entriesChanged = "metadata"

// entriesChanged ends a change of entries.
func (w *writing) entriesChanged(change int64) error {
	w.attributes = true
	w.after = append(w.after, func() { w.a.store.opts.Bus.Publish(w.a.entriesTopic()) })
	if err := w.TrimEntries(keepRemovedEntries); err != nil {
		return err
	}
	return w.SetNumber(entriesChanged, change)
}

// roomForEntries refuses what is too much. Names and values are of good length already.
func (w *writing) roomForEntries(folder int64, owner string) error {
	here, all, octets, err := w.CountEntries(folder, owner)
	if err == nil && (here > maxEntries || all > maxAllEntries || octets > maxEntryOctets) {
		err = fmt.Errorf("%w: %d in the mailbox, %d of %d octets in all", ErrTooManyEntries, here, all, octets)
	}
	return err
}

func (w *writing) setSpecialUse(f *folder, uses []string, change int64) (bool, error) {
	c := w.change(f)
	if slices.Equal(c.row.Special, uses) {
		return false, nil
	}
	c.row.Special, w.listed = uses, true
	return true, w.TouchEntry(f.row.ID, w.a.address, EntrySpecialUse, change)
}

// copyEntries gives a new mailbox the entries of INBOX, which keeps them (RFC 5464 §4.1); those of a user for which there is no room stay in
// INBOX alone, for the mailbox may have its new name all the same.
func (w *writing) copyEntries(from, to *folder) error {
	last, err := w.Number(entriesChanged)
	if err == nil {
		err = w.CopyEntries(from.row.ID, to.row.ID, maxAllEntries, maxEntryOctets, last+1)
	}
	if err != nil {
		return err
	}
	return w.entriesChanged(last + 1)
}

// ChangedEntry is the name of an entry that changed or was removed.
type ChangedEntry struct {
	Mailbox string // "" for the account itself
	Name    string
	Change  int64
	Rights  Rights // what the user may do there now
}

// EntriesSince lists what changed after a change of the shared entries and a user's own, in the order of the changes, and gives the number of the last
// change. Whether he may see them there his rights say.
func (a *Account) EntriesSince(ctx context.Context, change int64, user string) (list []ChangedEntry, last int64, err error) {
	err = a.read(ctx, func(tx index.Tx) (err error) {
		list = nil
		if last, err = tx.Number(entriesChanged); err != nil || last <= change {
			return err
		}
		return tx.EntriesSince(change, user, func(folder int64, name string, changed int64) error {
			e := ChangedEntry{Name: name, Change: changed}
			if f := a.byID[folder]; f != nil {
				e.Mailbox, e.Rights = f.row.Name, f.rightsOf(user)
			} else if user == a.address {
				e.Rights = AllRights
			}
			list = append(list, e)
			return nil
		})
	})
	return list, last, err
}

// entriesTopic is the name of the account's annotations on the nudge bus, serverEntriesTopic that of the whole server's.
func (a *Account) entriesTopic() notify.Topic { return notify.Topic(a.address + "\x00metadata") }

const serverEntriesTopic notify.Topic = "\x00metadata"

// WatchEntries calls wake whenever annotations of the account, or of the whole server, may have changed, in any process. wake is
// called from any goroutine, with locks held: it must not block and not call the account.
func (a *Account) WatchEntries(wake func()) (cancel func()) {
	mine := a.store.opts.Bus.Subscribe(a.entriesTopic(), wake)
	servers := a.store.opts.Bus.Subscribe(serverEntriesTopic, wake)
	return func() {
		mine()
		servers()
	}
}

// NudgeServerEntries tells all processes that annotations of the whole server have changed. They are kept elsewhere.
func (a *Account) NudgeServerEntries() { a.store.opts.Bus.Publish(serverEntriesTopic) }
