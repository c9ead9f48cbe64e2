package imapurl

import (
	"encoding/hex"
	"strings"
	"time"
)

// minToken is the least length of a token, in hexadecimal digits (RFC 4467 §9 enc-urlauth).
const minToken = 32

// auth reads what URLAUTH adds: [";EXPIRE=" date-time] ";URLAUTH=" access [":" mechanism ":" token].
func (p *parser) auth() bool {
	if p.s == "" {
		return true
	}
	var a Auth
	if p.word(";EXPIRE=") {
		t, err := time.Parse(time.RFC3339, strings.ToUpper(p.until(";")))
		if err != nil {
			return false
		}
		a.Expire = t
	}
	if !p.word(";URLAUTH=") || !a.access(p.until(":")) {
		return false
	}
	a.Rump = p.all[:len(p.all)-len(p.s)]
	p.u.Auth = &a
	if !p.word(":") {
		return true
	}
	a.Mechanism = strings.ToUpper(p.until(":"))
	if a.Mechanism == "" || !p.word(":") {
		return false
	}
	a.Token = p.until("/;:")
	_, err := hex.DecodeString(a.Token)
	return err == nil && len(a.Token) >= minToken
}

func (a *Auth) access(s string) bool {
	kind, name, named := strings.Cut(s, "+")
	if !decode(&a.User, name) || named != (a.User != "") {
		return false
	}
	switch strings.ToLower(kind) {
	case "user":
		a.Access = AccessUser
	case "submit":
		a.Access = AccessSubmit
	case "authuser":
		a.Access = AccessAuthUser
	case "anonymous":
		a.Access = AccessAnonymous
	default:
		return false
	}
	return named == (a.Access == AccessUser || a.Access == AccessSubmit)
}
