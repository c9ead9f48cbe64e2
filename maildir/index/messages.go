package index

import (
	"database/sql/driver"
	"errors"
	"strings"
)

// Places of a message's file.
const (
	PlaceNew = 0
	PlaceCur = 1
)

// Message is a row of messages.
type Message struct {
	UID      uint32
	ModSeq   uint64
	Flags    uint64
	Base     string
	Place    int
	Tail     string
	Disk     int64
	Wire     int64
	Kind     uint16
	Internal int64
	Saved    int64
	UIDL     string
	EmailID  string
	ThreadID string
	POPOrder int64
}

const messageColumns = `uid, modseq, flags, base, place, tail, disk, wire, kind, internal, saved, uidl`

// Messages calls fn for each message of the folder with a modseq above since, in UID
// order. The row is reused: fn must copy what it keeps (strings may be kept). fn must not
// use the transaction.
func (t Tx) Messages(folder int64, since uint64, fn func(*Message) error) error {
	if since == 0 {
		return t.each(`SELECT `+messageColumns+` FROM messages WHERE folder = ? ORDER BY uid`, fn, folder)
	}
	return t.each(`SELECT `+messageColumns+` FROM messages WHERE folder = ? AND modseq > ? ORDER BY uid`, fn, folder, int64(since))
}

// MessagesFrom is Messages for those with a UID of at least first.
func (t Tx) MessagesFrom(folder int64, first uint32, fn func(*Message) error) error {
	return t.each(`SELECT `+messageColumns+` FROM messages WHERE folder = ? AND uid >= ? ORDER BY uid`, fn, folder, first)
}

// errColumn: a row holds a value of another type than its column.
var errColumn = errors.New("index: a message's row is damaged")

// each reads rows of messageColumns.
func (t Tx) each(query string, fn func(*Message) error, args ...any) error {
	var m Message
	return t.q.Each(query, func(row []driver.Value) error {
		ok := true
		number := func(i int) int64 {
			v, is := row[i].(int64)
			ok = ok && is
			return v
		}
		text := func(i int) string {
			v, is := row[i].(string)
			ok = ok && is
			return v
		}
		m.UID, m.ModSeq, m.Flags = uint32(number(0)), uint64(number(1)), uint64(number(2))
		m.Base, m.Place, m.Tail = text(3), int(number(4)), text(5)
		m.Disk, m.Wire, m.Kind = number(6), number(7), uint16(number(8))
		m.Internal, m.Saved, m.UIDL = number(9), number(10), text(11)
		if !ok {
			return errColumn
		}
		return fn(&m)
	}, args...)
}

// RowsAtOnce is how many rows one statement inserts: each costs the prepared statement memory.
const RowsAtOnce = 16

const (
	columns        = 16
	insertMessages = `INSERT INTO messages (folder, uid, modseq, flags, base, place, tail, disk, wire, kind, internal, saved, uidl, email_id, thread_id, pop_order) VALUES `
	messageValues  = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertOne      = insertMessages + messageValues
)

var insertMany = insertOne + strings.Repeat(", "+messageValues, RowsAtOnce-1)

// AddMessage inserts a row. A base name that the folder has already fails with an
// error that sqlitex.IsUnique knows.
func (t Tx) AddMessage(folder int64, m *Message) error {
	return t.q.Run(insertOne, m.values(make([]any, 0, columns), folder)...)
}

// AddMessages is AddMessage for several.
func (t Tx) AddMessages(folder int64, list []Message) error {
	for len(list) >= RowsAtOnce {
		values := make([]any, 0, columns*RowsAtOnce)
		for i := range list[:RowsAtOnce] {
			values = list[i].values(values, folder)
		}
		if err := t.q.Run(insertMany, values...); err != nil {
			return err
		}
		list = list[RowsAtOnce:]
	}
	for i := range list {
		if err := t.AddMessage(folder, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// values appends the row's columns.
func (m *Message) values(to []any, folder int64) []any {
	return append(to, folder, m.UID, int64(m.ModSeq), int64(m.Flags), m.Base, m.Place, m.Tail, m.Disk, m.Wire, m.Kind, m.Internal, m.Saved,
		m.UIDL, m.EmailID, m.ThreadID, m.POPOrder)
}

// SetFlags writes flags, modseq, place and tail of m to all messages of the folder from m's
// UID to last: one statement for a run costs a third of one for each of its messages.
func (t Tx) SetFlags(folder int64, m *Message, last uint32) error {
	return t.q.Run(`UPDATE messages SET flags = ?, modseq = ?, place = ?, tail = ? WHERE folder = ? AND uid BETWEEN ? AND ?`,
		int64(m.Flags), int64(m.ModSeq), m.Place, m.Tail, folder, m.UID, last)
}

// SetFacts writes what the file's bytes are. The modseq stays: nothing that a client
// may be told has changed.
func (t Tx) SetFacts(folder int64, uid uint32, disk, wire int64, kind uint16) error {
	return t.q.Run(`UPDATE messages SET disk = ?, wire = ?, kind = ? WHERE folder = ? AND uid = ?`, disk, wire, kind, folder, uid)
}

// RemoveMessages deletes the rows of all messages of the folder with a UID from first to last and what was parsed of them, and notes
// their removal. announced is false only where no client can have been told: then a file that comes back may have its old UID again.
func (t Tx) RemoveMessages(folder int64, first, last uint32, modseq uint64, announced bool) error {
	if err := t.q.Run(`INSERT OR REPLACE INTO expunged (folder, modseq, uid, base, announced)
		SELECT folder, ?, uid, base, ? FROM messages WHERE folder = ? AND uid BETWEEN ? AND ?`, int64(modseq), announced, folder, first, last); err != nil {
		return err
	}
	if err := t.q.Run(`DELETE FROM messages WHERE folder = ? AND uid BETWEEN ? AND ?`, folder, first, last); err != nil {
		return err
	}
	return t.q.Run(`DELETE FROM parsed WHERE folder = ? AND uid BETWEEN ? AND ?`, folder, first, last)
}

// UIDOfBase finds a message by its file; 0 if the folder has none of that base name.
func (t Tx) UIDOfBase(folder int64, base string) (uid uint32, err error) {
	err = t.q.Each(`SELECT uid FROM messages WHERE folder = ? AND base = ?`, func(row []driver.Value) error {
		v, _ := row[0].(int64)
		uid = uint32(v)
		return nil
	}, folder, base)
	return uid, err
}

// Facts reads what is known of a message's bytes.
func (t Tx) Facts(folder int64, uid uint32) (disk, wire int64, kind uint16, err error) {
	err = t.q.QueryRow(`SELECT disk, wire, kind FROM messages WHERE folder = ? AND uid = ?`, folder, uid).Scan(&disk, &wire, &kind)
	return disk, wire, kind, err
}

// Recount counts a folder's rows anew: the truth that its counters must show.
func (t Tx) Recount(folder int64, seen, deleted uint64) (f Folder, err error) {
	err = t.q.QueryRow(`SELECT count(*), coalesce(sum(flags & ?1 = 0), 0), coalesce(sum(flags & ?2 <> 0), 0),
		coalesce(sum(max(disk, 0)), 0), coalesce(sum(max(wire, 0)), 0),
		coalesce(sum(CASE WHEN flags & ?2 <> 0 THEN max(wire, 0) ELSE 0 END), 0), coalesce(sum(wire < 0), 0)
		FROM messages WHERE folder = ?3`, int64(seen), int64(deleted), folder).
		Scan(&f.Messages, &f.Unseen, &f.Deleted, &f.Disk, &f.Wire, &f.WireDeleted, &f.Unsized)
	return f, err
}
