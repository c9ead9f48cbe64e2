package index

// Intent is a list of file operations that one commit has decided on.
type Intent struct {
	ID    int64
	Owner int64  // the process that will do them
	Later bool   // not before the POP3 session that still lists the files has ended
	Ops   []byte // encoded by package maildir
}

// AddIntent notes one and returns its id; ids grow in the order of the decisions.
func (t Tx) AddIntent(in Intent) (int64, error) {
	r, err := t.q.Exec(`INSERT INTO intents (owner, later, ops) VALUES (?, ?, ?)`, in.Owner, in.Later, in.Ops)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Intents lists what is still to be done, oldest first.
func (t Tx) Intents() ([]Intent, error) {
	rows, err := t.q.Query(`SELECT id, owner, later, ops FROM intents ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Intent
	for rows.Next() {
		var in Intent
		if err := rows.Scan(&in.ID, &in.Owner, &in.Later, &in.Ops); err != nil {
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
