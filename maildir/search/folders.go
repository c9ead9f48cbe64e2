package search

import (
	"database/sql"
	"errors"
)

// Folder is what is indexed of a folder.
type Folder struct {
	ID          int64
	ObjectID    string
	UIDValidity uint32
	Below       uint32 // messages with lower UIDs are indexed, or noted as unread
	Texts       int64  // how many rows it has
	ModSeq      uint64 // of the folder when it was last filled or swept: an index of messages that has not come so far is an older one
}

// Folder reads what is indexed of a folder; that of an earlier folder of this id counts as nothing.
func (t Tx) Folder(id int64, objectID string, uidValidity uint32) (Folder, error) {
	f := Folder{ID: id}
	err := t.q.QueryRow(`SELECT object_id, uidvalidity, below, texts, modseq FROM folders WHERE id = ?`, id).Scan(&f.ObjectID, &f.UIDValidity, &f.Below, &f.Texts, &f.ModSeq)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (f.ObjectID != objectID || f.UIDValidity != uidValidity) {
		return Folder{ID: id, ObjectID: objectID, UIDValidity: uidValidity}, nil
	}
	return f, err
}

// Begin is Folder for who is about to add to it: rows of an earlier folder of this id are removed.
func (t Tx) Begin(id int64, objectID string, uidValidity uint32) (Folder, error) {
	f, err := t.Folder(id, objectID, uidValidity)
	if err != nil || f.Below > 0 {
		return f, err
	}
	return f, t.Drop(id)
}

// Save writes what is indexed of a folder.
func (t Tx) Save(f Folder) error {
	return t.q.Run(`INSERT OR REPLACE INTO folders (id, object_id, uidvalidity, below, texts, modseq) VALUES (?, ?, ?, ?, ?, ?)`,
		f.ID, f.ObjectID, f.UIDValidity, f.Below, f.Texts, int64(f.ModSeq))
}

// Drop removes everything of a folder.
func (t Tx) Drop(id int64) error {
	first, last := keyRange(id)
	for _, q := range []string{
		`DELETE FROM texts WHERE rowid IN (SELECT id FROM texts_docsize WHERE id BETWEEN ? AND ?)`,
		`DELETE FROM unread WHERE id BETWEEN ? AND ?`,
	} {
		if err := t.q.Run(q, first, last); err != nil {
			return err
		}
	}
	return t.q.Run(`DELETE FROM folders WHERE id = ?`, id)
}

// FolderIDs lists the folders of which something is indexed.
func (t Tx) FolderIDs() (ids []int64, err error) {
	rows, err := t.q.Query(`SELECT id FROM folders`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Totals are the messages of all folders that are indexed, and those that are noted as unread.
func (t Tx) Totals() (texts, unread int64, err error) {
	err = t.q.QueryRow(`SELECT (SELECT coalesce(sum(texts), 0) FROM folders), (SELECT count(*) FROM unread)`).Scan(&texts, &unread)
	return texts, unread, err
}

// Clear removes everything.
func (t Tx) Clear() error {
	_, err := t.q.Exec(`INSERT INTO texts (texts) VALUES ('delete-all'); DELETE FROM folders; DELETE FROM unread`)
	return err
}
