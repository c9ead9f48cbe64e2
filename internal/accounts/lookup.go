package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"bascule/internal/sqlitex"
)

// lookupQuery is run twice at every login: one row by a unique key.
const lookupQuery = `SELECT
	coalesce(a.protocols, d.protocols), a.protocols IS NOT NULL,
	coalesce(a.exclusive, d.exclusive),
	coalesce(a.quota_bytes, d.quota_bytes),
	coalesce(a.quota_messages, d.quota_messages),
	d.separator, d.inbox_prefix,
	coalesce(a.refusal_text, d.refusal_text),
	a.status, a.status_reason, d.status, d.status_reason,
	coalesce(a.delivery, d.delivery),
	coalesce(a.search_index, d.search_index),
	coalesce(a.shared, d.shared),
	coalesce(a.imap_hide, d.imap_hide),
	coalesce(a.admin, ''),
	a.password_version
	FROM accounts a JOIN domains d ON d.id = a.domain WHERE a.address = ?`

// Lookup is Directory's.
func (db *DB) Lookup(ctx context.Context, a Address) (e Effective, err error) {
	if db.foreign != nil {
		e, err = db.lookupForeign(ctx, a)
	} else {
		e, err = db.lookupHere(ctx, a)
	}
	if err != nil {
		return Effective{}, fmt.Errorf("accounts: look up %s: %w", a, err)
	}
	return e, nil
}

// lookupHere gives what accounts.db has.
func (db *DB) lookupHere(ctx context.Context, a Address) (e Effective, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		e, err = db.effective(q, a)
		return err
	})
	return e, err
}

func (db *DB) effective(q *sqlitex.Q, a Address) (Effective, error) {
	e := Effective{Address: a, Settings: *db.defaults.Load(), ProtocolsFrom: FromServer, Status: Active, Delivery: Accept}
	var (
		own                                                   bool
		protocols, exclusive, separator, prefix, refusal      sql.NullString
		status, reason, domainStatus, domainReason, deliverTo sql.NullString
		searchIndex, shared, hide                             sql.NullString
		bytes, messages                                       sql.NullInt64
	)
	err := q.QueryRow(lookupQuery, string(a)).Scan(&protocols, &own, &exclusive, &bytes, &messages,
		&separator, &prefix, &refusal, &status, &reason, &domainStatus, &domainReason, &deliverTo, &searchIndex, &shared, &hide, &e.Admin, &e.PasswordVersion)
	if errors.Is(err, sql.ErrNoRows) {
		return Effective{}, ErrNotFound
	}
	if err != nil {
		return Effective{}, err
	}
	if protocols.Valid {
		e.Protocols, e.ProtocolsFrom = Protocols(protocols.String), FromDomain
		if own {
			e.ProtocolsFrom = FromAccount
		}
	}
	if exclusive.Valid {
		e.Exclusive = Exclusive(exclusive.String)
	}
	if bytes.Valid {
		e.QuotaBytes = bytes.Int64
	}
	if messages.Valid {
		e.QuotaMessages = messages.Int64
	}
	if separator.Valid {
		e.Separator = separator.String
	}
	if prefix.Valid {
		e.InboxPrefix = prefix.String == "true"
	}
	if searchIndex.Valid {
		e.SearchIndex = SearchIndex(searchIndex.String)
	}
	if refusal.Valid {
		e.RefusalText = refusal.String
	}
	switch {
	case status.String == string(Suspended):
		e.Status, e.StatusReason = Suspended, reason.String
	case domainStatus.String == string(Suspended):
		e.Status, e.StatusReason = Suspended, domainReason.String
	}
	if deliverTo.Valid {
		e.Delivery = Delivery(deliverTo.String)
	}
	e.Shared = shared.String == "true"
	e.IMAPHide = capabilities(hide.String)
	return e, nil
}
