package accounts

import (
	"context"
	"fmt"
	"time"

	"bascule/internal/sqlitex"
)

// AuditEntry is one line of the record: who did what, when. Passwords are never
// part of it, only their schemes.
type AuditEntry struct {
	ID      int64
	At      time.Time
	Who     string
	Action  string // "set protocols", "account.add", "password.set", "session.kick", ...
	Subject string // an address or a domain
	Old     string
	New     string
}

// note writes a line as part of a transaction.
func (db *DB) note(q *sqlitex.Q, e AuditEntry) error {
	_, err := q.Exec("INSERT INTO audit (at, who, action, subject, old, new) VALUES (?, ?, ?, ?, ?, ?)",
		db.opts.Now().Unix(), e.Who, e.Action, e.Subject, e.Old, e.New)
	return err
}

// Note records something that was done elsewhere, such as breaking a lock. At and
// ID are filled in by the database.
func (db *DB) Note(ctx context.Context, e AuditEntry) error {
	if err := db.write.Tx(ctx, func(q *sqlitex.Q) error { return db.note(q, e) }); err != nil {
		return fmt.Errorf("accounts: write audit line: %w", err)
	}
	return nil
}

// AuditFilter chooses lines; empty fields choose all.
type AuditFilter struct {
	Subject string    // an address or a domain, exactly
	Since   time.Time // not before
	Before  int64     // only lines with a smaller ID, for the next page
	Limit   int       // default 100
}

// Audit lists lines, the newest first.
func (db *DB) Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	query := "SELECT id, at, who, action, subject, old, new FROM audit WHERE at >= ?"
	since := int64(0)
	if !f.Since.IsZero() {
		since = f.Since.Unix()
	}
	args := []any{since}
	if f.Subject != "" {
		query += " AND subject = ?"
		args = append(args, f.Subject)
	}
	if f.Before > 0 {
		query += " AND id < ?"
		args = append(args, f.Before)
	}
	args = append(args, f.Limit)
	var entries []AuditEntry
	err := db.read.Do(ctx, func(q *sqlitex.Q) error {
		rows, err := q.Query(query+" ORDER BY id DESC LIMIT ?", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e AuditEntry
			var at int64
			if err := rows.Scan(&e.ID, &at, &e.Who, &e.Action, &e.Subject, &e.Old, &e.New); err != nil {
				return err
			}
			e.At = time.Unix(at, 0).UTC()
			entries = append(entries, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: read audit: %w", err)
	}
	return entries, nil
}
