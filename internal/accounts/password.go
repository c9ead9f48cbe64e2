package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-crypt/crypt/algorithm/argon2"

	"bascule/internal/sqlitex"
)

// maxPassword bounds what is hashed, in octets. Longer ones are wrong passwords.
const maxPassword = 1024

// Cost is the price of making and checking a password hash.
type Cost struct {
	MemoryKiB       int // of argon2id
	Passes          int // of argon2id
	Lanes           int // of argon2id
	SCRAMIterations int // of PBKDF2-HMAC-SHA-256, done by the client at each login
}

// DefaultCost: for argon2id the minimum that OWASP recommends, about 25 ms of one
// core, because POP3 clients come back every few minutes; for SCRAM more than
// the 4096 that RFC 7677 §4 asks for, and still quick on an old phone, which has
// to do it and not we.
func DefaultCost() Cost {
	return Cost{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1, SCRAMIterations: 15000}
}

func (c Cost) withDefaults() Cost {
	if c == (Cost{}) {
		return DefaultCost()
	}
	return c
}

// Secret is a password to be set: the clear text, or what another server stored.
type Secret struct{ clear, hash string }

// Clear is a password in clear text.
func Clear(password string) *Secret { return &Secret{clear: password} }

// Hashed is a password as another server stored it, with its "{SCHEME}" or, of
// crypt(3), its "$id$". See Schemes.
func Hashed(hash string) *Secret { return &Secret{hash: hash} }

// storedPassword is what the columns of an account get; the zero value is none.
type storedPassword struct {
	hash string
	keys SCRAMKeys
}

func (p storedPassword) scheme() string {
	if p.hash == "" {
		return ""
	}
	scheme, _, _ := splitScheme(p.hash)
	return scheme
}

// prepare does the expensive part of setting a password, outside of transactions.
func (db *DB) prepare(s *Secret) (p storedPassword, err error) {
	switch {
	case s == nil:
		return p, nil
	case s.hash != "":
		if err := checkHash(s.hash); err != nil {
			return p, err
		}
		p.hash = s.hash
		p.keys, err = keysFromHash(s.hash, db.opts.Cost)
		return p, err
	case s.clear == "":
		return p, fmt.Errorf("%w: an empty password", ErrBadValue)
	case len(s.clear) > maxPassword:
		return p, fmt.Errorf("%w: a password of more than %d octets", ErrBadValue, maxPassword)
	}
	if p.hash, err = hashPassword(prepPassword(s.clear), db.opts.Cost); err != nil {
		return p, err
	}
	p.keys, err = deriveKeys(s.clear, db.opts.Cost.SCRAMIterations)
	return p, err
}

// write stores the password. version 0 keeps the version: the same password in
// another form.
func (p storedPassword) write(q *sqlitex.Q, a Address, version int64) error {
	if p.hash == "" {
		version = 0
	}
	res, err := q.Exec(`UPDATE accounts SET password = ?, password_version = ?,
		scram_iterations = ?, scram_salt = ?, scram_stored = ?, scram_server = ? WHERE address = ?`,
		p.hash, version, p.keys.Iterations, p.keys.Salt, p.keys.StoredKey, p.keys.ServerKey, string(a))
	return affectedOne(res, err)
}

const (
	keySize  = 32
	saltSize = 16
)

func newHasher(c Cost) (*argon2.Hasher, error) {
	return argon2.New(argon2.WithVariantID(), argon2.WithM(uint32(c.MemoryKiB)), argon2.WithT(c.Passes),
		argon2.WithP(c.Lanes), argon2.WithK(keySize), argon2.WithS(saltSize))
}

func hashPassword(password string, c Cost) (string, error) {
	h, err := newHasher(c)
	if err != nil {
		return "", err
	}
	d, err := h.Hash(password)
	if err != nil {
		return "", err
	}
	return "{ARGON2ID}" + d.Encode(), nil
}

// decoyHash makes a hash of which nobody knows the password. It is not computed, as every start of the program and every command would pay for
// that; checking a password against it costs what a real one does.
func decoyHash(c Cost) (string, error) {
	if _, err := newHasher(c); err != nil {
		return "", err
	}
	random := make([]byte, saltSize+keySize)
	rand.Read(random)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("{ARGON2ID}$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2Version, c.MemoryKiB, c.Passes, c.Lanes,
		b64(random[:saltSize]), b64(random[saltSize:])), nil
}

// argon2Version is 1.3.
const argon2Version = 19

// Verify is Directory's.
func (db *DB) Verify(ctx context.Context, a Address, password string) (bool, error) {
	if db.foreign != nil {
		ok, err := db.verifyForeign(ctx, a, password)
		if err != nil {
			return false, fmt.Errorf("accounts: verify %s: %w", a, err)
		}
		return ok, nil
	}
	var hash string
	var version int64
	var iterations int
	err := db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow("SELECT password, password_version, scram_iterations FROM accounts WHERE address = ?", string(a)).
			Scan(&hash, &version, &iterations)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("accounts: verify %s: %w", a, err)
	}
	if hash == "" || len(password) > maxPassword {
		// The same work as for an account that exists; the answer is not used.
		checkPassword(db.decoy, password[:min(len(password), maxPassword)])
		return false, nil
	}
	ok, err := checkPassword(hash, password)
	if err != nil {
		return false, fmt.Errorf("accounts: verify %s: %w", a, err)
	}
	if ok && !db.opts.KeepHashes && (iterations == 0 || storedPassword{hash: hash}.scheme() != schemeArgon2ID) {
		db.upgrade(ctx, a, hash, password, version)
	}
	return ok, nil
}

// upgrade replaces a hash that came from another server, as the password is known
// now. That this login was good does not depend on it, so a failure is only told.
func (db *DB) upgrade(ctx context.Context, a Address, hash, password string, version int64) {
	p, err := db.prepare(Clear(password))
	if err == nil {
		err = db.write.Tx(ctx, func(q *sqlitex.Q) error {
			var now string
			if err := q.QueryRow("SELECT password FROM accounts WHERE address = ?", string(a)).Scan(&now); err != nil {
				return err
			}
			if now != hash {
				return nil // a new password was set meanwhile; it must stay
			}
			if err := p.write(q, a, version); err != nil {
				return err
			}
			return db.note(q, AuditEntry{Who: "server", Action: "password.upgrade", Subject: string(a),
				Old: storedPassword{hash: hash}.scheme(), New: p.scheme()})
		})
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		db.opts.Log.Warn("password hash not upgraded", "account", a, "error", err)
	}
}
