package imap

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
	if root != quotaRoot {
		return no("NONEXISTENT", "No such quota root")
	}
	return c.writeQuota()
}

// cmdGetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2). The mailbox need not exist; mail programs ask before they create.
//
//	getquotaroot = "GETQUOTAROOT" SP mailbox
func (c *conn) cmdGetQuotaRoot(r *request) error {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("QUOTAROOT ").Mailbox(c.ns.Client(canonical)).SP().String(quotaRoot).CRLF()
	return c.writeQuota()
}

// writeQuota writes the QUOTA response. STORAGE counts in units of 1024 octets (RFC 9208 §5.1), rounded up, so that a
// full account does not look as if there were room.
func (c *conn) writeQuota() error {
	u, err := c.acct.Usage(c.ctx)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("QUOTA ").String(quotaRoot).SP().BeginList()
	if u.LimitBytes > 0 {
		c.enc.Item().Atom("STORAGE ").Number64(uint64(u.Bytes+1023) / 1024).SP().Number64(uint64(u.LimitBytes) / 1024)
	}
	if u.LimitMessages > 0 {
		c.enc.Item().Atom("MESSAGE ").Number64(uint64(u.Messages)).SP().Number64(uint64(u.LimitMessages))
	}
	c.enc.EndList().CRLF()
	return nil
}
