package index

import (
	"database/sql"
	"database/sql/driver"
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
// data may be kept.
func (t Tx) ParsedRange(folder int64, first, last uint32, fn func(uid uint32, data []byte) error) error {
	return t.q.Each(`SELECT uid, data FROM parsed WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid`, func(row []driver.Value) error {
		uid, _ := row[0].(int64)
		data, _ := row[1].([]byte)
		return fn(uint32(uid), data)
	}, folder, first, last)
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
	return t.q.Run(`INSERT OR REPLACE INTO parsed (folder, uid, data, preview) SELECT ?, ?, data, preview FROM parsed WHERE folder = ? AND uid = ?`,
		dstFolder, dstUID, srcFolder, srcUID)
}

// ForgetParsed removes what is kept for a message.
func (t Tx) ForgetParsed(folder int64, uid uint32) error {
	_, err := t.q.Exec(`DELETE FROM parsed WHERE folder = ? AND uid = ?`, folder, uid)
	return err
}
