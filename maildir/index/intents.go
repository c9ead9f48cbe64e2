package index

// IntentState says who may carry an intent out.
type IntentState int

const (
	// IntentNow: its owner does it right after the commit; others only if that one died.
	IntentNow IntentState = 0
	// IntentLater: not before the POP3 session that still lists the files has ended.
	IntentLater IntentState = 1
	// IntentFailed: its owner tried and will try again. Until then the files are not
	// where the rows say.
	IntentFailed IntentState = 2
)

// Intent is a list of file operations that one commit has decided on.
type Intent struct {
	ID    int64
	Owner int64 // the process that will do them
	State IntentState
}

// AddIntent notes one with its operations, encoded by package maildir, and returns its
// id; ids grow in the order of the decisions.
func (t Tx) AddIntent(in Intent, ops []byte) (int64, error) {
	r, err := t.q.Exec(`INSERT INTO intents (owner, later, ops) VALUES (?, ?, ?)`, in.Owner, int(in.State), ops)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// Intents lists what is still to be done, oldest first.
func (t Tx) Intents() ([]Intent, error) {
	rows, err := t.q.Query(`SELECT id, owner, later FROM intents ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Intent
	for rows.Next() {
		var in Intent
		if err := rows.Scan(&in.ID, &in.Owner, &in.State); err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, rows.Err()
}

// IntentOps reads an intent's operations.
func (t Tx) IntentOps(id int64) (ops []byte, err error) {
	err = t.q.QueryRow(`SELECT ops FROM intents WHERE id = ?`, id).Scan(&ops)
	return ops, err
}

// FailIntent marks one as tried in vain.
func (t Tx) FailIntent(id int64) error {
	_, err := t.q.Exec(`UPDATE intents SET later = ? WHERE id = ?`, int(IntentFailed), id)
	return err
}

// StrikeIntent removes one that is done for good.
func (t Tx) StrikeIntent(id int64) error {
	_, err := t.q.Exec(`DELETE FROM intents WHERE id = ?`, id)
	return err
}
