package maildir

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// A text of the annotations stands beside the mail (dovecot-attributes), for the day when the index is lost or the Maildir goes to another
// server. The index is the truth: the text follows each change, the next opening mends what a crash left, and a new index
// is filled from it. Mailboxes are named by their ids, which stand in the heads of their lists of UIDs.

// attributesRead is the account's number that says that the index has taken the text in.
const attributesRead = "attributes"

// How keys begin. Dovecot has no entries of other users in a mailbox; it keeps keys that mean nothing to it.
const (
	attributePrivate = "priv/"
	attributeShared  = "shared/"
	attributeUsers   = "users/"                            // and the user's address
	attributeAccount = "vendor/vendor.dovecot/pvt/server/" // of INBOX: the account's own entries
)

// maxAttributes bounds the text in octets; what disk reads at once is more. Where it would be longer, private entries of visitors are in the index alone.
const maxAttributes = 15 << 20

// attributes makes the text. a.mu is held.
func (a *Account) attributes(tx index.Tx) ([]byte, error) {
	var mine, others []disk.Attribute
	n, err := tx.OctetsOfOthers(a.address)
	if err != nil {
		return nil, err
	}
	err = tx.AllEntries(a.address, n <= maxAttributes, func(folder int64, owner string, e Entry) error {
		inbox := folder == 0
		f := a.byID[folder]
		if inbox {
			f = a.byName[Inbox]
		}
		if f == nil || guidOf(f.row.ObjectID) == "" {
			return nil
		}
		_, rest, _ := strings.Cut(strings.TrimPrefix(e.Name, "/"), "/")
		key := guidOf(f.row.ObjectID) + "/"
		if inbox {
			key += attributeAccount
		}
		key += rest
		switch owner {
		case "":
			mine = append(mine, disk.Attribute{Key: attributeShared + key, Value: e.Value})
		case a.address:
			mine = append(mine, disk.Attribute{Key: attributePrivate + key, Value: e.Value})
		default:
			others = append(others, disk.Attribute{Key: attributeUsers + owner + "/" + key, Value: e.Value})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range a.byID {
		if guid := guidOf(f.row.ObjectID); guid != "" && !slices.Equal(f.row.Special, a.configuredUses(f.row.Name)) {
			mine = append(mine, disk.Attribute{Key: attributePrivate + guid + strings.TrimPrefix(EntrySpecialUse, "/private"), Value: []byte(strings.Join(f.row.Special, " "))})
		}
	}
	byKey := func(x, y disk.Attribute) int { return strings.Compare(x.Key, y.Key) }
	slices.SortFunc(mine, byKey)
	slices.SortFunc(others, byKey)
	text, theirs := disk.FormatAttributes(mine), disk.FormatAttributes(others)
	if len(text)+len(theirs) <= maxAttributes {
		text = append(text, theirs...)
	}
	return text, nil
}

// configuredUses are the special uses that a mailbox of this name has from the start.
func (a *Account) configuredUses(name string) (uses []string) {
	for _, s := range a.Policy().Folders {
		if s.Name == name && s.Use != "" {
			uses = append(uses, s.Use)
		}
	}
	return uses
}

// writeAttributes makes the text what the index has. The write lock is held.
func (a *Account) writeAttributes(ctx context.Context) {
	var text []byte
	err := a.db.Read(ctx, func(tx index.Tx) error {
		read, err := tx.Number(attributesRead)
		if err == nil && read == 0 {
			return errUnreadable // what it has is not known yet
		}
		if err == nil {
			text, err = a.attributes(tx)
		}
		return err
	})
	var was []byte
	if err == nil {
		was, err = a.dir.ReadAttributes()
	}
	if err == nil && !bytes.Equal(was, text) {
		err = a.dir.WriteAttributes(text)
	}
	if err != nil {
		a.log.Error("the annotations beside the mail could not be written; the next opening tries again", "err", err)
	}
}

// takeAttributes fills a new index from the text, once, and else has the text written where it lags behind.
func (w *writing) takeAttributes() error {
	if err := w.RemoveStrayEntries(); err != nil {
		return err
	}
	read, err := w.Number(attributesRead)
	if err != nil {
		return err
	}
	text, err := w.a.dir.ReadAttributes()
	if err != nil {
		w.a.log.Error("the annotations beside the mail cannot be read; the next opening tries again", "err", err)
		return nil
	}
	if read != 0 {
		known, err := w.a.attributes(w.Tx)
		w.attributes = !bytes.Equal(known, text)
		return err
	}
	w.attributes = true
	if err := w.SetNumber(attributesRead, 1); err != nil {
		return err
	}
	list := disk.ParseAttributes(text)
	if len(list) == 0 {
		return nil
	}
	last, err := w.Number(entriesChanged)
	if err != nil {
		return err
	}
	for _, attr := range list {
		if err := w.takeAttribute(attr, last+1); err != nil {
			return err
		}
	}
	return w.entriesChanged(last + 1)
}

// takeAttribute takes one in. What means nothing here, or is more than there is room for, is passed over.
func (w *writing) takeAttribute(attr disk.Attribute, change int64) error {
	scope, owner, key := "/private/", w.a.address, attr.Key
	switch {
	case strings.HasPrefix(key, attributePrivate):
		key = key[len(attributePrivate):]
	case strings.HasPrefix(key, attributeShared):
		key, scope, owner = key[len(attributeShared):], "/shared/", ""
	case strings.HasPrefix(key, attributeUsers):
		owner, key, _ = strings.Cut(key[len(attributeUsers):], "/")
		if !validUser(owner) || owner == w.a.address {
			return nil
		}
	default:
		return nil
	}
	guid, rest, _ := strings.Cut(key, "/")
	f := w.folderOfGUID(guid)
	if f == nil {
		return nil
	}
	id := f.row.ID
	if account, ok := strings.CutPrefix(rest, attributeAccount); ok {
		if f.row.Name != Inbox || owner != w.a.address {
			return nil
		}
		id, rest = 0, account
	}
	e := Entry{Name: scope + rest, Value: attr.Value}
	if !validEntry(e) {
		return nil
	}
	if id != 0 && owner == w.a.address && strings.EqualFold(e.Name, EntrySpecialUse) {
		uses := slices.DeleteFunc(strings.Fields(string(e.Value)), func(u string) bool { return u[0] != '\\' })
		_, err := w.setSpecialUse(f, uses, change)
		return err
	}
	known := false
	if err := w.EntryNames(id, owner, e.Name, false, func(string) error { known = true; return nil }); err != nil || known {
		return err // the text could not be read at first, and the entry was set since
	}
	here, all, octets, err := w.CountEntries(id, owner)
	if err != nil || here >= maxEntries || all >= maxAllEntries || octets+int64(len(e.Name)+len(e.Value)) > maxEntryOctets {
		return err
	}
	_, err = w.SetEntry(id, owner, e, change)
	return err
}

// validEntry says whether an entry is one that a client could have set.
func validEntry(e Entry) bool {
	return len(e.Name) <= MaxEntryName && len(e.Value) <= MaxEntryValue && !strings.Contains(e.Name, "//") && !strings.HasSuffix(e.Name, "/") &&
		!strings.ContainsFunc(e.Name, func(r rune) bool { return r <= 0x19 || r >= 0x80 || r == '*' || r == '%' })
}

func (w *writing) folderOfGUID(guid string) *folder {
	for _, f := range w.a.byID {
		if guid != "" && guidOf(f.row.ObjectID) == guid {
			return f
		}
	}
	return nil
}

// rememberID makes sure that a folder's list of UIDs has its id, so that a lost index knows whose annotations are whose.
func (w *writing) rememberID(f *folder) error {
	if guidOf(f.row.ObjectID) == "" || f.row.Dir != "" && w.settled(f.row.Dir, false) != nil {
		return nil
	}
	c := w.change(f)
	if c.row.Reserved == 0 {
		return c.reserve(w, 0)
	}
	if l, err := w.a.dir.ReadUIDListHeader(f.row.Dir); err != nil || l.GUID != "" {
		return nil // a list that is away or damaged is written anew, id and all, when it is next needed
	}
	return f.rewriteMirror(w.Tx, &c.row, c.row.Reserved, f.row.UIDNext)
}
