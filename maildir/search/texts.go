package search

import (
	"bytes"
	"database/sql/driver"
)

// MaxText bounds what is indexed of one message, in folded octets. One with more is noted as unread.
const MaxText = 512 << 10

func keyOf(folder int64, uid uint32) int64 { return folder<<32 | int64(uid) }

func keyRange(folder int64) (first, last int64) { return keyOf(folder, 0), keyOf(folder, 1<<32-1) }

// Add indexes a message: everything that a search can find in it, folded, with line ends between texts that do not touch. There must be no row yet.
func (t Tx) Add(f *Folder, uid uint32, text []byte) error {
	f.Texts++
	return t.q.Run(`INSERT INTO texts (rowid, text) VALUES (?, ?)`, keyOf(f.ID, uid), string(indexable(text)))
}

// indexable is a text as the tokenizer must see it. It reads broken UTF-8 otherwise than Go does, and might join a stray octet to the character
// before it: then a text that is there would not be found.
func indexable(text []byte) []byte { return bytes.ToValidUTF8(text, []byte("\uFFFD")) }

// AddUnread notes that a message must be read by every search.
func (t Tx) AddUnread(f *Folder, uid uint32) error {
	return t.q.Run(`INSERT OR REPLACE INTO unread (id) VALUES (?)`, keyOf(f.ID, uid))
}

// Remove removes what is known of messages.
func (t Tx) Remove(f *Folder, uids []uint32) error {
	for _, uid := range uids {
		key := keyOf(f.ID, uid)
		had := false
		if err := t.q.Each(`SELECT 1 FROM texts_docsize WHERE id = ?`, func([]driver.Value) error { had = true; return nil }, key); err != nil {
			return err
		}
		if had {
			f.Texts--
			if err := t.q.Run(`DELETE FROM texts WHERE rowid = ?`, key); err != nil {
				return err
			}
		}
		if err := t.q.Run(`DELETE FROM unread WHERE id = ?`, key); err != nil {
			return err
		}
	}
	return nil
}

// Rows calls fn for the messages of a folder that have a row, in ascending order.
func (t Tx) Rows(folder int64, fn func(uid uint32)) error {
	return t.uids(`SELECT id FROM texts_docsize WHERE id BETWEEN ? AND ? ORDER BY id`, folder, fn)
}

// Unread lists the messages of a folder that must be read, in ascending order.
func (t Tx) Unread(folder int64) (uids []uint32, err error) {
	err = t.uids(`SELECT id FROM unread WHERE id BETWEEN ? AND ? ORDER BY id`, folder, func(uid uint32) { uids = append(uids, uid) })
	return uids, err
}

func (t Tx) uids(query string, folder int64, fn func(uid uint32), args ...any) error {
	first, last := keyRange(folder)
	return t.q.Each(query, func(row []driver.Value) error {
		id, _ := row[0].(int64)
		fn(uint32(id))
		return nil
	}, append(args, first, last)...)
}
