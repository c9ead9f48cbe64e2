package imap

import (
	"errors"
	"io"
	"math"
	"strings"

	"bascule/imap/imapurl"
	"bascule/imap/wire"
	"bascule/internal/message"
	"bascule/maildir"
)

// errNotThere says that a URL names nothing that is there.
var errNotThere = errors.New("imap: the URL names nothing that is here")

// urlPart is the octets that a URL names, as FETCH BODY[…] would give them. It is read to its end or closed.
type urlPart struct {
	f        fetched
	section  wire.Section
	partial  *wire.Partial
	piece    piece
	part     *message.Part // of BODYPARTSTRUCTURE
	giveBack func()        // what was opened for it; nil for nothing

	// For who reads it.
	r    io.Reader
	left int64
	n    int64
}

// size is how many octets there are.
func (p *urlPart) size() int64 { return p.n }

func (p *urlPart) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.left -= int64(n)
	if err == io.EOF && p.left > 0 {
		return n, maildir.ErrGone // a stranger has shortened the file
	}
	return n, err
}

func (p *urlPart) close() error {
	p.f.close()
	p.f.from.Close()
	if p.giveBack != nil {
		p.giveBack()
		p.giveBack = nil
	}
	return nil
}

// openURL opens what a URL of CATENATE names. It may name messages that the logged-in user may read (RFC 4469 §3), by a path, or by
// the user's name and a name of this server, or what somebody has authorized; what is selected stays as it is, \Seen too.
func (c *conn) openURL(r *request, text string) (*urlPart, error) {
	part, err := c.openURLToRead(r, text)
	if isNothing(err) && !errors.Is(err, maildir.ErrNoRight) {
		return nil, badURL(text, "The URL names nothing that is here")
	}
	return part, err
}

// badURL makes the error of RFC 4469 §4.1. What cannot stand in a response code is left out, as the client knows what it sent.
func badURL(url, why string) error {
	return no("BADURL "+strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == ']' {
			return -1
		}
		return r
	}, url), why)
}

func (c *conn) openURLToRead(r *request, text string) (*urlPart, error) {
	u, err := imapurl.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Auth != nil {
		return c.openAuthorized(r, u, false, (*urlPart).open)
	}
	if u.Absolute && !(c.isThisServer(u.Host) && (u.User == "" || c.isMe(u.User))) {
		return nil, errNotThere
	}
	if u.Mailbox == "" {
		if c.box == nil {
			return nil, errNotThere
		}
		return c.openPart(r, c.box.mount, c.box.m, u, false, (*urlPart).open)
	}
	p, err := c.findMailbox(u.Mailbox, maildir.RightRead)
	if err != nil {
		return nil, err
	}
	m, err := p.acct.Mailbox(c.ctx, p.folder)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return c.openPart(r, p.mount, m, u, false, (*urlPart).open)
}

// isThisServer tells whether a URL's host is one of the names by which the client knows this server, as far as
// that can be known: the name that it asked for by TLS, the address that it came to, and the name in the configuration.
func (c *conn) isThisServer(host string) bool {
	if tls := c.nc.TLS(); tls != nil && tls.ServerName != "" && strings.EqualFold(host, tls.ServerName) {
		return true
	}
	return host == strings.ToLower(c.srv.opt.Hostname) || strings.Trim(host, "[]") == c.nc.Local().Addr().Unmap().String()
}

// isMe tells whether a name is the logged-in user's.
func (c *conn) isMe(user string) bool {
	a, ok := c.srv.opt.Gate.Address(user)
	return ok && a == c.sess.Address
}

// openPart opens the part of a message that a URL names; find does it, with what is known of the message's structure if parsed is set
// or the URL has a section. The mailbox's lease is held for the opening only: an open file is read to its end, like a FETCH that is being sent.
func (c *conn) openPart(r *request, mt *mount, m *maildir.Mailbox, u *imapurl.URL, parsed bool, find func(*urlPart) error) (*urlPart, error) {
	section, ok := wire.ParseSection(u.Section)
	if !ok {
		return nil, errNotThere
	}
	leave, err := c.enterMailbox(r, mt, m, maildir.TouchRead, maildir.RightRead)
	if err != nil {
		return nil, err
	}
	defer leave()
	snap := m.Snapshot()
	msg := snap.Find(maildir.UID(u.UID))
	if msg == nil || u.UIDValidity != 0 && u.UIDValidity != snap.UIDValidity() {
		return nil, errNotThere
	}
	p := &urlPart{f: fetched{c: c, from: m.Reading(), msg: msg}, section: section, partial: partialOf(u)}
	if u.Section == "" && !parsed {
		err = find(p)
	} else {
		found := false
		err = m.Parsed(c.ctx, []maildir.UID{msg.UID}, func(_ maildir.UID, parsed maildir.Parsed) error {
			found = true
			p.f.parsed = parsed
			return find(p)
		})
		if err == nil && !found {
			err = errNotThere
		}
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// partialOf is the range of a URL; without a count it goes up to the end.
func partialOf(u *imapurl.URL) *wire.Partial {
	if u.Partial == nil {
		return nil
	}
	p := wire.Partial{Offset: u.Partial.Offset, Count: u.Partial.Count}
	if p.Count == 0 {
		p.Count = math.MaxUint64
	}
	return &p
}

// open finds the octets for who reads them, and opens the file that they are in.
func (p *urlPart) open() error {
	part, err := p.f.bodySection(p.section, keptFields(p.section))
	if err != nil {
		return err
	}
	if part.none {
		return errNotThere
	}
	skip, n := part.cut(p.partial)
	p.n, p.left = n, n
	if part.text != nil {
		p.r = strings.NewReader(string(part.text[skip : skip+n]))
		return nil
	}
	p.r = p.f.body.Section(part.off+skip, n)
	return nil
}
