package imap

import (
	"errors"
	"slices"

	"bascule/maildir"
)

// statusItems are the data items of STATUS that are numbers (RFC 9051 §6.3.11; HIGHESTMODSEQ: RFC 7162 §3.1.7; APPENDLIMIT: RFC 7889 §3.2;
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
	p, err := c.findMailbox(name, maildir.RightRead)
	if err != nil {
		return err
	}
	st, err := c.mailboxStatus(r, p, items)
	if err != nil {
		return err
	}
	c.writeStatus(p, items, &st)
	return nil
}

// statusItems reads a list of items.
func (c *conn) statusItems(items *[]string) bool {
	return c.dec.ExpectList(func() bool {
		var item string
		if !c.dec.ExpectKeyword(&item) {
			return false
		}
		if statusItems[item] == nil && item != "MAILBOXID" || len(*items) >= maxStatusItems {
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
func (c *conn) mailboxStatus(r *request, p place, items []string) (maildir.Status, error) {
	leave, err := p.door.Enter(c.ctx, p.folder, maildir.TouchRead, func() { c.sayWaiting(r) })
	if err != nil {
		return maildir.Status{}, err
	}
	defer leave()
	if _, err := c.permitted(p, maildir.RightRead); err != nil {
		return maildir.Status{}, err
	}
	sizes := slices.Contains(items, "SIZE") || slices.Contains(items, "DELETED-STORAGE")
	return p.acct.StatusOf(c.ctx, p.folder, c.user(), sizes)
}

func (c *conn) writeStatus(p place, items []string, st *maildir.Status) {
	c.enc.Untagged().Atom("STATUS ").Mailbox(p.client()).SP().BeginList()
	for _, item := range items {
		if c.enc.Item().Atom(item).SP(); item == "MAILBOXID" { // RFC 8474 §4.3
			c.enc.Special('(').Atom(st.ID).Special(')')
			continue
		}
		c.enc.Number64(statusItems[item](c, st))
	}
	c.enc.EndList().CRLF()
}

// inUse tells whether an error means that a POP3 session has the mailbox.
func inUse(err error) bool { return errors.Is(err, maildir.ErrInUse) }
