package imap

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"bascule/imap/imapurl"
	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/maildir"
)

// URLs with an authorization (RFC 4467): the owner of a mailbox lets others read one message, or a part of it, without a right in
// the mailbox. The token in the URL proves that the owner has said so; nothing is stored for a URL but the mailbox's key.

// urlMechanism is the one way of making tokens that there is.
const urlMechanism = "INTERNAL"

// tokenKind is the first octet of a token, which says how the others were made: by HMAC-SHA-256. Should there be other kinds one day, old
// tokens will be known by it (RFC 4467 §9). 1 is Dovecot's, by HMAC-SHA-1.
const tokenKind = 2

// urlToken vouches for a URL up to its access identifier, by the key of the mailbox.
func urlToken(key []byte, rump string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(rump))
	return mac.Sum([]byte{tokenKind})
}

// vouched tells whether the token of a URL is right. It takes the same time for every token, and for a mailbox without a key.
func vouched(a *imapurl.Auth, key []byte) bool {
	token, err := hex.DecodeString(a.Token)
	if key == nil {
		urlToken(make([]byte, sha256.Size), a.Rump)
		return false
	}
	return hmac.Equal(token, urlToken(key, a.Rump)) && err == nil
}

// mayUse tells whether this session is among those for whom a URL was authorized, here and now. Whether it was is not known yet.
func (c *conn) mayUse(u *imapurl.URL) bool {
	a := u.Auth
	if a == nil || a.Mechanism != urlMechanism || !u.Absolute || u.User == "" || !c.isThisServer(u.Host) {
		return false
	}
	if !a.Expire.IsZero() && !time.Now().Before(a.Expire) {
		return false
	}
	switch a.Access {
	case imapurl.AccessUser:
		return c.isMe(a.User)
	case imapurl.AccessSubmit:
		// Whom it works for the submission server knows; it has compared his name to that in the URL (RFC 4468 §3.3).
		return slices.Contains(c.srv.opt.SubmitUsers, c.sess.Address)
	}
	return true // whoever is here has logged in
}

// openAuthorized opens what a URL with an authorization names, as its owner would. All that can be wrong with a URL is errNotThere or an
// error of nothing (isNothing).
func (c *conn) openAuthorized(r *request, u *imapurl.URL, parsed bool, find func(*urlPart) error) (*urlPart, error) {
	if !c.mayUse(u) {
		return nil, errNotThere
	}
	owner, ok := c.srv.opt.Gate.Address(u.User)
	if !ok {
		return nil, errNotThere
	}
	mt, giveBack, err := c.borrow(owner)
	if err != nil {
		return nil, err
	}
	p, err := c.openLent(r, mt, u, parsed, find)
	if err != nil {
		giveBack()
		return nil, err
	}
	p.giveBack = giveBack
	if mt != c.home {
		c.log.Info("a message was read by an authorized URL", "owner", owner, "mailbox", u.Mailbox, "uid", u.UID, "section", u.Section, "access", accessNames[u.Auth.Access])
	}
	return p, nil
}

var accessNames = [...]string{imapurl.AccessUser: "user", imapurl.AccessSubmit: "submit", imapurl.AccessAuthUser: "authuser", imapurl.AccessAnonymous: "anonymous"}

// openLent looks at the token before it looks at the mailbox.
func (c *conn) openLent(r *request, mt *mount, u *imapurl.URL, parsed bool, find func(*urlPart) error) (*urlPart, error) {
	folder, err := mt.ns.Canonical(u.Mailbox)
	if err != nil {
		return nil, err
	}
	key, err := mt.acct.URLKey(c.ctx, folder)
	if err != nil {
		return nil, err
	}
	if !vouched(u.Auth, key) {
		return nil, errNotThere
	}
	m, err := mt.acct.Mailbox(c.ctx, folder)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return c.openPart(r, mt, m, u, parsed, find)
}

// borrow opens somebody's mail for one URL of his, the user's own too.
func (c *conn) borrow(owner accounts.Address) (mt *mount, giveBack func(), err error) {
	if owner == c.sess.Address {
		return c.home, func() {}, nil
	}
	visit, err := c.sess.Borrow(c.ctx, owner)
	if err != nil {
		return nil, nil, err
	}
	mt = c.mount(visit.Account)
	mt.visit, mt.lent, mt.ns = visit, true, sessionNamespace(visit.Settings)
	return mt, visit.Close, nil
}

// isNothing tells whether an error means that a URL names nothing for this session: which of the reasons it is, is nobody's business.
func isNothing(err error) bool {
	return slices.ContainsFunc([]error{imapurl.ErrSyntax, errNotThere, maildir.ErrNoMailbox, maildir.ErrBadName, maildir.ErrNoRight, maildir.ErrGone, gate.ErrNoVisit},
		func(is error) bool { return errors.Is(err, is) })
}

// noteURL records in the audit what the user does with the keys of his mailboxes.
func (c *conn) noteURL(action, what string) {
	if err := c.sess.Note(c.ctx, accounts.AuditEntry{Action: action, Subject: string(c.sess.Address), New: what}); err != nil {
		c.log.Error("what was done to URLs is not in the audit", "action", action, "what", what, "err", err)
	}
}
