package index

// Expunged is a message that was removed.
type Expunged struct {
	UID    uint32
	ModSeq uint64
	Base   string
}

// ExpungedSince lists the UIDs removed with a modseq above since, in UID order.
func (t Tx) ExpungedSince(folder int64, since uint64) ([]uint32, error) {
	rows, err := t.q.Query(`SELECT uid FROM expunged WHERE folder = ? AND modseq > ? ORDER BY uid`, folder, int64(since))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []uint32
	for rows.Next() {
		var uid uint32
		if err := rows.Scan(&uid); err != nil {
			return nil, err
		}
		out = append(out, uid)
	}
	return out, rows.Err()
}

// ExpungedBase finds the removal, with a modseq above since, of the message with this base
// name; 0 if there was none.
func (t Tx) ExpungedBase(folder int64, since uint64, base string) (uid uint32, err error) {
	err = t.q.QueryRow(`SELECT coalesce((SELECT uid FROM expunged WHERE folder = ? AND modseq > ? AND base = ? ORDER BY modseq DESC LIMIT 1), 0)`,
		folder, int64(since), base).Scan(&uid)
	return uid, err
}

// Unannounced maps base names to the UIDs of removals that no client was told of.
func (t Tx) Unannounced(folder int64) (map[string]Expunged, error) {
	rows, err := t.q.Query(`SELECT uid, modseq, base FROM expunged WHERE folder = ? AND announced = 0`, folder)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out map[string]Expunged
	for rows.Next() {
		var e Expunged
		if err := rows.Scan(&e.UID, &e.ModSeq, &e.Base); err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]Expunged{}
		}
		out[e.Base] = e
	}
	return out, rows.Err()
}

// Announce marks every removal of the folder as told.
func (t Tx) Announce(folder int64) error {
	_, err := t.q.Exec(`UPDATE expunged SET announced = 1 WHERE folder = ? AND announced = 0`, folder)
	return err
}

// Unexpunge takes a removal back.
func (t Tx) Unexpunge(folder int64, e Expunged) error {
	_, err := t.q.Exec(`DELETE FROM expunged WHERE folder = ? AND modseq = ? AND uid = ?`, folder, int64(e.ModSeq), e.UID)
	return err
}

// TrimExpunged keeps the newest keep removals of the folder and returns the modseq
// up to which removals are forgotten now (0 if none were).
func (t Tx) TrimExpunged(folder int64, keep int) (forgotten uint64, err error) {
	err = t.q.QueryRow(`SELECT coalesce((SELECT modseq FROM expunged WHERE folder = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?), 0)`, folder, keep).Scan(&forgotten)
	if err != nil || forgotten == 0 {
		return 0, err
	}
	_, err = t.q.Exec(`DELETE FROM expunged WHERE folder = ? AND modseq <= ?`, folder, int64(forgotten))
	return forgotten, err
}
