package maildir

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxUIDL is RFC 1939 §7's bound on a unique-id, characters.
const maxUIDL = 70

// uidlOfBase makes the UIDL of a message that no former server gave one: the base
// name up to its first "," (what follows are sizes) or ":", if RFC 1939 §7 allows it,
// else a hash of that. The rule must never change: clients would download all again.
func uidlOfBase(base string) string {
	id, _, _ := strings.Cut(base, ",")
	id, _, _ = strings.Cut(id, ":")
	if validUIDL(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// validUIDL: one to 70 characters in the range 0x21 to 0x7E.
func validUIDL(id string) bool {
	if id == "" || len(id) > maxUIDL {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return true
}
