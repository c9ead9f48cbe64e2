package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"bascule/maildir/index"
	"bascule/maildir/search"
)

// TextIndexInfo says what an account's text index holds.
type TextIndexInfo struct {
	Mode     TextIndex
	Bytes    int64 // on disk; quotas do not count them
	Messages int64 // indexed, the rows of removed ones that are still to go included
	Unread   int64 // too large or not to be read: every search reads them
}

// TextIndex tells about the account's text index.
func (a *Account) TextIndex(ctx context.Context) (info TextIndexInfo, err error) {
	info.Mode = a.Policy().TextIndex
	db, err := a.texts.acquire(ctx)
	if db == nil || err != nil {
		return info, err
	}
	defer a.texts.release()
	info.Bytes = search.Size(a.texts.path)
	err = db.Read(ctx, func(tx search.Tx) error {
		info.Messages, info.Unread, err = tx.Totals()
		return err
	})
	return info, err
}

// RebuildTexts empties the text index and fills it again, at full speed.
func (a *Account) RebuildTexts(ctx context.Context) error {
	if a.texts.exists() {
		err := a.emptyTexts(ctx)
		if search.IsDamaged(err) {
			var gone bool
			if gone, err = a.dropTexts(); err == nil && !gone {
				err = errors.New("the text index is damaged, and other processes have it open: end them, then try again")
			}
		}
		if err != nil {
			return fmt.Errorf("maildir: text index of %s: %w", a.address, err)
		}
	}
	_, err := a.FillTexts(ctx, false)
	return err
}

// emptyTexts forgets everything that is indexed, for all processes.
func (a *Account) emptyTexts(ctx context.Context) error {
	db, err := search.Open(ctx, a.texts.path)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Write(ctx, search.Tx.Clear)
}

// distrustTexts empties the text index before an index of messages is made anew: that gives UIDs as the list of UIDs remembers them, perhaps to
// messages that were removed and have come back, of which no row tells any more.
func (a *Account) distrustTexts(ctx context.Context) {
	if !a.texts.exists() {
		return
	}
	if err := a.emptyTexts(ctx); err != nil {
		a.textsFailed(err)
	}
}

// errOlder: the index of messages has not come as far as what the text index was made of.
var errOlder = errors.New("maildir: the index of messages is older than the text index")

// distrustNewerTexts empties the text index if the index of messages is an older one that somebody has put back: that gives UIDs again which
// the text index knows of, to other messages, and has messages again whose rows are gone. It comes before anything is changed.
func (a *Account) distrustNewerTexts(ctx context.Context) {
	if !a.texts.exists() {
		return
	}
	err := a.compareTexts(ctx)
	if errors.Is(err, errOlder) {
		a.log.Warn("the index of messages is older than the text index, which is made anew")
		err = a.emptyTexts(ctx)
	}
	if err != nil {
		a.textsFailed(err)
	}
}

func (a *Account) compareTexts(ctx context.Context) error {
	db, err := search.Open(ctx, a.texts.path)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Read(ctx, func(tx search.Tx) error {
		// The first query settles what is seen of the text index. It comes before that of the messages: what another process delivers
		// and indexes in between must not make this one look older.
		if ids, err := tx.FolderIDs(); err != nil || len(ids) == 0 {
			return err
		}
		var rows []index.Folder
		err := a.db.Read(ctx, func(tx index.Tx) (err error) {
			rows, err = tx.Folders()
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			have, err := tx.Folder(row.ID, row.ObjectID, row.UIDValidity)
			if err != nil {
				return err
			}
			if have.ModSeq > row.ModSeq || have.Below > row.UIDNext {
				return errOlder
			}
		}
		return nil
	})
}

// checkSamples is how many messages of a folder, the newest, are looked for in the index by Check.
const checkSamples = 100

// checkTexts checks that every message that the index claims to know is in it, and that it is found.
func (a *Account) checkTexts(ctx context.Context, boxes []*Mailbox) (problems []Problem, err error) {
	if !a.texts.exists() {
		return nil, nil
	}
	db, err := search.Open(ctx, a.texts.path)
	if err == nil {
		defer db.Close()
		err = db.Write(ctx, func(tx search.Tx) error {
			problem, err := tx.Verify()
			if problem != "" {
				problems = append(problems, Problem{What: "the text index is damaged: " + problem})
			}
			return err
		})
	}
	if search.IsDamaged(err) {
		return []Problem{{What: "the text index is damaged: " + err.Error()}}, nil
	}
	for _, m := range boxes {
		if err != nil || len(problems) > 0 {
			break
		}
		var found []Problem
		if found, err = a.checkTextsOf(ctx, db, m); !m.Deleted() {
			problems = append(problems, found...)
		}
	}
	return problems, err
}

func (a *Account) checkTextsOf(ctx context.Context, db *search.DB, m *Mailbox) (problems []Problem, err error) {
	before := m.current.Load() // a message that is removed meanwhile may be missing
	var have search.Folder
	var known []uint32
	f := filler{a: a}
	err = db.Read(ctx, func(tx search.Tx) (err error) {
		if have, err = tx.Folder(m.folderID, m.id, before.UIDValidity()); err != nil {
			return err
		}
		if err := tx.Rows(have.ID, func(uid uint32) { known = append(known, uid) }); err != nil {
			return err
		}
		if have.Texts != int64(len(known)) && have.Below > 0 {
			problems = append(problems, Problem{m.Name(), fmt.Sprintf("the text index counts %d messages, but has %d", have.Texts, len(known))})
		}
		indexed := known
		unread, err := tx.Unread(have.ID)
		known = slices.Concat(known, unread)
		slices.Sort(known)
		for _, uid := range indexed[max(len(indexed)-checkSamples, 0):] {
			msg := before.Find(UID(uid))
			if err != nil || msg == nil {
				continue
			}
			f.text = f.text[:0]
			if all, err := f.message(ctx, m, msg); err != nil || !all {
				continue
			}
			if text := sampleOf(f.text, uid); text != "" {
				uids, told, ferr := tx.Find(have.ID, text)
				if _, ok := slices.BinarySearch(uids, uid); told && !ok {
					problems = append(problems, Problem{m.Name(), fmt.Sprintf("the text index does not find UID %d by its text", uid)})
				}
				err = ferr
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	after := m.current.Load()
	for _, msg := range before.All() {
		if _, ok := slices.BinarySearch(known, uint32(msg.UID)); !ok && uint32(msg.UID) < have.Below && after.Find(msg.UID) != nil {
			problems = append(problems, Problem{m.Name(), fmt.Sprintf("UID %d is not in the text index", msg.UID)})
		}
	}
	return problems, nil
}

// sampleOf is some word of a text.
func sampleOf(text []byte, n uint32) string {
	const size = 12
	if len(text) < size {
		return ""
	}
	at := int(n) * 7919 % (len(text) - size + 1)
	end := at + size
	for at < end && !utf8.RuneStart(text[at]) {
		at++
	}
	for end < len(text) && !utf8.RuneStart(text[end]) {
		end++
	}
	if !utf8.Valid(text[at:end]) {
		return ""
	}
	return string(text[at:end])
}
