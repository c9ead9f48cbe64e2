package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/xdg-go/stringprep"

	"bascule/internal/sqlitex"
)

// SCRAMKeys is what a server stores for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).
type SCRAMKeys struct {
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte

	Real            bool  // unset: made up, and no proof can be right
	PasswordVersion int64 // as in Effective
}

// prepPassword is SASLprep, or the password itself where that is not defined
// (emoji, for instance), which is also what clients do then.
func prepPassword(password string) string {
	prepped, err := stringprep.SASLprep.Prepare(password)
	if err != nil {
		return password
	}
	return prepped
}

func deriveKeys(password string, iterations int) (SCRAMKeys, error) {
	k := SCRAMKeys{Salt: make([]byte, 16), Iterations: iterations}
	rand.Read(k.Salt)
	var err error
	k.StoredKey, k.ServerKey, err = scramKeys(sha256.New, prepPassword(password), k.Salt, iterations)
	return k, err
}

// scramKeys computes StoredKey and ServerKey, RFC 5802 §3.
func scramKeys(h func() hash.Hash, password string, salt []byte, iterations int) (stored, server []byte, err error) {
	salted, err := pbkdf2.Key(h, password, salt, iterations, h().Size())
	if err != nil {
		return nil, nil, err
	}
	d := h()
	d.Write(mac(h, salted, "Client Key"))
	return d.Sum(nil), mac(h, salted, "Server Key"), nil
}

func mac(h func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// parseSCRAM reads Dovecot's "iterations,salt,StoredKey,ServerKey".
func parseSCRAM(rest string) (k SCRAMKeys, err error) {
	parts := strings.Split(rest, ",")
	if len(parts) != 4 {
		return k, fmt.Errorf("%w: not SCRAM keys", ErrScheme)
	}
	if k.Iterations, err = strconv.Atoi(parts[0]); err != nil || k.Iterations < 1 {
		return k, fmt.Errorf("%w: SCRAM with %q iterations", ErrScheme, parts[0])
	}
	for i, dst := range []*[]byte{&k.Salt, &k.StoredKey, &k.ServerKey} {
		if *dst, err = base64.StdEncoding.DecodeString(parts[i+1]); err != nil || len(*dst) == 0 {
			return k, fmt.Errorf("%w: not SCRAM keys", ErrScheme)
		}
	}
	return k, nil
}

func matchSCRAM(h func() hash.Hash) func(stored, password string) (bool, error) {
	return func(stored, password string) (bool, error) {
		k, err := parseSCRAM(stored)
		if err != nil {
			return false, err
		}
		key, _, err := scramKeys(h, password, k.Salt, k.Iterations)
		return err == nil && subtle.ConstantTimeCompare(key, k.StoredKey) == 1, err
	}
}

// keysFromHash gives the SCRAM keys that another server's hash allows to know:
// its own SCRAM-SHA-256 keys, or those of a password in clear text.
func keysFromHash(hash string, c Cost) (SCRAMKeys, error) {
	scheme, encoding, rest := splitScheme(hash)
	switch scheme {
	case schemeSCRAM256:
		return parseSCRAM(rest)
	case "PLAIN", "CLEARTEXT", "CLEAR":
		rest, err := decodeHash(encoding, rest)
		if err != nil {
			return SCRAMKeys{}, err
		}
		return deriveKeys(strings.TrimPrefix(rest, rawPrefix), c.SCRAMIterations)
	}
	return SCRAMKeys{}, nil
}

// SCRAM is Directory's.
func (db *DB) SCRAM(ctx context.Context, a Address) (SCRAMKeys, error) {
	if db.foreign != nil {
		k, err := db.scramForeign(ctx, a)
		if err != nil {
			return SCRAMKeys{}, fmt.Errorf("accounts: SCRAM keys of %s: %w", a, err)
		}
		return k, nil
	}
	var k SCRAMKeys
	err := db.read.Do(ctx, func(q *sqlitex.Q) error {
		return q.QueryRow(`SELECT scram_iterations, scram_salt, scram_stored, scram_server, password_version
			FROM accounts WHERE address = ?`, string(a)).Scan(&k.Iterations, &k.Salt, &k.StoredKey, &k.ServerKey, &k.PasswordVersion)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return SCRAMKeys{}, fmt.Errorf("accounts: SCRAM keys of %s: %w", a, err)
	}
	if k.Iterations > 0 {
		k.Real = true
		return k, nil
	}
	return db.falseKeys(a), nil
}

// falseKeys depend on the address and our secret alone, so a stranger cannot tell
// by asking twice, or by asking another process, that there is no such account.
func (db *DB) falseKeys(a Address) SCRAMKeys {
	return SCRAMKeys{
		Salt:       mac(sha256.New, db.secret, "scram salt\x00"+string(a))[:16],
		Iterations: db.opts.Cost.SCRAMIterations,
		StoredKey:  mac(sha256.New, db.secret, "scram stored\x00"+string(a)),
		ServerKey:  mac(sha256.New, db.secret, "scram server\x00"+string(a)),
	}
}
