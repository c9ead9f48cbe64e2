package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"bascule/internal/sqlitex"
)

// AddDomain makes a domain; the name must be normalised. Errors: ErrExists.
func (db *DB) AddDomain(ctx context.Context, who, name string) error {
	err := db.change(ctx, func(q *sqlitex.Q, _ int64) error {
		_, err := db.addDomain(q, who, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("accounts: add domain %s: %w", name, err)
	}
	return nil
}

func (db *DB) addDomain(q *sqlitex.Q, who, name string) (int64, error) {
	res, err := q.Exec("INSERT INTO domains (name, created) VALUES (?, ?)", name, db.opts.Now().Unix())
	if sqlitex.IsUnique(err) {
		return 0, ErrExists
	}
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return 0, err
	}
	return id, db.note(q, AuditEntry{Who: who, Action: "domain.add", Subject: name})
}

// DeleteDomain removes a domain. Errors: ErrNoDomain, ErrNotEmpty.
func (db *DB) DeleteDomain(ctx context.Context, who, name string) error {
	err := db.change(ctx, func(q *sqlitex.Q, _ int64) error {
		var id, n int64
		err := q.QueryRow("SELECT id, (SELECT count(*) FROM accounts WHERE domain = domains.id) FROM domains WHERE name = ?", name).Scan(&id, &n)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNoDomain
		case err != nil:
			return err
		case n > 0:
			return fmt.Errorf("%w (%d)", ErrNotEmpty, n)
		}
		if _, err := q.Exec("DELETE FROM domains WHERE id = ?", id); err != nil {
			return err
		}
		return db.note(q, AuditEntry{Who: who, Action: "domain.delete", Subject: name})
	})
	if err != nil {
		return fmt.Errorf("accounts: delete domain %s: %w", name, err)
	}
	return nil
}

// AddAccount makes an account, and its domain if that is new. Secret is nil for
// an account nobody can log in to yet. Errors: ErrExists, ErrScheme, ErrForeign.
func (db *DB) AddAccount(ctx context.Context, who string, a Address, secret *Secret) error {
	stored, err := db.prepare(secret)
	if foreign := db.Local(); foreign != nil {
		err = foreign
	}
	if err != nil {
		return fmt.Errorf("accounts: add %s: %w", a, err)
	}
	err = db.change(ctx, func(q *sqlitex.Q, n int64) error {
		if err := db.addRow(q, who, a); err != nil {
			return err
		}
		if stored.hash != "" {
			if err := stored.write(q, a, n); err != nil {
				return err
			}
		}
		return db.note(q, AuditEntry{Who: who, Action: "account.add", Subject: string(a), New: stored.scheme()})
	})
	if err != nil {
		return fmt.Errorf("accounts: add %s: %w", a, err)
	}
	return nil
}

// addRow inserts an account without a password, and its domain if that is new.
func (db *DB) addRow(q *sqlitex.Q, who string, a Address) error {
	var domain int64
	err := q.QueryRow("SELECT id FROM domains WHERE name = ?", a.Domain()).Scan(&domain)
	if errors.Is(err, sql.ErrNoRows) {
		domain, err = db.addDomain(q, who, a.Domain())
	}
	if err != nil {
		return err
	}
	_, err = q.Exec("INSERT INTO accounts (address, domain, created) VALUES (?, ?, ?)", string(a), domain, db.opts.Now().Unix())
	if sqlitex.IsUnique(err) {
		return ErrExists
	}
	return err
}

// DeleteAccount removes the account from the directory; its mail stays where it
// is, and scheduled switches for it will find nothing to do. Errors: ErrNotFound,
// ErrForeign.
func (db *DB) DeleteAccount(ctx context.Context, who string, a Address) error {
	if err := db.Removable(ctx, a); err != nil {
		return fmt.Errorf("accounts: delete %s: %w", a, err)
	}
	err := db.change(ctx, func(q *sqlitex.Q, _ int64) error {
		res, err := q.Exec("DELETE FROM accounts WHERE address = ?", string(a))
		if err := affectedOne(res, err); err != nil {
			return err
		}
		if _, err := q.Exec("DELETE FROM shares WHERE owner = ?1 OR with_whom = ?1", string(a)); err != nil {
			return err
		}
		return db.note(q, AuditEntry{Who: who, Action: "account.delete", Subject: string(a)})
	})
	if err != nil {
		return fmt.Errorf("accounts: delete %s: %w", a, err)
	}
	return nil
}

// SetPassword gives the account a new password, or another server's hash of one.
// A nil secret takes the password away. Open sessions go on. Errors: ErrNotFound,
// ErrScheme, ErrForeign.
func (db *DB) SetPassword(ctx context.Context, who string, a Address, secret *Secret) error {
	stored, err := db.prepare(secret)
	if foreign := db.Local(); foreign != nil {
		err = foreign
	}
	if err != nil {
		return fmt.Errorf("accounts: set password of %s: %w", a, err)
	}
	err = db.change(ctx, func(q *sqlitex.Q, n int64) error {
		var old storedPassword
		err := q.QueryRow("SELECT password FROM accounts WHERE address = ?", string(a)).Scan(&old.hash)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := stored.write(q, a, n); err != nil {
			return err
		}
		return db.note(q, AuditEntry{Who: who, Action: "password.set", Subject: string(a), Old: old.scheme(), New: stored.scheme()})
	})
	if err != nil {
		return fmt.Errorf("accounts: set password of %s: %w", a, err)
	}
	return nil
}

func affectedOne(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}
