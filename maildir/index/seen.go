package index

// SeenRun is a run of UIDs that a user has, or has no longer, read.
type SeenRun struct {
	First, Last uint32
	ModSeq      uint64
	Seen        bool
}

// SeenRuns lists what a user has read in a folder, in UID order.
func (t Tx) SeenRuns(folder int64, user string) ([]SeenRun, error) {
	rows, err := t.q.Query(`SELECT first, last, modseq, seen FROM seen WHERE folder = ? AND user = ? ORDER BY first`, folder, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []SeenRun
	for rows.Next() {
		var r SeenRun
		if err := rows.Scan(&r.First, &r.Last, &r.ModSeq, &r.Seen); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// AddSeen inserts a run.
func (t Tx) AddSeen(folder int64, user string, r SeenRun) error {
	return t.q.Run(`INSERT INTO seen (folder, user, first, last, modseq, seen) VALUES (?, ?, ?, ?, ?, ?)`,
		folder, user, r.First, r.Last, int64(r.ModSeq), r.Seen)
}

// DropSeen removes a user's runs that begin from first to last.
func (t Tx) DropSeen(folder int64, user string, first, last uint32) error {
	return t.q.Run(`DELETE FROM seen WHERE folder = ? AND user = ? AND first BETWEEN ? AND ?`, folder, user, first, last)
}

// ReplaceSeen makes runs all that a user has.
func (t Tx) ReplaceSeen(folder int64, user string, runs []SeenRun) error {
	if err := t.q.Run(`DELETE FROM seen WHERE folder = ? AND user = ?`, folder, user); err != nil {
		return err
	}
	for _, r := range runs {
		if err := t.AddSeen(folder, user, r); err != nil {
			return err
		}
	}
	return nil
}

// DropAllSeen removes everybody's runs of a folder.
func (t Tx) DropAllSeen(folder int64) error {
	return t.q.Run(`DELETE FROM seen WHERE folder = ?`, folder)
}

// Readers lists who has runs in a folder.
func (t Tx) Readers(folder int64) ([]string, error) {
	rows, err := t.q.Query(`SELECT DISTINCT user FROM seen WHERE folder = ? ORDER BY user`, folder)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var user string
		if err := rows.Scan(&user); err != nil {
			return nil, err
		}
		out = append(out, user)
	}
	return out, rows.Err()
}

// SetModSeqs gives all messages of a folder one modseq.
func (t Tx) SetModSeqs(folder int64, modSeq uint64) error {
	return t.q.Run(`UPDATE messages SET modseq = ? WHERE folder = ?`, int64(modSeq), folder)
}
