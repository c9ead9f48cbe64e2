package index

// Intent is a file operation that a commit has decided on. Paths are relative to the
// Maildir.
type Intent struct {
	ID       int64
	Owner    int64
	Op       string
	Src, Dst string
}

// AddIntent notes one and returns its id; ids grow in the order of the decisions.
func (t Tx) AddIntent(in Intent) (int64, error) {
	r, err := t.q.Exec(`INSERT INTO intents (owner, op, src, dst) VALUES (?, ?, ?, ?)`, in.Owner, in.Op, in.Src, in.Dst)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Intents lists what is still to be done, oldest first.
func (t Tx) Intents() ([]Intent, error) {
	rows, err := t.q.Query(`SELECT id, owner, op, src, dst FROM intents ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Intent
	for rows.Next() {
		var in Intent
		if err := rows.Scan(&in.ID, &in.Owner, &in.Op, &in.Src, &in.Dst); err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, rows.Err()
}

// StrikeIntent removes one that is done for good.
func (t Tx) StrikeIntent(id int64) error {
	_, err := t.q.Exec(`DELETE FROM intents WHERE id = ?`, id)
	return err
}

// StrikeOwned removes those of one owner with an id up to last and another operation
// than keep.
func (t Tx) StrikeOwned(owner, last int64, keep string) error {
	_, err := t.q.Exec(`DELETE FROM intents WHERE id <= ? AND owner = ? AND op <> ?`, last, owner, keep)
	return err
}
