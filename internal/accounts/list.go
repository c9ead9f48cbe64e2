package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"bascule/internal/sqlitex"
)

// Account is one account as an operator sees it.
type Account struct {
	Effective
	Own     map[Key]string // the settings stored on the account itself
	Created time.Time
	Scheme  string // of the password, "" if there is none
	SCRAM   bool   // SCRAM-SHA-256 can be used
	Source  string // where it comes from, in words
	Logins  []Login
}

// Account gives all there is to know of one account. The last logins are as of
// the last flush. Errors: ErrNotFound.
func (db *DB) Account(ctx context.Context, a Address) (acc Account, err error) {
	if db.foreign != nil {
		// One that was never seen gets its row.
		if _, err := db.Lookup(ctx, a); err != nil && !errors.Is(err, ErrSource) && !errors.Is(err, ErrNotFound) {
			return Account{}, err
		}
	}
	err = db.read.View(ctx, func(q *sqlitex.Q) error {
		if acc.Effective, err = db.effective(q, a); err != nil {
			return err
		}
		var created int64
		var stored storedPassword
		if err := q.QueryRow("SELECT created, password, scram_iterations > 0 FROM accounts WHERE address = ?", string(a)).
			Scan(&created, &stored.hash, &acc.SCRAM); err != nil {
			return err
		}
		acc.Created, acc.Scheme = time.Unix(created, 0).UTC(), stored.scheme()
		if acc.Own, err = own(q, AccountScope(a)); err != nil {
			return err
		}
		acc.Logins, err = scanLogins(q, a)
		return err
	})
	if err == nil {
		err = db.describe(ctx, &acc)
	}
	if err != nil {
		return Account{}, fmt.Errorf("accounts: show %s: %w", a, err)
	}
	return acc, nil
}

func own(q *sqlitex.Q, s Scope) (map[Key]string, error) {
	table, column := "domains", "name"
	if s.Address != "" {
		table, column = "accounts", "address"
	}
	values := map[Key]string{}
	for _, k := range Keys(s.Address == "") {
		var v sql.NullString
		if err := q.QueryRow("SELECT "+string(k)+" FROM "+table+" WHERE "+column+" = ?", s.String()).Scan(&v); err != nil {
			return nil, err
		}
		if v.Valid {
			values[k] = v.String
		}
	}
	return values, nil
}

func scanLogins(q *sqlitex.Q, a Address) ([]Login, error) {
	rows, err := q.Query(`SELECT protocol, at, remote, client FROM logins
		WHERE account = (SELECT id FROM accounts WHERE address = ?) ORDER BY protocol`, string(a))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Login
	for rows.Next() {
		l := Login{Address: a}
		var at int64
		if err := rows.Scan(&l.Protocol, &at, &l.Remote, &l.Client); err != nil {
			return nil, err
		}
		l.At = time.Unix(at, 0).UTC()
		list = append(list, l)
	}
	return list, rows.Err()
}

// AccountQuery chooses a page of accounts, sorted by address.
type AccountQuery struct {
	Domain string  // only of this domain; empty: of all
	After  Address // the last one of the page before; empty: the first page
	Limit  int     // default 1000
}

// Accounts lists accounts without their Own settings and Logins; with a source,
// those that were seen here.
func (db *DB) Accounts(ctx context.Context, aq AccountQuery) ([]Account, error) {
	if aq.Limit <= 0 {
		aq.Limit = 1000
	}
	query := "SELECT address, created, password, scram_iterations > 0 FROM accounts WHERE address > ?"
	args := []any{string(aq.After)}
	if aq.Domain != "" {
		query += " AND domain = (SELECT id FROM domains WHERE name = ?)"
		args = append(args, aq.Domain)
	}
	args = append(args, aq.Limit)
	var list []Account
	err := db.read.View(ctx, func(q *sqlitex.Q) error {
		rows, err := q.Query(query+" ORDER BY address LIMIT ?", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var acc Account
			var address string
			var created int64
			var stored storedPassword
			if err := rows.Scan(&address, &created, &stored.hash, &acc.SCRAM); err != nil {
				return err
			}
			if acc.Effective, err = db.effective(q, Address(address)); err != nil {
				return err
			}
			acc.Created, acc.Scheme = time.Unix(created, 0).UTC(), stored.scheme()
			list = append(list, acc)
		}
		return rows.Err()
	})
	for i := range list {
		if err == nil {
			err = db.describe(ctx, &list[i])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: list: %w", err)
	}
	return list, nil
}

// Domain is one domain as an operator sees it.
type Domain struct {
	Name     string
	Created  time.Time
	Accounts int
	Own      map[Key]string // the settings stored on the domain
}

// Domain gives one domain. Errors: ErrNoDomain.
func (db *DB) Domain(ctx context.Context, name string) (d Domain, err error) {
	err = db.read.View(ctx, func(q *sqlitex.Q) error {
		d, err = scanDomain(q, name)
		return err
	})
	if err != nil {
		return Domain{}, fmt.Errorf("accounts: show domain %s: %w", name, err)
	}
	return d, nil
}

func scanDomain(q *sqlitex.Q, name string) (Domain, error) {
	d := Domain{Name: name}
	var created int64
	err := q.QueryRow("SELECT created, (SELECT count(*) FROM accounts WHERE domain = domains.id) FROM domains WHERE name = ?", name).
		Scan(&created, &d.Accounts)
	if errors.Is(err, sql.ErrNoRows) {
		return Domain{}, ErrNoDomain
	}
	if err != nil {
		return Domain{}, err
	}
	d.Created = time.Unix(created, 0).UTC()
	d.Own, err = own(q, DomainScope(name))
	return d, err
}

// Domains lists all domains by name.
func (db *DB) Domains(ctx context.Context) ([]Domain, error) {
	var list []Domain
	err := db.read.View(ctx, func(q *sqlitex.Q) error {
		rows, err := q.Query("SELECT name FROM domains ORDER BY name")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			d, err := scanDomain(q, name)
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: list domains: %w", err)
	}
	return list, nil
}
