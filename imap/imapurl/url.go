// Package imapurl reads IMAP URLs (RFC 5092) as CATENATE and URLAUTH use them: URLs of a message or a part of one, absolute or
// relative, and with an authorization (RFC 4467).
//
// Invariants:
//
//   - Parse takes what its grammar says and nothing else: a URL that is understood half might name another message.
//   - Text is decoded once. Names come out in UTF-8, without NUL, CR and LF.
//   - Nothing is resolved here. What a relative URL lacks is empty, for the caller to fill in.
//
// Files: url.go (the parts), parse.go (the grammar), urlauth.go (authorizations).
package imapurl

import "time"

// MaxLen is the length of the longest URL that is read, in bytes.
const MaxLen = 4096

// URL is a URL of a message, or of a part of one.
type URL struct {
	// Absolute says that the URL begins with a server: imap://user@host:port/.
	Absolute   bool
	User, Host string // of the server; Host without port, in lower case
	Port       string

	Mailbox     string // "" if it is relative to the selected mailbox; in UTF-8
	UIDValidity uint32 // 0 if not given
	UID         uint32 // 0 if relative to a message; then nobody here can use it
	Section     string // as in FETCH BODY[…]; "" for the whole message
	Partial     *Partial

	Auth *Auth // nil without URLAUTH
}

// Partial is a range of octets. Count 0 means up to the end.
type Partial struct{ Offset, Count uint64 }

// Auth is what URLAUTH adds to a URL (RFC 4467 §3).
type Auth struct {
	Expire time.Time // zero: never
	Access Access
	User   string // of user+ and submit+
	Rump   string // the URL up to the access, which is what the token vouches for
	// Mechanism, in upper case, and Token are empty in a rump.
	Mechanism string
	Token     string // hexadecimal, as it stands
}

// Access says who may use an authorized URL (RFC 4467 §4).
type Access uint8

const (
	AccessUser      Access = iota // user+NAME: this user
	AccessSubmit                  // submit+NAME: a submission server that works for this user
	AccessAuthUser                // authuser: everybody who has logged in
	AccessAnonymous               // anonymous: everybody
)
