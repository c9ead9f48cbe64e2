package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"bascule/internal/sqlitex"
)

const (
	// maxRemembered bounds the entries kept for when the source is down.
	maxRemembered = 1 << 16
	// sourcePause is how long a source that failed is left alone: what comes in
	// that time is answered at once and does not pile up behind time-outs.
	sourcePause = time.Second
)

// foreign is a DB's source, with what is remembered of it.
type foreign struct {
	source                     Source
	timeout, remember, recheck time.Duration
	now                        func() time.Time
	log                        *slog.Logger

	// mu protects the fields below.
	mu        sync.Mutex
	entries   map[Address]remembered
	downUntil time.Time
	down      bool   // it was told
	token     string // what Changes said last
	sample    string // the last real hash: what a name that does not exist is checked against
}

// remembered is an entry without its password.
type remembered struct {
	entry   Entry
	version int64
	until   time.Time
}

func newForeign(o Options, decoy string) *foreign {
	f := &foreign{source: o.Source, timeout: o.SourceTimeout, remember: o.SourceMemory, recheck: o.SourceRecheck,
		now: o.Now, log: o.Log, entries: map[Address]remembered{}, sample: decoy}
	if f.timeout <= 0 {
		f.timeout = defaultSourceTimeout
	}
	if f.recheck <= 0 {
		f.recheck = defaultSourceRecheck
	}
	return f
}

// ask calls the source, in bounded time, and not at all right after it failed.
func (f *foreign) ask(ctx context.Context, fn func(context.Context) error) error {
	f.mu.Lock()
	resting := f.now().Before(f.downUntil)
	f.mu.Unlock()
	if resting {
		return fmt.Errorf("%w: %s failed a moment ago", ErrSource, f.source.Name())
	}
	bounded, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	err := fn(bounded)
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrBadValue), errors.Is(err, ErrScheme):
		f.answered()
		return err
	case ctx.Err() != nil:
		return ctx.Err() // whoever asked is gone; that says nothing about the source
	}
	f.failed(err)
	return fmt.Errorf("%w: %s: %w", ErrSource, f.source.Name(), err)
}

func (f *foreign) answered() {
	f.mu.Lock()
	was := f.down
	f.down, f.downUntil = false, time.Time{}
	f.mu.Unlock()
	if was {
		f.log.Info("the source of accounts answers again", "source", f.source.Name())
	}
}

func (f *foreign) failed(err error) {
	f.mu.Lock()
	was := f.down
	f.down, f.downUntil = true, f.now().Add(sourcePause)
	f.mu.Unlock()
	if !was {
		f.log.Error("the source of accounts does not answer: nobody new can log in, deliveries and sessions go on with what is remembered",
			"source", f.source.Name(), "for", f.remember.String(), "err", err)
	}
}

// find asks for an entry and remembers the answer.
func (db *DB) find(ctx context.Context, a Address) (e Entry, version int64, err error) {
	f := db.foreign
	err = f.ask(ctx, func(ctx context.Context) error {
		e, err = f.source.Find(ctx, a)
		return err
	})
	if err == nil {
		version = db.entryVersion(e)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, ErrNotFound):
		delete(f.entries, a)
	case err == nil && f.remember > 0:
		if _, ok := f.entries[a]; !ok && len(f.entries) >= maxRemembered {
			for other := range f.entries { // any: a map's order is arbitrary
				delete(f.entries, other)
				break
			}
		}
		kept := e
		kept.Password = ""
		f.entries[a] = remembered{kept, version, f.now().Add(f.remember)}
	}
	return e, version, err
}

// findOrRemember is find that falls back to what is remembered while the source is
// down: mail must go on, and nobody is put out because a database restarts.
func (db *DB) findOrRemember(ctx context.Context, a Address) (Entry, int64, error) {
	e, version, err := db.find(ctx, a)
	if !errors.Is(err, ErrSource) {
		return e, version, err
	}
	db.foreign.mu.Lock()
	defer db.foreign.mu.Unlock()
	if r, ok := db.foreign.entries[a]; ok && db.foreign.now().Before(r.until) {
		return r.entry, r.version, nil
	}
	return Entry{}, 0, err
}

// entryVersion makes a PasswordVersion of what changes with the password. It is
// the same in all processes and does not give the hash away.
func (db *DB) entryVersion(e Entry) int64 {
	if e.Password == "" && e.Version == "" {
		return 0
	}
	sum := mac(sha256.New, db.secret, "password version\x00"+e.Password+"\x00"+e.Version)
	return int64(binary.BigEndian.Uint64(sum)>>1 | 1)
}

// lookupForeign is Lookup with a source. The work is about the same whether the
// account exists or not.
func (db *DB) lookupForeign(ctx context.Context, a Address) (Effective, error) {
	here, missing := db.lookupHere(ctx, a)
	if missing != nil && !errors.Is(missing, ErrNotFound) {
		return Effective{}, missing
	}
	entry, version, err := db.findOrRemember(ctx, a)
	if err != nil {
		return Effective{}, err
	}
	if missing != nil {
		if err := db.adopt(ctx, a); err != nil {
			return Effective{}, err
		}
		if here, err = db.lookupHere(ctx, a); err != nil {
			return Effective{}, err
		}
	}
	entry.apply(&here)
	here.PasswordVersion = version
	return here, nil
}

