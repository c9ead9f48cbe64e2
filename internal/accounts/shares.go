package accounts

import (
	"context"
	"fmt"

	"bascule/internal/sqlitex"
)

// With whom an account shares mailboxes is decided in the account's own index; here is a list of it, so that a user's mailboxes are found
// without opening everybody's index. It may name too much for a moment, never too little.

// ShareEntry is the audit line of a change of rights: what an identifier has in a mailbox of the owner, before and after.
func ShareEntry(owner, mailbox, identifier, before, after string) AuditEntry {
	return AuditEntry{Action: "acl", Subject: owner, Old: mailbox + " " + identifier + " " + before, New: mailbox + " " + identifier + " " + after}
}

// Anyone in the list stands for every account of the owner's domain.
const Anyone = "anyone"

// Shares is what the front door needs to know about mailboxes that are shared.
type Shares interface {
	// Owners lists who shares some mailbox with the user, by address.
	Owners(ctx context.Context, user Address) ([]Address, error)

	// SharesWith says whether the owner shares some mailbox with the user.
	SharesWith(ctx context.Context, owner, user Address) (bool, error)

	// Note records a change of rights in the audit.
	Note(ctx context.Context, e AuditEntry) error
}

var _ Shares = (*DB)(nil)

const sharesWith = ` (with_whom = ? OR with_whom = '` + Anyone + `' AND domain = ?) AND owner <> ?`

// Owners is Shares'.
func (db *DB) Owners(ctx context.Context, user Address) (owners []Address, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		owners = owners[:0]
		rows, err := q.Query("SELECT DISTINCT owner FROM shares WHERE"+sharesWith+" ORDER BY owner", string(user), user.Domain(), string(user))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var owner string
			if err := rows.Scan(&owner); err != nil {
				return err
			}
			owners = append(owners, Address(owner))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: who shares with %s: %w", user, err)
	}
	return owners, nil
}

// SharesWith is Shares'.
func (db *DB) SharesWith(ctx context.Context, owner, user Address) (does bool, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow("SELECT EXISTS (SELECT 1 FROM shares WHERE owner = ? AND"+sharesWith+")",
			string(owner), string(user), user.Domain(), string(user)).Scan(&does)
	})
	if err != nil {
		return false, fmt.Errorf("accounts: shares of %s: %w", owner, err)
	}
	return does, nil
}

// SharesAny says whether the owner shares some mailbox with anybody.
func (db *DB) SharesAny(ctx context.Context, owner Address) (does bool, err error) {
	err = db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow("SELECT EXISTS (SELECT 1 FROM shares WHERE owner = ?)", string(owner)).Scan(&does)
	})
	if err != nil {
		return false, fmt.Errorf("accounts: shares of %s: %w", owner, err)
	}
	return does, nil
}

// SetShares notes with whom the owner shares: addresses, or Anyone. If exact is false those are added to the ones that are there.
func (db *DB) SetShares(ctx context.Context, owner Address, with []string, exact bool) error {
	err := db.write.Tx(ctx, func(q *sqlitex.Q) error {
		if exact {
			if _, err := q.Exec("DELETE FROM shares WHERE owner = ?", string(owner)); err != nil {
				return err
			}
		}
		for _, w := range with {
			if _, err := q.Exec("INSERT OR IGNORE INTO shares (owner, domain, with_whom) VALUES (?, ?, ?)", string(owner), owner.Domain(), w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("accounts: note shares of %s: %w", owner, err)
	}
	return nil
}
