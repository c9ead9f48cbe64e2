package accounts

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/sha1crypt"
)

const (
	schemeArgon2ID = "ARGON2ID"
	schemeSCRAM256 = "SCRAM-SHA-256"
)

// schemeTable has the password schemes of Dovecot and OpenLDAP that can be
// checked, by the name in braces. Not among them are the traditional DES crypt,
// and the ones that need a cooperating protocol (CRAM-MD5, OTP, NTLM).
var schemeTable = map[string]func(stored, password string) (bool, error){
	schemeArgon2ID: matchCrypt, "ARGON2I": matchCrypt, "ARGON2": matchCrypt,
	"CRYPT": matchCrypt, "BLF-CRYPT": matchCrypt, "BCRYPT": matchCrypt,
	"SHA256-CRYPT": matchCrypt, "SHA512-CRYPT": matchCrypt, "MD5-CRYPT": matchCrypt, "SCRYPT": matchCrypt,
	"MD5":    matchMD5,
	"PBKDF2": matchPBKDF2, "PBKDF2-SHA1": matchLDAPPBKDF2("pbkdf2"),
	"PBKDF2-SHA256": matchLDAPPBKDF2("pbkdf2-sha256"), "PBKDF2-SHA512": matchLDAPPBKDF2("pbkdf2-sha512"),
	"PLAIN": matchPlain, "CLEARTEXT": matchPlain, "CLEAR": matchPlain,
	"PLAIN-MD5": matchDigest(md5Digest), "LDAP-MD5": matchDigest(md5Digest), "SMD5": matchSalted(md5Digest),
	"SHA": matchDigest(sha1Digest), "SHA1": matchDigest(sha1Digest), "SSHA": matchSalted(sha1Digest),
	"SHA256": matchDigest(sha256Digest), "SSHA256": matchSalted(sha256Digest),
	"SHA512": matchDigest(sha512Digest), "SSHA512": matchSalted(sha512Digest),
	schemeSCRAM256: matchSCRAM(sha256Digest), "SCRAM-SHA-1": matchSCRAM(sha1Digest),
}

// Schemes lists the names that Hashed takes in braces.
func Schemes() []string {
	names := make([]string, 0, len(schemeTable))
	for name := range schemeTable {
		names = append(names, name)
	}
	return names
}

// splitScheme takes "{SCHEME.ENC}rest" apart. Without braces only "$id$..." has a
// scheme, so that a forgotten scheme never makes a hash into a clear password.
func splitScheme(hash string) (scheme, encoding, rest string) {
	if strings.HasPrefix(hash, "$") {
		return "CRYPT", "", hash
	}
	if !strings.HasPrefix(hash, "{") {
		return "", "", hash
	}
	name, rest, ok := strings.Cut(hash[1:], "}")
	if !ok {
		return "", "", hash
	}
	scheme, encoding, _ = strings.Cut(strings.ToUpper(name), ".")
	return scheme, encoding, rest
}

// checkHash says whether checkPassword will be able to use a hash.
func checkHash(hash string) error {
	scheme, _, _ := splitScheme(hash)
	if schemeTable[scheme] == nil {
		return fmt.Errorf("%w: %q", ErrScheme, scheme)
	}
	if len(hash) > 4096 {
		return fmt.Errorf("%w: a hash of more than 4096 octets", ErrScheme)
	}
	_, err := checkPassword(hash, "")
	return err
}

