package index

import "strings"

// Folder is a row of folders.
type Folder struct {
	ID          int64
	Name, Dir   string
	ObjectID    string
	UIDValidity uint32
	UIDNext     uint32
	ModSeq      uint64
	Recent      uint32
	Special     []string
	Keywords    []string

	NewMtime, CurMtime, Scanned int64

	Messages, Unseen, Deleted, Disk, Wire, WireDeleted, Unsized int64

	Reserved  uint32
	Forgotten uint64

	// Silent counts changes to rows that have no modseq, as clients are not told of them.
	Silent int64

	// Stamp is a random number for the state of the folder's messages, 0 if it never had
	// one. BaseStamp is that of an earlier state. StampSilent and BaseSilent are what Silent
	// was then.
	Stamp, StampSilent, BaseStamp, BaseSilent int64

	ACL    string // lines of dovecot-acl
	URLKey string // hexadecimal; empty for none

	SeenPrivate bool   // each user has a \Seen of his own
	SeenModSeq  uint64 // when one of them changed last
}

// Folders lists all folders by name.
func (t Tx) Folders() ([]Folder, error) {
	rows, err := t.q.Query(`SELECT id, name, dir, object_id, uidvalidity, uidnext, modseq, recent, special, keywords,
		new_mtime, cur_mtime, scanned, messages, unseen, deleted, disk, wire, wire_deleted, unsized, reserved, forgotten, silent, stamp, stamp_silent, base_stamp, base_silent, acl, url_key, seen_private, seen_modseq FROM folders ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Folder
	for rows.Next() {
		var f Folder
		var special, keywords string
		if err := rows.Scan(&f.ID, &f.Name, &f.Dir, &f.ObjectID, &f.UIDValidity, &f.UIDNext, &f.ModSeq, &f.Recent, &special, &keywords,
			&f.NewMtime, &f.CurMtime, &f.Scanned, &f.Messages, &f.Unseen, &f.Deleted, &f.Disk, &f.Wire, &f.WireDeleted, &f.Unsized, &f.Reserved, &f.Forgotten, &f.Silent, &f.Stamp, &f.StampSilent, &f.BaseStamp, &f.BaseSilent, &f.ACL, &f.URLKey, &f.SeenPrivate, &f.SeenModSeq); err != nil {
			return nil, err
		}
		f.Special, f.Keywords = strings.Fields(special), lines(keywords)
		out = append(out, f)
	}
	return out, rows.Err()
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// AddFolder makes a row and returns its id.
func (t Tx) AddFolder(f *Folder) (int64, error) {
	r, err := t.q.Exec(`INSERT INTO folders (name, dir, object_id, uidvalidity, uidnext, modseq, recent, special, keywords, reserved, forgotten, acl)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Name, f.Dir, f.ObjectID, f.UIDValidity, f.UIDNext, f.ModSeq, f.Recent, strings.Join(f.Special, " "), strings.Join(f.Keywords, "\n"), f.Reserved, f.Forgotten, f.ACL)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// MoveFolder writes the folder's name and directory.
func (t Tx) MoveFolder(f *Folder) error {
	return t.q.Run(`UPDATE folders SET name = ?, dir = ? WHERE id = ?`, f.Name, f.Dir, f.ID)
}

// SaveFolder writes everything of f but its id, its name and its directory: an UPDATE that names a column writes the pages of the
// column's index although the value stays, and these two were two of the six that the commit of a delivery changed.
func (t Tx) SaveFolder(f *Folder) error {
	_, err := t.q.Exec(`UPDATE folders SET object_id = ?, uidvalidity = ?, uidnext = ?, modseq = ?, recent = ?, special = ?,
		keywords = ?, new_mtime = ?, cur_mtime = ?, scanned = ?, messages = ?, unseen = ?, deleted = ?, disk = ?, wire = ?, wire_deleted = ?, unsized = ?, reserved = ?, forgotten = ?, silent = ?, stamp = ?, stamp_silent = ?, base_stamp = ?, base_silent = ?, acl = ?, url_key = ?, seen_private = ?, seen_modseq = ? WHERE id = ?`,
		f.ObjectID, f.UIDValidity, f.UIDNext, f.ModSeq, f.Recent, strings.Join(f.Special, " "),
		strings.Join(f.Keywords, "\n"), f.NewMtime, f.CurMtime, f.Scanned, f.Messages, f.Unseen, f.Deleted, f.Disk, f.Wire, f.WireDeleted, f.Unsized, f.Reserved, f.Forgotten, f.Silent, f.Stamp, f.StampSilent, f.BaseStamp, f.BaseSilent, f.ACL, f.URLKey, f.SeenPrivate, int64(f.SeenModSeq), f.ID)
	return err
}

// RemoveFolder removes the folder and all that belongs to it.
func (t Tx) RemoveFolder(id int64) error {
	for _, q := range []string{
		`DELETE FROM metadata WHERE folder = ?`,
		`DELETE FROM parsed WHERE folder = ?`,
		`DELETE FROM expunged WHERE folder = ?`,
		`DELETE FROM seen WHERE folder = ?`,
		`DELETE FROM messages WHERE folder = ?`,
		`DELETE FROM folders WHERE id = ?`,
	} {
		if _, err := t.q.Exec(q, id); err != nil {
			return err
		}
	}
	return nil
}
