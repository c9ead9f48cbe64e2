package imap

import "bascule/maildir"

// quotaRoot is the one root of an account: all its mailboxes share the quota.
const quotaRoot = "User quota"

// cmdGetQuota is GETQUOTA (RFC 9208 §4.1.1).
//
//	getquota = "GETQUOTA" SP quota-root-name
func (c *conn) cmdGetQuota(r *request) error {
	var root string
	if !c.dec.ExpectSP() || !c.dec.ExpectAString(&root) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	u, err := c.acct.Usage(c.ctx)
	if err != nil {
		return err
	}
	if root != quotaRoot || !limited(u) {
		return no("NONEXISTENT", "No such quota root")
	}
	c.writeQuota(u)
	return nil
}

// cmdGetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2). The mailbox need not exist; mail programs ask before they create. An
// account without limits has no root, since a root without resources cannot be written.
//
//	getquotaroot = "GETQUOTAROOT" SP mailbox
func (c *conn) cmdGetQuotaRoot(r *request) error {
	canonical, err := c.mailboxArg()
	if err != nil {
		return err
	}
	u, err := c.acct.Usage(c.ctx)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("QUOTAROOT ").Mailbox(c.ns.Client(canonical))
	if limited(u) {
		c.enc.SP().String(quotaRoot).CRLF()
		c.writeQuota(u)
		return nil
	}
	c.enc.CRLF()
	return nil
}

// cmdSetQuota is SETQUOTA (RFC 9208 §4.1.3). Limits are the operator's; QUOTASET is not offered, and who asks all the same is
// refused whatever the arguments.
func (c *conn) cmdSetQuota(r *request) error {
	return no("NOPERM", "Quotas are set by the operator")
}

func limited(u maildir.Usage) bool { return u.LimitBytes > 0 || u.LimitMessages > 0 }

// writeQuota writes the QUOTA response. STORAGE counts in units of 1024 octets (RFC 9208 §5.1), use rounded up and the limit
// down, so that a full account does not look as if there were room.
func (c *conn) writeQuota(u maildir.Usage) {
	c.enc.Untagged().Atom("QUOTA ").String(quotaRoot).SP().BeginList()
	if u.LimitBytes > 0 {
		c.enc.Item().Atom("STORAGE ").Number64(uint64(u.Bytes+1023) / 1024).SP().Number64(uint64(u.LimitBytes) / 1024)
	}
	if u.LimitMessages > 0 {
		c.enc.Item().Atom("MESSAGE ").Number64(uint64(u.Messages)).SP().Number64(uint64(u.LimitMessages))
	}
	c.enc.EndList().CRLF()
}
