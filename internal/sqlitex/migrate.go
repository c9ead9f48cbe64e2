package sqlitex

import (
	"context"
	"fmt"
)

// Migrate brings the schema to len(steps): step i (one or several statements)
// leads from user_version i to i+1, each in a transaction of its own. Steps are
// never edited or removed, only appended, and only add (tables, columns with a
// default, indexes). A database of a newer version is left as it is: this older
// program goes on using the parts it knows.
//
// Several processes may call it at once; each step is done by one of them.
func (db *DB) Migrate(ctx context.Context, steps []string) error {
	for {
		have, err := db.version(ctx)
		if err != nil {
			return fmt.Errorf("sqlitex: migrate %s: %w", db.path, err)
		}
		if have >= len(steps) {
			return nil
		}
		if err := db.Tx(ctx, func(q *Q) error { return migrateOne(q, steps) }); err != nil {
			return fmt.Errorf("sqlitex: migrate %s to version %d: %w", db.path, have+1, err)
		}
	}
}

func migrateOne(q *Q, steps []string) error {
	// Read again: while we waited for the lock another process may have done it.
	var have int
	if err := q.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have >= len(steps) {
		return nil
	}
	if _, err := q.Exec(steps[have]); err != nil {
		return err
	}
	_, err := q.Exec(fmt.Sprintf("PRAGMA user_version=%d", have+1))
	return err
}

func (db *DB) version(ctx context.Context) (v int, err error) {
	err = db.Do(ctx, func(q *Q) error { return q.QueryRow("PRAGMA user_version").Scan(&v) })
	return v, err
}