// adopt gives an account of the source its row here, and its domain one. It is no
// change of a rule: nobody can have a session yet.
func (db *DB) adopt(ctx context.Context, a Address) error {
	return db.write.Tx(ctx, func(q *sqlitex.Q) error {
		if err := db.addRow(q, "server", a); err != nil {
			if errors.Is(err, ErrExists) {
				return nil // another process was quicker
			}
			return err
		}
		return db.note(q, AuditEntry{Who: "server", Action: "account.adopt", Subject: string(a), New: db.foreign.source.Name()})
	})
}

// verifyForeign is Verify with a source. The source is always asked: what is
// remembered lets nobody in.
func (db *DB) verifyForeign(ctx context.Context, a Address, password string) (bool, error) {
	f := db.foreign
	entry, _, err := db.find(ctx, a)
	exists := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if password == "" {
		// An LDAP bind with an empty password is no login but succeeds
		// (RFC 4513 §5.1.2), so it must never get that far.
		return false, nil
	}
	possible := len(password) <= maxPassword
	if checker, ok := f.source.(Checker); ok {
		var right bool
		err := f.ask(ctx, func(ctx context.Context) (err error) {
			right, err = checker.Check(ctx, entry, password[:min(len(password), maxPassword)])
			return err
		})
		return right && exists && possible, err
	}
	if !exists || !possible || entry.Password == "" {
		f.mu.Lock()
		sample := f.sample
		f.mu.Unlock()
		checkPassword(sample, password[:min(len(password), maxPassword)])
		return false, nil
	}
	ok, err := checkPassword(entry.Password, password)
	if err == nil {
		f.mu.Lock()
		f.sample = entry.Password
		f.mu.Unlock()
	}
	return ok, err
}

// scramForeign is SCRAM with a source: real keys only where the source has them.
func (db *DB) scramForeign(ctx context.Context, a Address) (SCRAMKeys, error) {
	entry, version, err := db.find(ctx, a)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return SCRAMKeys{}, err
	}
	if scheme, _, rest := splitScheme(entry.Password); err == nil && scheme == schemeSCRAM256 {
		k, err := parseSCRAM(rest)
		k.Real, k.PasswordVersion = true, version
		return k, err
	}
	return db.falseKeys(a), nil
}

// changesForeign joins our own counter with the source's. While the source is down
// it stands still, so that the schedule here goes on.
func (db *DB) changesForeign(ctx context.Context, n int64) int64 {
	f := db.foreign
	var token string
	err := f.ask(ctx, func(ctx context.Context) (err error) {
		token, err = f.source.Changes(ctx)
		return err
	})
	if err == nil && token == "" {
		token = f.now().Truncate(f.recheck).Format(time.RFC3339Nano)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.token = token
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d\x00%s", n, f.token)
	return int64(h.Sum64())
}

// Local is nil if accounts are made and given passwords here. Errors: ErrForeign.
func (db *DB) Local() error {
	if db.foreign == nil {
		return nil
	}
	return fmt.Errorf("%w: accounts and their passwords are kept in %s (accounts.source); add and change them there", ErrForeign, db.foreign.source.Name())
}

// settable says whether these settings of an account are decided here, and gives
// an account that was never seen its row, so that they can be.
func (db *DB) settable(ctx context.Context, s Scope, keys ...Key) error {
	if db.foreign == nil || s.Address == "" {
		return nil
	}
	entry, _, err := db.find(ctx, s.Address)
	switch {
	case errors.Is(err, ErrSource):
		return nil // a setting of a known account can be stored all the same; where the source owns it, it will not hold
	case err != nil:
		return err
	}
	for _, k := range keys {
		if entry.owns(k) {
			return fmt.Errorf("%w: %s of %s comes from %s (accounts.source); change it there, it acts on open sessions by itself", ErrForeign, k, s, db.foreign.source.Name())
		}
	}
	return db.adopt(ctx, s.Address)
}

// Removable says whether DeleteAccount would: with a source, only if it no longer has
// the account. Errors: ErrForeign, ErrSource.
func (db *DB) Removable(ctx context.Context, a Address) error {
	if db.foreign == nil {
		return nil
	}
	_, _, err := db.find(ctx, a)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %s is in %s (accounts.source); remove it there first", ErrForeign, a, db.foreign.source.Name())
}

// describe says where an account comes from and lays the source's settings over it.
func (db *DB) describe(ctx context.Context, acc *Account) error {
	acc.Source = "accounts.db"
	if db.foreign == nil {
		return nil
	}
	acc.Source = db.foreign.source.Name()
	entry, version, err := db.find(ctx, acc.Address)
	switch {
	case errors.Is(err, ErrNotFound):
		acc.Source += ", but it is gone there"
		return nil
	case errors.Is(err, ErrSource):
		acc.Source += ", which does not answer"
		return nil
	case errors.Is(err, ErrBadValue):
		// One bad entry must not hide all others from a list.
		acc.Source += ", where its entry cannot be used: " + err.Error()
		return nil
	case err != nil:
		return err
	}
	entry.apply(&acc.Effective)
	acc.PasswordVersion = version
	acc.Scheme = storedPassword{hash: entry.Password}.scheme()
	acc.SCRAM = acc.Scheme == schemeSCRAM256
	if _, ok := db.foreign.source.(Checker); ok {
		acc.Scheme = "checked by " + db.foreign.source.Name()
	}
	return nil
}
