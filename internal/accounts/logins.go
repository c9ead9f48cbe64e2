package accounts

import (
	"context"
	"fmt"
	"time"

	"bascule/internal/sqlitex"
)

type loginKey struct {
	address  Address
	protocol string
}

// maxPendingLogins bounds the memory if the disk cannot be written for long.
const maxPendingLogins = 1 << 18

// Record is Directory's: a POP3 poll must not cost a sync of the disk, so the
// note stays in memory until the next flush. A crash loses those of the last
// Options.FlushEvery.
func (db *DB) Record(l Login) {
	key := loginKey{l.Address, l.Protocol}
	db.loginMu.Lock()
	defer db.loginMu.Unlock()
	old, known := db.logins[key]
	if !known && len(db.logins) >= maxPendingLogins {
		return
	}
	if l.Client == "" {
		l.Client = old.Client
	}
	db.logins[key] = l
}

func (db *DB) flushLoop() {
	ticker := time.NewTicker(db.opts.FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-db.stop:
			return
		case <-ticker.C:
			if err := db.Flush(context.Background()); err != nil {
				db.opts.Log.Warn("last logins not written, will try again", "error", err)
			}
		}
	}
}

// Flush writes the pending last logins in one transaction.
func (db *DB) Flush(ctx context.Context) error {
	db.loginMu.Lock()
	pending := db.logins
	db.logins = make(map[loginKey]Login)
	db.loginMu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	err := db.write.Tx(ctx, func(q *sqlitex.Q) error {
		for _, l := range pending {
			// Of a deleted account there is no row to refer to, and none is written.
			// Another process may have noted a later one.
			_, err := q.Exec(`INSERT INTO logins (account, protocol, at, remote, client)
				SELECT id, ?, ?, ?, ? FROM accounts WHERE address = ?
				ON CONFLICT (account, protocol) DO UPDATE SET at = excluded.at, remote = excluded.remote,
				client = iif(excluded.client = '', logins.client, excluded.client) WHERE excluded.at >= logins.at`,
				l.Protocol, l.At.Unix(), l.Remote, l.Client, string(l.Address))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	db.loginMu.Lock()
	defer db.loginMu.Unlock()
	for key, l := range pending {
		if _, newer := db.logins[key]; !newer && len(db.logins) < maxPendingLogins {
			db.logins[key] = l
		}
	}
	return fmt.Errorf("accounts: write last logins: %w", err)
}
