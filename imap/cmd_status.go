package imap

import (
	"errors"
	"slices"

	"bascule/maildir"
)

// statusItems are the data items of STATUS (RFC 9051 §6.3.11; HIGHESTMODSEQ: RFC 7162 §3.1.7; APPENDLIMIT: RFC 7889 §3.2;
// DELETED-STORAGE: RFC 9208 §4.1.4).
var statusItems = map[string]func(c *conn, s *maildir.Status) uint64{
	"MESSAGES":        func(_ *conn, s *maildir.Status) uint64 { return uint64(s.Messages) },
	"RECENT":          func(_ *conn, s *maildir.Status) uint64 { return uint64(s.Recent) },
	"UIDNEXT":         func(_ *conn, s *maildir.Status) uint64 { return uint64(s.UIDNext) },
	"UIDVALIDITY":     func(_ *conn, s *maildir.Status) uint64 { return uint64(s.UIDValidity) },
	"UNSEEN":          func(_ *conn, s *maildir.Status) uint64 { return uint64(s.Unseen) },
	"DELETED":         func(_ *conn, s *maildir.Status) uint64 { return uint64(s.Deleted) },
	"SIZE":            func(_ *conn, s *maildir.Status) uint64 { return uint64(s.Size) },
	"DELETED-STORAGE": func(_ *conn, s *maildir.Status) uint64 { return (uint64(s.DeletedSize) + 1023) / 1024 },
	"HIGHESTMODSEQ":   func(_ *conn, s *maildir.Status) uint64 { return uint64(s.HighestModSeq) },
	"APPENDLIMIT":     func(c *conn, _ *maildir.Status) uint64 { return uint64(c.srv.opt.AppendLimit) },
}

// maxStatusItems is more than there are.
const maxStatusItems = 32

// cmdStatus is STATUS (RFC 9051 §6.3.11).
//
//	status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
func (c *conn) cmdStatus(r *request) error {
	var name string
	var items []string
	if !c.dec.ExpectSP() || !c.dec.ExpectMailbox(&name) || !c.dec.ExpectSP() || !c.statusItems(&items) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	canonical, err := c.ns.Canonical(name)
	if err != nil {
		return maildir.ErrNoMailbox
	}
	st, err := c.mailboxStatus(r, canonical, items)
	if err != nil {
		return err
	}
	c.writeStatus(canonical, items, &st)
	return nil
}

// statusItems reads a list of items.
func (c *conn) statusItems(items *[]string) bool {
	return c.dec.ExpectList(func() bool {
		var item string
		if !c.dec.ExpectKeyword(&item) {
			return false
		}
		if statusItems[item] == nil || len(*items) >= maxStatusItems {
			return c.dec.Fail("unknown STATUS item")
		}
		if item == "HIGHESTMODSEQ" {
			c.useCondstore()
		}
		*items = append(*items, item)
		return true
	}) && (len(*items) > 0 || c.dec.Fail("no STATUS items"))
}

// mailboxStatus asks the store.
func (c *conn) mailboxStatus(r *request, canonical string, items []string) (maildir.Status, error) {
	leave, err := c.door.Enter(c.ctx, canonical, maildir.TouchRead, func() { c.sayWaiting(r) })
	if err != nil {
		return maildir.Status{}, err
	}
	defer leave()
	sizes := slices.Contains(items, "SIZE") || slices.Contains(items, "DELETED-STORAGE")
	return c.acct.Status(c.ctx, canonical, sizes)
}

func (c *conn) writeStatus(canonical string, items []string, st *maildir.Status) {
	c.enc.Untagged().Atom("STATUS ").Mailbox(c.ns.Client(canonical)).SP().BeginList()
	for _, item := range items {
		c.enc.Item().Atom(item).SP().Number64(statusItems[item](c, st))
	}
	c.enc.EndList().CRLF()
}

// inUse tells whether an error means that a POP3 session has the mailbox.
func inUse(err error) bool { return errors.Is(err, maildir.ErrInUse) }
