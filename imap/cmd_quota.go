package imap

import (
	"errors"
	"math"
	"slices"
	"strings"

	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/maildir"
)

// quotaRoot is the one root of an account: all its mailboxes share the quota. That of another account has the address behind.
const quotaRoot = "User quota"

func (m *mount) quotaRoot() string {
	if m.visit == nil {
		return quotaRoot
	}
	return quotaRoot + " of " + string(m.visit.Owner)
}

// cmdGetQuota is GETQUOTA (RFC 9208 §4.1.1).
//
//	getquota = "GETQUOTA" SP quota-root-name
func (c *conn) cmdGetQuota(r *request) error {
	var root string
	if !c.dec.ExpectSP() || !c.dec.ExpectAString(&root) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	u, err := c.administered(root)
	if errors.Is(err, gate.ErrNotAdmin) {
		u, err = c.readable(root)
		if err == nil && !limited(u) {
			err = errNoRoot
		}
	}
	if err != nil {
		return err
	}
	c.writeQuota(root, u)
	return nil
}

var errNoRoot = no("NONEXISTENT", "No such quota root")

// ownerOfRoot tells whose root a name is; "" for nobody's.
func (c *conn) ownerOfRoot(root string) accounts.Address {
	if root == quotaRoot {
		return c.sess.Address
	}
	if owner, ok := strings.CutPrefix(root, quotaRoot+" of "); ok {
		if a, err := accounts.ParseAddress(owner); err == nil && string(a) == owner && a != c.sess.Address {
			return a
		}
	}
	return ""
}

// administered is what a root's account uses, for an administrator of it: every account that there is has a root for him.
func (c *conn) administered(root string) (u maildir.Usage, err error) {
	acct, err := c.sess.Administer(c.ctx, c.ownerOfRoot(root))
	if errors.Is(err, accounts.ErrNotFound) {
		err = errNoRoot
	}
	if err != nil {
		return u, err
	}
	defer acct.Close()
	return acct.Usage(c.ctx)
}

// readable is what a root's account uses, for everybody: the account is the user's own, or he may read a mailbox of it.
func (c *conn) readable(root string) (u maildir.Usage, err error) {
	owner := c.ownerOfRoot(root)
	if owner == c.sess.Address {
		return c.home.acct.Usage(c.ctx)
	}
	for _, top := range []string{othersRoot, sharedRoot} {
		m, err := c.mountAt(top + "/" + string(owner))
		if err != nil {
			continue
		}
		boxes, err := m.acct.MailboxesOf(c.ctx, c.user())
		if slices.ContainsFunc(boxes, func(b maildir.MailboxInfo) bool { return b.Rights.Has(maildir.RightRead) }) {
			return m.acct.Usage(c.ctx)
		}
		if err != nil {
			return u, err
		}
	}
	return u, errNoRoot
}

// cmdGetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2). The mailbox need not exist; mail programs ask before they create. An
// account without limits has no root, since a root without resources cannot be written.
//
//	getquotaroot = "GETQUOTAROOT" SP mailbox
func (c *conn) cmdGetQuotaRoot(r *request) error {
	p, err := c.mailboxArg(maildir.RightRead)
	if err != nil {
		return err
	}
	u, err := p.acct.Usage(c.ctx)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("QUOTAROOT ").Mailbox(p.client())
	if limited(u) {
		c.enc.SP().String(p.quotaRoot()).CRLF()
		c.writeQuota(p.quotaRoot(), u)
		return nil
	}
	c.enc.CRLF()
	return nil
}

// maxResources bounds the resources of one SETQUOTA; there are two.
const maxResources = 32

// cmdSetQuota is SETQUOTA (RFC 9208 §4.1.3), for administrators (accounts.Admin). A resource that is not named has no limit from then on.
//
//	setquota      = "SETQUOTA" SP quota-root-name SP setquota-list
//	setquota-list = "(" [resource-name SP number64 *(SP resource-name SP number64)] ")"
func (c *conn) cmdSetQuota(r *request) error {
	var root string
	limits := map[string]uint64{}
	resource := func() bool {
		var name string
		var limit uint64
		if !c.dec.ExpectKeyword(&name) || !c.dec.ExpectSP() || !c.dec.ExpectNumber64(&limit) {
			return false
		}
		if _, twice := limits[name]; twice || len(limits) == maxResources {
			return c.dec.Fail("a resource is named twice, or there are too many")
		}
		limits[name] = limit
		return true
	}
	if !c.dec.ExpectSP() || !c.dec.ExpectAString(&root) || !c.dec.ExpectSP() || !c.dec.ExpectList(resource) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	owner := c.ownerOfRoot(root)
	if owner == "" {
		return errNoRoot
	}
	bytes, messages, err := readLimits(limits)
	if err == nil {
		err = c.sess.SetQuota(c.ctx, owner, bytes, messages)
	}
	if errors.Is(err, accounts.ErrNotFound) {
		err = errNoRoot
	}
	if err != nil {
		return err
	}
	u, err := c.administered(root)
	if err != nil {
		return err
	}
	c.writeQuota(root, u)
	return nil
}

// readLimits gives limits as the accounts have them, where 0 means none: a limit of 0 cannot be.
func readLimits(limits map[string]uint64) (bytes, messages int64, err error) {
	for name, n := range limits {
		switch {
		case name != "STORAGE" && name != "MESSAGE":
			return 0, 0, no("CANNOT", "Only STORAGE and MESSAGE can be limited")
		case n == 0:
			return 0, 0, no("CANNOT", "A limit of 0 cannot be set; leave the resource out to have no limit")
		case name == "MESSAGE":
			messages = int64(min(n, math.MaxInt64))
		default:
			bytes = int64(min(n, math.MaxInt64>>10)) << 10
		}
	}
	return bytes, messages, nil
}

func limited(u maildir.Usage) bool { return u.LimitBytes > 0 || u.LimitMessages > 0 }

// writeQuota writes the QUOTA response. STORAGE counts in units of 1024 octets (RFC 9208 §5.1), use rounded up and the limit
// down, so that a full account does not look as if there were room.
func (c *conn) writeQuota(root string, u maildir.Usage) {
	c.enc.Untagged().Atom("QUOTA ").String(root).SP().BeginList()
	if u.LimitBytes > 0 {
		c.enc.Item().Atom("STORAGE ").Number64(uint64(u.Bytes+1023) / 1024).SP().Number64(uint64(u.LimitBytes) / 1024)
	}
	if u.LimitMessages > 0 {
		c.enc.Item().Atom("MESSAGE ").Number64(uint64(u.Messages)).SP().Number64(uint64(u.LimitMessages))
	}
	c.enc.EndList().CRLF()
}
