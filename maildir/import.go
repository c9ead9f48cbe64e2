package maildir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// importFolders brings the index in step with the folders on disk: all of them when
// the index is new or was lost, otherwise those that another program made. What the
// folder's UID list or Courier's knows of UIDs, UIDVALIDITY, UIDLs and keywords is
// kept. a.mu is held.
func (w *writing) importFolders() error {
	a := w.a
	list, err := a.dir.Folders()
	if err != nil {
		return err
	}
	enc, mixed := disk.DetectEncoding(list.Dirs)
	if mixed {
		a.log.Warn("folder names are in two encodings; those in modified UTF-7 show undecoded")
	}
	known := map[string]bool{}
	for _, f := range a.byID {
		known[f.row.Dir] = true
	}
	for _, dir := range list.Dirs {
		if known[dir] {
			continue
		}
		name, err := disk.FolderName(dir, enc)
		if err != nil {
			a.log.Warn("a folder's directory has no name that clients could use; it is left alone", "dir", dir)
			continue
		}
		if err := w.settled(dir, false); errors.Is(err, errPending) {
			continue // it has been deleted or renamed, only not yet on disk
		} else if err != nil {
			return err
		}
		err = w.importFolder(name, dir)
		if errors.Is(err, errUnreadable) && dir != "" || errors.Is(err, ErrTooManyMailboxes) {
			a.log.Error("a folder cannot be taken over; the others are", "dir", dir, "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errUnreadable: a folder's files cannot be read; nothing of it is in the index.
var errUnreadable = errors.New("maildir: folder cannot be read")

// encoding is how this account writes folder names.
func (a *Account) encoding() disk.Encoding {
	dirs := make([]string, 0, len(a.byID))
	for _, f := range a.byID {
		dirs = append(dirs, f.row.Dir)
	}
	enc, _ := disk.DetectEncoding(dirs)
	return enc
}

// importFolder makes the row of a folder that is on disk, and rows for its messages. All
// its files are read before anything is written.
func (w *writing) importFolder(name, dir string) error {
	old, err := w.readUIDs(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	keywords, _, err := w.a.dir.ReadKeywords(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	listing, err := w.a.dir.Scan(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	f, err := w.addFolder(name, dir, old, keywords, w.readACL(dir))
	if err != nil {
		return err
	}
	return w.change(f).adoptAll(w, listing, old)
}

// knownUIDs is what other files than the index know of a folder.
type knownUIDs struct {
	guid        string // of the mailbox, "" if none is known
	uidValidity uint32
	next        uint32
	uid         map[string]uint32
	uidl        map[string]string
}

// readUIDs reads the folder's UID list, or Courier's where there is none.
func (w *writing) readUIDs(dir string) (k knownUIDs, err error) {
	list, err := w.a.dir.ReadUIDList(dir)
	if errors.Is(err, fs.ErrNotExist) {
		list, err = w.a.dir.ReadCourierUIDs(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		list, err = &disk.UIDList{}, nil
	}
	if err != nil && list == nil {
		return k, err
	}
	if err != nil || list.Bad > 0 {
		w.a.log.Warn("the folder's list of UIDs is damaged; what can be read of it is used", "dir", dir, "bad", list.Bad, "err", err)
	}
	k.guid, k.uidValidity, k.next = list.GUID, list.UIDValidity, max(list.Next(), 1)
	k.uid = make(map[string]uint32, len(list.Records))
	k.uidl = map[string]string{}
	given := map[string]bool{} // two messages must not have one UIDL: clients would fetch one of them only
	say := func(base, id string) {
		if validUIDL(id) && k.uidl[base] == "" && !given[id] {
			given[id], k.uidl[base] = true, id
		}
	}
	for _, r := range list.Records {
		k.uid[r.Base] = r.UID
		if id, ok := r.UIDL(); ok && validUIDL(id) {
			say(r.Base, id)
		} else if list.Version == 3 {
			say(r.Base, fmt.Sprintf("%08x%08x", r.UID, list.UIDValidity)) // Dovecot's default pop3_uidl_format
		}
	}
	if list.Next() == 0 {
		w.a.log.Warn("the folder's list of UIDs has none left; they begin anew with a new UIDVALIDITY", "dir", dir)
		k.uidValidity, k.next, k.uid = 0, 1, nil
	}
	if dir != "" {
		return k, nil
	}
	sizes, err := w.a.dir.ReadCourierSizes()
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	for _, e := range sizes.Entries {
		say(e.Base, e.UIDL())
	}
	return k, nil
}

// addFolder inserts a folder's row.
func (w *writing) addFolder(name, dir string, k knownUIDs, keywords disk.Keywords, acl string) (*folder, error) {
	if len(w.a.byID) >= maxMailboxes {
		return nil, fmt.Errorf("%w: %d", ErrTooManyMailboxes, len(w.a.byID))
	}
	row := index.Folder{
		Name: name, Dir: dir, ObjectID: w.a.objectID(k.guid),
		UIDValidity: k.uidValidity, UIDNext: max(k.next, 1), ModSeq: 1, Recent: max(k.next, 1), Forgotten: 1, ACL: acl,
	}
	if k.uidValidity != 0 {
		// The mailbox was known before this index, and clients may remember modseqs that another
		// one gave, or another server. Starting above all of them, by the clock, makes such a client
		// compare for itself instead of taking its state for ours.
		row.ModSeq = uint64(w.a.store.opts.Now().UnixMilli())
		row.Forgotten = row.ModSeq
	}
	if row.UIDValidity == 0 {
		v, err := w.newUIDValidity()
		if err != nil {
			return nil, err
		}
		row.UIDValidity = v
	}
	last := 26
	for last > 0 && keywords[last-1] == "" {
		last--
	}
	for i, k := range keywords[:last] {
		if k == "" || !validKeyword(k) || containsFold(row.Keywords, k) {
			k = fmt.Sprintf("unknown-%d", i) // the letter keeps its place
		}
		row.Keywords = append(row.Keywords, k)
	}
	var err error
	if row.ID, err = w.AddFolder(&row); err != nil {
		return nil, err
	}
	w.sharing = w.sharing || acl != ""
	w.listed = true
	f := &folder{a: w.a, row: row}
	w.a.byID[row.ID], w.a.byName[name] = f, f
	w.failed = append(w.failed, func() { w.a.forget(f) })
	return f, nil
}

// newUIDValidity gives one that no mailbox of the account had before.
func (w *writing) newUIDValidity() (uint32, error) {
	last, err := w.Number("uidvalidity")
	if err != nil {
		return 0, err
	}
	v, err := w.a.dir.NextUIDValidity(w.a.store.opts.Now(), uint32(last)+1)
	if err != nil {
		return 0, err
	}
	return v, w.SetNumber("uidvalidity", int64(v))
}

// objectID is the id of a mailbox (MAILBOXID): the one that its list of UIDs remembers, unless it is a copy of another mailbox's.
func (a *Account) objectID(guid string) string {
	id := "M" + guid
	for _, f := range a.byID {
		if f.row.ObjectID == id {
			guid = ""
		}
	}
	if guidOf(id) != guid || guid == "" {
		var b [guidSize]byte
		rand.Read(b[:])
		return "M" + hex.EncodeToString(b[:])
	}
	return id
}

// guidSize is how many octets Dovecot's ids of mailboxes have, which stand in the head of dovecot-uidlist in hexadecimal.
const guidSize = 16

// guidOf is a mailbox's id as dovecot-uidlist has it; "" for those that are older than that.
func guidOf(objectID string) string {
	guid, _ := strings.CutPrefix(objectID, "M")
	if b, err := hex.DecodeString(guid); err != nil || len(b) != guidSize || guid != strings.ToLower(guid) {
		return ""
	}
	return guid
}

// ensureFolders makes the folders that exist from the start.
func (w *writing) ensureFolders(want []SpecialFolder) error {
	for _, s := range want {
		f := w.a.byName[s.Name]
		if f == nil {
			if deleted, err := w.Number("deleted " + s.Name); err != nil || deleted != 0 {
				if err != nil {
					return err
				}
				continue // its owner did not want it
			}
			var err error
			if f, err = w.createFolder(s.Name); err != nil {
				return err
			}
			if err := w.subscribe(s.Name); err != nil {
				return err
			}
		}
		if s.Use != "" && !w.hasUse(s.Use) {
			c := w.change(f)
			c.row.Special = append(slices.Clone(c.row.Special), s.Use)
		}
	}
	return nil
}

// hasUse says whether some folder has this special use already, or gets it by this change.
func (w *writing) hasUse(use string) bool {
	for _, f := range w.a.byID {
		row := &f.row
		if i := slices.IndexFunc(w.changes, func(c *change) bool { return c.f == f }); i >= 0 {
			row = &w.changes[i].row
		}
		if slices.Contains(row.Special, use) {
			return true
		}
	}
	return false
}
