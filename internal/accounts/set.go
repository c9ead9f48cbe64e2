package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"bascule/internal/sqlitex"
)

// Set changes settings of an account or a domain, all of them or none, with an
// audit line for each that really changes; the values are as ParseValue reads
// them, "inherit" removes one. The changes are in the order of Keys. Errors:
// ErrNotFound, ErrNoDomain, ErrBadValue, ErrForeign.
func (db *DB) Set(ctx context.Context, who string, s Scope, values map[Key]string) ([]Change, error) {
	changes, err := parseChanges(s, values)
	if err == nil {
		err = db.settable(ctx, s, slices.Collect(maps.Keys(values))...)
	}
	if err == nil {
		err = db.change(ctx, func(q *sqlitex.Q, _ int64) error { return db.set(q, who, s, changes) })
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: set %s: %w", s, err)
	}
	return changes, nil
}

// SetProtocols is Rules'.
func (db *DB) SetProtocols(ctx context.Context, who string, s Scope, p Protocols) (Change, error) {
	changes, err := db.Set(ctx, who, s, map[Key]string{KeyProtocols: string(p)})
	if err != nil {
		return Change{}, err
	}
	return changes[0], nil
}

// SetQuota is Rules'.
func (db *DB) SetQuota(ctx context.Context, who string, a Address, bytes, messages int64) error {
	_, err := db.Set(ctx, who, AccountScope(a), map[Key]string{
		KeyQuotaBytes: strconv.FormatInt(bytes, 10), KeyQuotaMessages: strconv.FormatInt(messages, 10)})
	return err
}

func parseChanges(s Scope, values map[Key]string) ([]Change, error) {
	changes := make([]Change, 0, len(values))
	for k, v := range values {
		v, err := ParseValue(k, v, s.Address == "")
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{Key: k, New: v})
	}
	order := Keys(s.Address == "")
	slices.SortFunc(changes, func(a, b Change) int { return slices.Index(order, a.Key) - slices.Index(order, b.Key) })
	return changes, nil
}

// set fills in Old of the changes and writes those that differ. It returns
// errUnchanged if none does.
func (db *DB) set(q *sqlitex.Q, who string, s Scope, changes []Change) error {
	table, column, missing := "domains", "name", ErrNoDomain
	if s.Address != "" {
		table, column, missing = "accounts", "address", ErrNotFound
	}
	wrote := false
	for i := range changes {
		c := &changes[i]
		// Key is one of keyTable's, so it can be part of the statement.
		var old sql.NullString
		err := q.QueryRow("SELECT "+string(c.Key)+" FROM "+table+" WHERE "+column+" = ?", s.String()).Scan(&old)
		if errors.Is(err, sql.ErrNoRows) {
			return missing
		}
		if err != nil {
			return err
		}
		c.Old = string(Inherit)
		if old.Valid {
			c.Old = old.String
		}
		if !c.Changed() {
			continue
		}
		value := sql.NullString{String: c.New, Valid: c.New != string(Inherit)}
		if _, err := q.Exec("UPDATE "+table+" SET "+string(c.Key)+" = ? WHERE "+column+" = ?", value, s.String()); err != nil {
			return err
		}
		wrote = true
		if err := db.note(q, AuditEntry{Who: who, Action: "set " + string(c.Key), Subject: s.String(), Old: c.Old, New: c.New}); err != nil {
			return err
		}
	}
	if !wrote {
		return errUnchanged
	}
	return nil
}
