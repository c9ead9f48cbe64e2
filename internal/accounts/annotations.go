package accounts

import (
	"context"
	"errors"
	"fmt"

	"bascule/internal/sqlitex"
)

// Annotation is a shared annotation of the whole server (RFC 5464 §3.2.1.1). A nil Value is none: it was removed, or is to go.
type Annotation struct {
	Name    string
	Value   []byte
	Changed int64 // number of its last change, ascending
}

// maxAnnotations bounds how many there are; as many names of removed ones are remembered.
const maxAnnotations = 100

// ErrTooManyAnnotations: the server has as many annotations as it may have.
var ErrTooManyAnnotations = errors.New("too many annotations of the server")

// Annotations is what the front door needs to know of the server's annotations.
type Annotations interface {
	// Annotations lists those that changed after a change, by name; those that were removed come without a value.
	Annotations(ctx context.Context, since int64) ([]Annotation, error)

	// Annotate sets or removes some, all or none, with an audit line for each that really changes. It returns the number of the
	// change, 0 if all was so already. Errors: ErrTooManyAnnotations.
	Annotate(ctx context.Context, who string, set []Annotation) (int64, error)
}

var _ Annotations = (*DB)(nil)

// Annotations is Annotations'.
func (db *DB) Annotations(ctx context.Context, since int64) (list []Annotation, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		list = nil
		rows, err := q.Query("SELECT name, value, changed FROM annotations WHERE changed > ? ORDER BY name", since)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Annotation
			if err := rows.Scan(&a.Name, &a.Value, &a.Changed); err != nil {
				return err
			}
			list = append(list, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: read annotations: %w", err)
	}
	return list, nil
}

// Annotate is Annotations'.
func (db *DB) Annotate(ctx context.Context, who string, set []Annotation) (change int64, err error) {
	err = db.write.Tx(ctx, func(q *sqlitex.Q) error {
		var next int64
		if err := q.QueryRow("SELECT coalesce(max(changed), 0) + 1 FROM annotations").Scan(&next); err != nil {
			return err
		}
		change = 0
		for _, a := range set {
			did, err := db.annotate(q, who, a, next)
			if err != nil {
				return err
			}
			if did {
				change = next
			}
		}
		var n int
		if err := q.QueryRow("SELECT count(*) FROM annotations WHERE value IS NOT NULL").Scan(&n); err != nil {
			return err
		}
		if n > maxAnnotations {
			return ErrTooManyAnnotations
		}
		_, err := q.Exec("DELETE FROM annotations WHERE name IN (SELECT name FROM annotations WHERE value IS NULL ORDER BY changed DESC LIMIT -1 OFFSET ?)", maxAnnotations)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("accounts: annotate: %w", err)
	}
	return change, nil
}

func (db *DB) annotate(q *sqlitex.Q, who string, a Annotation, change int64) (bool, error) {
	query, args := `INSERT INTO annotations (name, value, changed) VALUES (?, ?, ?) ON CONFLICT (name)
		DO UPDATE SET value = excluded.value, changed = excluded.changed WHERE value IS NOT excluded.value`, []any{a.Name, a.Value, change}
	action := "set"
	if a.Value == nil {
		query, args = "UPDATE annotations SET value = NULL, changed = ? WHERE name = ? AND value IS NOT NULL", []any{change, a.Name}
		action = "removed"
	}
	res, err := q.Exec(query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	return true, db.note(q, AuditEntry{Who: who, Action: "annotation", Subject: "server", New: fmt.Sprintf("%s %s, %d octets", a.Name, action, len(a.Value))})
}
