package imap

import (
	"errors"
	"slices"
	"time"

	"bascule/maildir"
)

// cmdESearch is ESEARCH: a SEARCH in several mailboxes (RFC 7377). It is answered in UIDs, once for each mailbox in which there is
// something to be found.
//
//	esearch             = "ESEARCH" [SP esearch-source-opts] [search-return-opts] SP search-program
//	esearch-source-opts = "IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")"
func (c *conn) cmdESearch(r *request) (err error) {
	var opts resultOptions
	var sources []mailboxFilter
	p := searchParser{c: c, dec: c.dec, prog: &searchProgram{now: time.Now().Unix()}, opts: &opts}
	if err := p.esearch(&sources); err != nil {
		return err
	}
	if !opts.given {
		opts.all = true
	}
	selected := slices.ContainsFunc(sources, func(f mailboxFilter) bool { return f.kind == filterSelected })
	alone := len(sources) == 1 && selected
	switch {
	case selected && c.box == nil:
		return bad("No mailbox is selected")
	case opts.save && !alone:
		return bad("SAVE is for the selected mailbox alone")
	case opts.update && c.box == nil:
		return bad("UPDATE is for the selected mailbox, and none is")
	case opts.update:
		if err := c.mayUpdate(r, &opts); err != nil {
			return err
		}
	}
	run := esearch{c: c, r: r, prog: p.prog, opts: &opts}
	if selected {
		if err := run.in(c.box); err != nil {
			c.forgetSaved(r, &opts, err)
			return err
		}
	}
	if !alone {
		if err := run.everywhere(sources, selected); err != nil {
			return err
		}
	}
	switch {
	case run.context != nil:
		c.keepContext(run.context)
	case opts.update:
		c.noUpdate(r.tag, "The selected mailbox is not among the sources")
	}
	return nil
}

// esearch reads everything up to the line end. Without a source it is the selected mailbox.
func (p *searchParser) esearch(sources *[]mailboxFilter) error {
	if !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	word, err := p.word()
	if err != nil {
		return err
	}
	if word != "IN" {
		*sources = []mailboxFilter{{kind: filterSelected}}
		return p.programFrom(word)
	}
	names := 0
	source := func() bool {
		if p.dec.Peek() == '(' {
			return p.dec.Fail("there are no scope options")
		}
		if len(*sources) == maxFilters {
			return p.dec.Fail("too many sources")
		}
		var f mailboxFilter
		if !f.parse(p.dec) {
			return false
		}
		// Each name is compared with each mailbox.
		if names += len(f.names); names > maxFilterNames {
			return p.dec.Fail("too many mailboxes")
		}
		*sources = append(*sources, f)
		return true
	}
	if !p.dec.ExpectSP() || !p.dec.ExpectList(source) {
		return p.dec.Err()
	}
	if len(*sources) == 0 {
		return bad("No sources")
	}
	return p.program()
}

// esearch is a running ESEARCH.
type esearch struct {
	c       *conn
	r       *request
	prog    *searchProgram
	opts    *resultOptions
	context *searchContext // of the selected mailbox, if UPDATE asks for one
}

// everywhere searches the mailboxes that some sources name; the selected one only if it was not searched already.
func (e *esearch) everywhere(sources []mailboxFilter, already bool) error {
	places, err := e.c.filtered(sources)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := e.at(p, already); err != nil {
			return err
		}
	}
	return nil
}

// at searches a mailbox by its place. One that has just been deleted has nothing.
func (e *esearch) at(p place, already bool) error {
	c := e.c
	m, err := p.acct.Mailbox(c.ctx, p.folder)
	if errors.Is(err, maildir.ErrNoMailbox) {
		return nil
	}
	if err != nil {
		return err
	}
	defer m.Close()
	if c.box != nil && m == c.box.m {
		if already {
			return nil
		}
		return e.in(c.box)
	}
	b, err := c.openBox(e.r, p, m, true, nil)
	if err == nil {
		err = e.in(b)
	}
	if errors.Is(err, maildir.ErrNoMailbox) || errors.Is(err, maildir.ErrNoRight) {
		return nil // the right was taken away meanwhile
	}
	return err
}

// in searches a mailbox that is open and answers.
func (e *esearch) in(b *selected) error {
	c := e.c
	run, err := c.matches(e.r, b, e.prog)
	if err != nil {
		return err
	}
	out := searchResult{opts: e.opts, tag: e.r.tag, uid: true, modSeq: e.prog.modSeq, hits: run.hits}
	out.validity, out.mailbox = b.view.snap.UIDValidity(), b.mount.client(b.m.Name())
	if e.opts.save {
		c.box.saved = out.savedSet()
	}
	if len(run.hits) > 0 && e.opts.tells() {
		out.writeESearch(c.enc)
	}
	if e.opts.update && b == c.box {
		e.context = &searchContext{tag: e.r.tag, uid: true, prog: e.prog, fetch: e.opts.fetch, mailbox: out.mailbox, validity: out.validity, uids: run.uidsFound()}
	}
	return nil
}
