// Package postgres takes accounts from a PostgreSQL database by a query that the
// operator writes, so that a provider's own tables can stay as they are.
//
// Invariants:
//
//   - What a client calls itself reaches the database as a parameter only, never as
//     part of a statement.
//   - The names of the result's columns say what they are: password, and settings as
//     accounts.ReadSetting knows them. Another name is an error, since a misspelt
//     "protocols" would open what should be closed. NULL leaves a setting to Bascule.
//   - At most Options.Connections connections are open, and made only when needed:
//     a database that is down does not keep the server from starting.
//
// Files: postgres.go.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"bascule/internal/accounts"
)

// Options of New.
type Options struct {
	URL         string // postgres://user@host/database?sslmode=verify-full, or key=value pairs
	Password    string // in place of one in URL
	Query       string // with @address, @local and @domain; one row for each account
	Changes     string // query whose one value differs after any change; empty: there is none
	Connections int    // at most (default 4)
	Timeout     time.Duration
}

// Source is the database.
type Source struct {
	opts Options
	pool *pgxpool.Pool
}

var _ accounts.Source = (*Source)(nil)

// New makes a source without connecting. Errors are those of the URL.
func New(o Options) (*Source, error) {
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err) // the library leaves the password out
	}
	if o.Password != "" {
		cfg.ConnConfig.Password = o.Password
	}
	if o.Connections <= 0 {
		o.Connections = 4
	}
	cfg.MaxConns, cfg.MinConns = int32(o.Connections), 0
	cfg.MaxConnIdleTime = 5 * time.Minute
	if o.Timeout > 0 {
		cfg.ConnConfig.ConnectTimeout = o.Timeout
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "bascule"
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return &Source{opts: o, pool: pool}, nil
}

func (s *Source) Name() string { return "PostgreSQL" }

func (s *Source) Close() error {
	s.pool.Close()
	return nil
}

// Find is accounts.Source's.
func (s *Source) Find(ctx context.Context, a accounts.Address) (accounts.Entry, error) {
	// Text, so that any type that a provider has can be read in one way.
	rows, err := s.pool.Query(ctx, s.opts.Query, pgx.QueryResultFormats{pgx.TextFormatCode},
		pgx.NamedArgs{"address": a.String(), "local": a.Local(), "domain": a.Domain()})
	if err != nil {
		return accounts.Entry{}, err
	}
	defer rows.Close()
	var e accounts.Entry
	n := 0
	for rows.Next() {
		if n++; n > 1 {
			return accounts.Entry{}, fmt.Errorf("%w: the query gives several rows for %s", accounts.ErrBadValue, a)
		}
		if e, err = entry(rows); err != nil {
			return accounts.Entry{}, err
		}
	}
	if err := rows.Err(); err != nil {
		return accounts.Entry{}, err
	}
	if n == 0 {
		return accounts.Entry{}, accounts.ErrNotFound
	}
	return e, nil
}

// entry reads one row.
func entry(rows pgx.Rows) (accounts.Entry, error) {
	e := accounts.Entry{Settings: map[accounts.Key]string{}}
	values := rows.RawValues()
	for i, column := range rows.FieldDescriptions() {
		if column.Format != pgtype.TextFormatCode {
			return e, fmt.Errorf("column %s came in binary", column.Name)
		}
		value := string(values[i])
		if column.Name == "password" {
			e.Password = value
			continue
		}
		k, stored, known, err := accounts.ReadSetting(column.Name, value)
		switch {
		case !known:
			return e, fmt.Errorf("the query has a column %q, which is neither password nor a setting", column.Name)
		case values[i] == nil:
		case err != nil:
			return e, err
		default:
			e.Settings[k] = stored
		}
	}
	return e, nil
}

// Changes is accounts.Source's.
func (s *Source) Changes(ctx context.Context) (string, error) {
	if s.opts.Changes == "" {
		return "", nil
	}
	rows, err := s.pool.Query(ctx, s.opts.Changes, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	text := "none"
	for rows.Next() {
		if raw := rows.RawValues(); len(raw) != 1 {
			return "", errors.New("the changes query must give one column")
		} else if raw[0] != nil {
			text = "at " + string(raw[0])
		}
	}
	return text, rows.Err()
}
