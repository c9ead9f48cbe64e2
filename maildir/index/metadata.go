package index

// Entry is an annotation as clients see it.
type Entry struct {
	Name  string
	Value []byte // not nil, save of one that was removed
}

// EntryNames calls fn for the name of the entry of this name, in any case, and of all below it if below is set, by name. owner is whose
// private entries are meant, "" for shared ones; folder 0 stands for the account.
func (t Tx) EntryNames(folder int64, owner, name string, below bool, fn func(name string) error) error {
	rows, err := t.q.Query(`SELECT name FROM metadata WHERE folder = ?1 AND owner = ?2 AND value IS NOT NULL
		AND (name = ?3 OR ?4 AND name > ?3 || '/' AND name < ?3 || '0') ORDER BY name`, folder, owner, name, below)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var found string
		if err := rows.Scan(&found); err != nil {
			return err
		}
		if err := fn(found); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Entry reads an entry that is there.
func (t Tx) Entry(folder int64, owner, name string) (e Entry, err error) {
	e.Name = name
	err = t.q.QueryRow(`SELECT value FROM metadata WHERE folder = ? AND owner = ? AND name = ?`, folder, owner, name).Scan(&e.Value)
	if e.Value == nil {
		e.Value = []byte{}
	}
	return e, err
}

// AllEntries calls fn for the entries of all folders that are shared or an owner's, and if others is set for everybody else's.
func (t Tx) AllEntries(owner string, others bool, fn func(folder int64, owner string, e Entry) error) error {
	rows, err := t.q.Query(`SELECT folder, owner, name, value FROM metadata WHERE value IS NOT NULL AND (owner IN ('', ?) OR ?)`, owner, others)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var folder int64
		var owner string
		var e Entry
		if err := rows.Scan(&folder, &owner, &e.Name, &e.Value); err != nil {
			return err
		}
		if err := fn(folder, owner, e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// HasEntries says whether a folder has any entry of anybody.
func (t Tx) HasEntries(folder int64) (has bool, err error) {
	err = t.q.QueryRow(`SELECT EXISTS (SELECT 1 FROM metadata WHERE folder = ? AND value IS NOT NULL)`, folder).Scan(&has)
	return has, err
}

// RemoveStrayEntries removes those of folders that are not there: another version of the program, which knows of no entries, deleted them.
func (t Tx) RemoveStrayEntries() error {
	_, err := t.q.Exec(`DELETE FROM metadata WHERE folder <> 0 AND folder NOT IN (SELECT id FROM folders)`)
	return err
}

// SetEntry gives an entry a value. It is false if the entry had that already.
func (t Tx) SetEntry(folder int64, owner string, e Entry, change int64) (bool, error) {
	return t.affects(`INSERT INTO metadata (folder, owner, name, value, changed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (folder, owner, name)
		DO UPDATE SET value = excluded.value, changed = excluded.changed WHERE value IS NOT excluded.value`, folder, owner, e.Name, e.Value, change)
}

// RemoveEntry takes an entry away. It is false if there was none.
func (t Tx) RemoveEntry(folder int64, owner, name string, change int64) (bool, error) {
	return t.affects(`UPDATE metadata SET value = NULL, changed = ? WHERE folder = ? AND owner = ? AND name = ? AND value IS NOT NULL`, change, folder, owner, name)
}

// TouchEntry notes that an entry changed whose value is kept elsewhere.
func (t Tx) TouchEntry(folder int64, owner, name string, change int64) error {
	_, err := t.affects(`INSERT INTO metadata (folder, owner, name, changed) VALUES (?, ?, ?, ?) ON CONFLICT (folder, owner, name)
		DO UPDATE SET changed = excluded.changed`, folder, owner, name, change)
	return err
}

func (t Tx) affects(query string, args ...any) (bool, error) {
	r, err := t.q.Exec(query, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// CountEntries counts a folder's entries of one owner, and those that he has in the whole account with the octets of their names and values.
func (t Tx) CountEntries(folder int64, owner string) (here, all, octets int64, err error) {
	err = t.q.QueryRow(`SELECT coalesce(sum(folder = ?), 0), count(*), coalesce(sum(length(name) + length(value)), 0) FROM metadata
		WHERE owner = ? AND value IS NOT NULL`, folder, owner).Scan(&here, &all, &octets)
	return here, all, octets, err
}

// OctetsOfOthers counts the octets of names and values of all entries that are neither shared nor this owner's.
func (t Tx) OctetsOfOthers(owner string) (n int64, err error) {
	err = t.q.QueryRow(`SELECT coalesce(sum(length(name) + length(value)), 0) FROM metadata WHERE value IS NOT NULL AND owner NOT IN ('', ?)`, owner).Scan(&n)
	return n, err
}

// EntriesSince calls fn for the names that a user sees and that changed after a change, those of removed entries among them, in the
// order of their last change.
func (t Tx) EntriesSince(change int64, user string, fn func(folder int64, name string, changed int64) error) error {
	rows, err := t.q.Query(`SELECT folder, name, changed FROM metadata WHERE changed > ? AND owner IN ('', ?) ORDER BY changed, name`, change, user)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var folder, changed int64
		var name string
		if err := rows.Scan(&folder, &name, &changed); err != nil {
			return err
		}
		if err := fn(folder, name, changed); err != nil {
			return err
		}
	}
	return rows.Err()
}

// TrimEntries forgets removed entries but the last ones.
func (t Tx) TrimEntries(keep int) error {
	_, err := t.q.Exec(`DELETE FROM metadata WHERE rowid IN (SELECT rowid FROM metadata WHERE value IS NULL ORDER BY changed DESC LIMIT -1 OFFSET ?)`, keep)
	return err
}

// CopyEntries gives a folder that has none the entries of another, save those of owners who would then have more entries in the account, or
// more octets of names and values, than these.
func (t Tx) CopyEntries(from, to int64, entries, octets, change int64) error {
	_, err := t.q.Exec(`INSERT INTO metadata (folder, owner, name, value, changed) SELECT ?2, owner, name, value, ?5 FROM metadata
		WHERE folder = ?1 AND value IS NOT NULL AND owner IN (SELECT owner FROM metadata WHERE value IS NOT NULL GROUP BY owner
			HAVING count(*) + sum(folder = ?1) <= ?3 AND sum((1 + (folder = ?1)) * (length(name) + length(value))) <= ?4)`,
		from, to, entries, octets, change)
	return err
}

// ForgetEntries removes all private entries of somebody.
func (t Tx) ForgetEntries(owner string) error {
	_, err := t.q.Exec(`DELETE FROM metadata WHERE owner = ?`, owner)
	return err
}

// StrayEntries counts entries of folders that are not there.
func (t Tx) StrayEntries() (n int64, err error) {
	err = t.q.QueryRow(`SELECT count(*) FROM metadata WHERE folder <> 0 AND folder NOT IN (SELECT id FROM folders)`).Scan(&n)
	return n, err
}
