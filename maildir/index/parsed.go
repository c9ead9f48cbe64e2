package index

import (
	"database/sql"
	"errors"
)

// Parsed calls fn with what was kept of a message's header and structure; data is nil
// if nothing was.
func (t Tx) Parsed(folder int64, uid uint32) (data []byte, err error) {
	err = t.q.QueryRow(`SELECT data FROM parsed WHERE folder = ? AND uid = ?`, folder, uid).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// ParsedRange calls fn for each kept entry with first <= uid <= last, in UID order.
// data is valid during the call only.
func (t Tx) ParsedRange(folder int64, first, last uint32, fn func(uid uint32, data []byte) error) error {
	rows, err := t.q.Query(`SELECT uid, data FROM parsed WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid`, folder, first, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var uid uint32
		var data sql.RawBytes
		if err := rows.Scan(&uid, &data); err != nil {
			return err
		}
		if err := fn(uid, data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// HasParsed says whether anything is kept for messages from first to last.
func (t Tx) HasParsed(folder int64, first, last uint32) (has bool, err error) {
	err = t.q.QueryRow(`SELECT EXISTS (SELECT 1 FROM parsed WHERE folder = ? AND uid BETWEEN ? AND ?)`, folder, first, last).Scan(&has)
	return has, err
}

// SaveParsed keeps data for a message, if the message is still there.
func (t Tx) SaveParsed(folder int64, uid uint32, data []byte) error {
	_, err := t.q.Exec(`INSERT OR REPLACE INTO parsed (folder, uid, data) SELECT folder, uid, ? FROM messages WHERE folder = ? AND uid = ?`, data, folder, uid)
	return err
}

// CopyParsed keeps for one message what is kept for another with the same bytes.
func (t Tx) CopyParsed(srcFolder int64, srcUID uint32, dstFolder int64, dstUID uint32) error {
	return t.q.Run(`INSERT OR REPLACE INTO parsed (folder, uid, data) SELECT ?, ?, data FROM parsed WHERE folder = ? AND uid = ?`,
		dstFolder, dstUID, srcFolder, srcUID)
}

// ForgetParsed removes what is kept for a message.
func (t Tx) ForgetParsed(folder int64, uid uint32) error {
	_, err := t.q.Exec(`DELETE FROM parsed WHERE folder = ? AND uid = ?`, folder, uid)
	return err
}
