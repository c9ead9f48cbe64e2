package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bascule/internal/sqlitex"
)

// Switch is a scheduled change of the protocol setting.
type Switch struct {
	ID      int64
	Due     time.Time
	Scope   Scope
	Value   Protocols
	Who     string
	Created time.Time
	Done    time.Time // zero: it is to come
	Result  string    // of a done one: "both → imap", or why it could not be done
	Change  Change    // filled in by CarryOut
}

// Schedule stores a switch for later. The time may be in the past; then the next
// CarryOut does it. Errors: ErrNotFound, ErrNoDomain, ErrBadValue, ErrForeign.
func (db *DB) Schedule(ctx context.Context, who string, s Scope, p Protocols, due time.Time) (id int64, err error) {
	if _, err := ParseProtocols(string(p)); err != nil {
		return 0, fmt.Errorf("accounts: schedule switch of %s: %w", s, err)
	}
	if err := db.settable(ctx, s, KeyProtocols); err != nil {
		return 0, fmt.Errorf("accounts: schedule switch of %s: %w", s, err)
	}
	err = db.write.Tx(ctx, func(q *sqlitex.Q) error {
		if err := exists(q, s); err != nil {
			return err
		}
		res, err := q.Exec("INSERT INTO schedule (due, scope, value, who, created) VALUES (?, ?, ?, ?, ?)",
			due.Unix(), s.String(), string(p), who, db.opts.Now().Unix())
		if err != nil {
			return err
		}
		if id, err = res.LastInsertId(); err != nil {
			return err
		}
		return db.note(q, AuditEntry{Who: who, Action: "schedule.add", Subject: s.String(),
			New: fmt.Sprintf("%s at %s", p, due.UTC().Format(time.RFC3339))})
	})
	if err != nil {
		return 0, fmt.Errorf("accounts: schedule switch of %s: %w", s, err)
	}
	return id, nil
}

func exists(q *sqlitex.Q, s Scope) error {
	query, missing := "SELECT count(*) FROM domains WHERE name = ?", ErrNoDomain
	if s.Address != "" {
		query, missing = "SELECT count(*) FROM accounts WHERE address = ?", ErrNotFound
	}
	var n int
	if err := q.QueryRow(query, s.String()).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return missing
	}
	return nil
}

// Unschedule takes a switch back that was not carried out yet. Errors: ErrNotFound.
func (db *DB) Unschedule(ctx context.Context, who string, id int64) error {
	err := db.write.Tx(ctx, func(q *sqlitex.Q) error {
		list, err := scanSwitches(q, "WHERE done IS NULL AND id = ?", id)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound
		}
		if _, err := q.Exec("DELETE FROM schedule WHERE id = ?", id); err != nil {
			return err
		}
		return db.note(q, AuditEntry{Who: who, Action: "schedule.cancel", Subject: list[0].Scope.String(),
			Old: fmt.Sprintf("%s at %s", list[0].Value, list[0].Due.Format(time.RFC3339))})
	})
	if err != nil {
		return fmt.Errorf("accounts: cancel switch %d: %w", id, err)
	}
	return nil
}

// Scheduled lists the switches to come, or all of them, in order of time.
func (db *DB) Scheduled(ctx context.Context, all bool) (list []Switch, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		list, err = scanSwitches(q, "WHERE done IS NULL OR ? ORDER BY due, id", all)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: list switches: %w", err)
	}
	return list, nil
}

// CarryOut is Rules'. The rule, its audit line and the mark that it is done are
// one transaction, so nothing is done twice or half, in whichever process and
// whatever crashes. The transaction is only begun if something is due.
func (db *DB) CarryOut(ctx context.Context, now time.Time) ([]Switch, error) {
	var waiting bool
	err := db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow("SELECT EXISTS (SELECT 1 FROM schedule WHERE done IS NULL AND due <= ?)", now.Unix()).Scan(&waiting)
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: carry out switches: %w", err)
	}
	if !waiting {
		return nil, nil
	}
	var list []Switch
	err = db.change(ctx, func(q *sqlitex.Q, _ int64) error {
		// Another process may have been quicker.
		if list, err = scanSwitches(q, "WHERE done IS NULL AND due <= ? ORDER BY due, id", now.Unix()); err != nil {
			return err
		}
		if len(list) == 0 {
			return errUnchanged
		}
		for i := range list {
			if err := db.carryOut(q, &list[i], now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: carry out switches: %w", err)
	}
	return list, nil
}

func (db *DB) carryOut(q *sqlitex.Q, s *Switch, now time.Time) error {
	changes := []Change{{Key: KeyProtocols, New: string(s.Value)}}
	err := db.set(q, s.Who, s.Scope, changes)
	switch {
	case err == nil, errors.Is(err, errUnchanged):
		s.Change = changes[0]
		s.Result = s.Change.Old + " → " + s.Change.New
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNoDomain):
		// It was deleted since. That is no reason to try for ever.
		s.Result = err.Error()
	default:
		return err
	}
	s.Done = now
	_, err = q.Exec("UPDATE schedule SET done = ?, result = ? WHERE id = ?", now.Unix(), s.Result, s.ID)
	return err
}

func scanSwitches(q *sqlitex.Q, where string, args ...any) ([]Switch, error) {
	rows, err := q.Query("SELECT id, due, scope, value, who, created, coalesce(done, 0), result FROM schedule "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Switch
	for rows.Next() {
		var s Switch
		var due, created, done int64
		var scope string
		if err := rows.Scan(&s.ID, &due, &scope, &s.Value, &s.Who, &created, &done, &s.Result); err != nil {
			return nil, err
		}
		if s.Scope, err = ParseScope(scope); err != nil {
			return nil, err
		}
		s.Due, s.Created = time.Unix(due, 0).UTC(), time.Unix(created, 0).UTC()
		if done != 0 {
			s.Done = time.Unix(done, 0).UTC()
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
