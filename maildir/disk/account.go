package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// AccountDir is the directory of an account: <data>/mail/<domain>/<local>. The Maildir lies in it, see MaildirDir. Different
// addresses never share a directory: bytes that could do harm are written %HH, and a component that would pass 200 bytes is cut
// and ended by a SHA-256 of the whole. The address is taken as it is; making it canonical (case) is the caller's.
func AccountDir(dataDir, address string) string {
	local, domain := address, ""
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		local, domain = address[:at], address[at+1:]
	}
	return filepath.Join(dataDir, "mail", component(domain), component(local))
}

// MaildirDir is the Maildir in an account's directory.
func MaildirDir(accountDir string) string { return filepath.Join(accountDir, "Maildir") }

// component writes a string as one path component. An empty one is "%", which nothing else gives.
func component(s string) string {
	const (
		hexDigits = "0123456789ABCDEF"
		most      = 200
	)
	if s == "" {
		return "%"
	}
	// UTF-8 stays readable; broken UTF-8 is escaped byte by byte.
	readable := utf8.ValidString(s)
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plainByte(c) || c == '.' && i > 0 || c >= 0x80 && readable {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	if b.Len() <= most {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	cut := strings.ToValidUTF8(b.String()[:most-len("%~")-2*len(sum)], "")
	return cut + "%~" + hex.EncodeToString(sum[:])
}

// plainByte says which ASCII bytes stand for themselves in a path component; '.' only when it is not the first.
func plainByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("-_+=@~!#$&'^{}", c) >= 0
}