var costs = []struct {
	pattern *regexp.Regexp
	most    int
}{
	{regexp.MustCompile(`\$argon2.*\bm=(\d+)`), 1 << 20}, // KiB
	{regexp.MustCompile(`\$argon2.*\bt=(\d+)`), 64},
	{regexp.MustCompile(`\$argon2.*\bp=(\d+)`), 64},
	{regexp.MustCompile(`^\$[56]\$rounds=(\d+)`), 10_000_000},
	{regexp.MustCompile(`^\$md5,rounds=(\d+)`), 10_000_000},
	{regexp.MustCompile(`^\$sha1\$(\d+)`), 10_000_000},
	{regexp.MustCompile(`^\$2[abxy]?\$(\d+)`), 16},
	{regexp.MustCompile(`^\$bcrypt-sha256\$.*\br=(\d+)`), 16},
	{regexp.MustCompile(`^\$pbkdf2[^$]*\$(\d+)`), 10_000_000},
	{regexp.MustCompile(`^\$1\$[^$]*\$(\d+)\$`), 10_000_000}, // Dovecot's PBKDF2
	{regexp.MustCompile(`^(\d+)[$,]`), 10_000_000},           // OpenLDAP's PBKDF2, SCRAM
	{regexp.MustCompile(`\bln=(\d+)`), 20},
	{regexp.MustCompile(`\$scrypt\$.*\br=(\d+)`), 32},
	{regexp.MustCompile(`\$scrypt\$.*\bp=(\d+)`), 16},
}

// checkCost refuses a hash that would occupy a core for minutes at each login.
func checkCost(rest string) error {
	for _, c := range costs {
		m := c.pattern.FindStringSubmatch(rest)
		if m == nil {
			continue
		}
		if n, err := strconv.Atoi(m[1]); err != nil || n > c.most {
			return fmt.Errorf("%w: its cost %s is more than %d", ErrScheme, m[1], c.most)
		}
	}
	return nil
}

// checkPassword compares a password with a stored hash. It takes as long as the
// hash asks for. A password is tried as SASLprep has it, which is what SCRAM
// clients use, and as it was typed, which is what older servers stored.
func checkPassword(hash, password string) (bool, error) {
	scheme, encoding, rest := splitScheme(hash)
	match := schemeTable[scheme]
	if match == nil {
		return false, fmt.Errorf("%w: %q", ErrScheme, scheme)
	}
	if err := checkCost(rest); err != nil {
		return false, err
	}
	rest, err := decodeHash(encoding, rest)
	if err != nil {
		return false, err
	}
	prepped := prepPassword(password)
	ok, err := match(rest, prepped)
	if err == nil && !ok && prepped != password {
		ok, err = match(rest, password)
	}
	// Whatever a hash says: nobody gets in with an empty password.
	return ok && password != "", err
}

// decodeHash undoes the encoding in the scheme name: "{SHA256.HEX}".
func decodeHash(encoding, rest string) (string, error) {
	var b []byte
	var err error
	switch encoding {
	case "":
		return rest, nil
	case "HEX":
		b, err = hex.DecodeString(rest)
	case "B64", "BASE64":
		b, err = base64.StdEncoding.DecodeString(rest)
	default:
		return "", fmt.Errorf("%w: encoding %q", ErrScheme, encoding)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrScheme, err)
	}
	return rawPrefix + string(b), nil
}

// rawPrefix marks a hash that decodeHash made into bytes. No stored form begins so.
const rawPrefix = "\x00raw:"

func matchPlain(stored, password string) (bool, error) {
	stored = strings.TrimPrefix(stored, rawPrefix)
	if stored == "" {
		return false, fmt.Errorf("%w: an empty password", ErrScheme)
	}
	return subtle.ConstantTimeCompare([]byte(stored), []byte(password)) == 1, nil
}

var decoder = sync.OnceValues(func() (*crypt.Decoder, error) {
	d, err := crypt.NewDefaultDecoder()
	if err == nil {
		err = md5crypt.RegisterDecoder(d)
	}
	if err == nil {
		err = sha1crypt.RegisterDecoder(d)
	}
	return d, err
})

// matchCrypt handles everything that looks like "$id$...".
func matchCrypt(stored, password string) (bool, error) {
	stored = strings.TrimPrefix(stored, rawPrefix)
	if !strings.HasPrefix(stored, "$") {
		return false, fmt.Errorf("%w: traditional crypt, or not a hash", ErrScheme)
	}
	d, err := decoder()
	if err != nil {
		return false, err
	}
	digest, err := d.Decode(stored)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrScheme, err)
	}
	ok, err := digest.MatchAdvanced(password)
	if err != nil && password == "" {
		return false, nil // some schemes refuse to hash nothing
	}
	return ok, err
}
