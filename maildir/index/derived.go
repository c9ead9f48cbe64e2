package index

import "database/sql/driver"

// EmailIDs calls fn for each message with first <= uid <= last whose id is known, in UID order.
func (t Tx) EmailIDs(folder int64, first, last uint32, fn func(uid uint32, id string) error) error {
	return t.texts(`SELECT uid, email_id FROM messages WHERE folder = ? AND uid BETWEEN ? AND ? AND email_id <> '' ORDER BY uid`, folder, first, last, fn)
}

// SetEmailID keeps a message's id.
func (t Tx) SetEmailID(folder int64, uid uint32, id string) error {
	return t.q.Run(`UPDATE messages SET email_id = ? WHERE folder = ? AND uid = ?`, id, folder, uid)
}

// Previews calls fn for each message with first <= uid <= last whose preview is known, in UID order.
func (t Tx) Previews(folder int64, first, last uint32, fn func(uid uint32, text string) error) error {
	return t.texts(`SELECT uid, preview FROM parsed WHERE folder = ? AND uid BETWEEN ? AND ? AND preview IS NOT NULL ORDER BY uid`, folder, first, last, fn)
}

// SetPreview keeps a preview beside what else was parsed of the message; without that it is forgotten.
func (t Tx) SetPreview(folder int64, uid uint32, text string) error {
	return t.q.Run(`UPDATE parsed SET preview = ? WHERE folder = ? AND uid = ?`, text, folder, uid)
}

func (t Tx) texts(query string, folder int64, first, last uint32, fn func(uint32, string) error) error {
	return t.q.Each(query, func(row []driver.Value) error {
		uid, ok := row[0].(int64)
		text, is := row[1].(string)
		if !ok || !is {
			return errColumn
		}
		return fn(uint32(uid), text)
	}, folder, first, last)
}
