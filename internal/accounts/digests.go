package accounts

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// The plain and salted digests of LDAP and Dovecot. They are weak by today's
// measure and here only so that customers can move in; see Options.KeepHashes.
var (
	md5Digest    = md5.New
	sha1Digest   = sha1.New
	sha256Digest = sha256.New
	sha512Digest = sha512.New
)

// matchDigest compares with an unsalted digest in hex or base64.
func matchDigest(h func() hash.Hash) func(stored, password string) (bool, error) {
	return func(stored, password string) (bool, error) {
		want, err := decodeDigest(stored, h().Size())
		if err != nil {
			return false, err
		}
		if len(want) != h().Size() {
			return false, fmt.Errorf("%w: a digest of %d octets", ErrScheme, len(want))
		}
		return subtle.ConstantTimeCompare(sum(h, password, nil), want) == 1, nil
	}
}

// matchSalted compares with a digest that is followed by its salt, in base64.
func matchSalted(h func() hash.Hash) func(stored, password string) (bool, error) {
	return func(stored, password string) (bool, error) {
		size := h().Size()
		b, err := decodeDigest(stored, 0)
		if err != nil {
			return false, err
		}
		if len(b) <= size {
			return false, fmt.Errorf("%w: a salted digest of %d octets", ErrScheme, len(b))
		}
		return subtle.ConstantTimeCompare(sum(h, password, b[size:]), b[:size]) == 1, nil
	}
}

func sum(h func() hash.Hash, password string, salt []byte) []byte {
	d := h()
	d.Write([]byte(password))
	d.Write(salt)
	return d.Sum(nil)
}

// decodeDigest reads hex if the length says so (hexSize octets), else base64,
// with or without its padding.
func decodeDigest(stored string, hexSize int) ([]byte, error) {
	if raw, ok := strings.CutPrefix(stored, rawPrefix); ok {
		return []byte(raw), nil
	}
	if hexSize > 0 && len(stored) == 2*hexSize {
		if b, err := hex.DecodeString(stored); err == nil {
			return b, nil
		}
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(stored, "="))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScheme, err)
	}
	return b, nil
}

// matchMD5 is Dovecot's "MD5": crypt's $1$, or a plain digest.
func matchMD5(stored, password string) (bool, error) {
	if strings.HasPrefix(stored, "$") {
		return matchCrypt(stored, password)
	}
	return matchDigest(md5Digest)(stored, password)
}

// matchPBKDF2 is Dovecot's "$1$salt$rounds$hex" with HMAC-SHA-1, or the form that
// crypt libraries write.
func matchPBKDF2(stored, password string) (bool, error) {
	if !strings.HasPrefix(stored, "$1$") {
		if !strings.HasPrefix(stored, "$") {
			return matchLDAPPBKDF2("pbkdf2")(stored, password)
		}
		return matchCrypt(stored, password)
	}
	parts := strings.Split(stored, "$")
	if len(parts) != 5 {
		return false, fmt.Errorf("%w: not a PBKDF2 hash", ErrScheme)
	}
	rounds, err := strconv.Atoi(parts[3])
	if err != nil || rounds < 1 {
		return false, fmt.Errorf("%w: PBKDF2 with %q rounds", ErrScheme, parts[3])
	}
	want, err := hex.DecodeString(parts[4])
	if err != nil || len(want) == 0 {
		return false, fmt.Errorf("%w: not a PBKDF2 key", ErrScheme)
	}
	got, err := pbkdf2.Key(sha1.New, password, []byte(parts[2]), rounds, len(want))
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrScheme, err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// matchLDAPPBKDF2 is OpenLDAP's "rounds$salt$key", which differs from crypt's form
// only in what stands before it.
func matchLDAPPBKDF2(id string) func(stored, password string) (bool, error) {
	return func(stored, password string) (bool, error) {
		if !strings.HasPrefix(stored, "$") {
			stored = "$" + id + "$" + stored
		}
		return matchCrypt(stored, password)
	}
}
