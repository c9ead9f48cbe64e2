package imap

import "time"

// cmdSearch is SEARCH and UID SEARCH (RFC 9051 §6.4.4; SAVE: RFC 5182; MODSEQ: RFC 7162 §3.1.5; OLDER,
// YOUNGER: RFC 5032). The grammar is in search_parse.go.
func (c *conn) cmdSearch(r *request) (err error) {
	prog, opts := searchProgram{now: time.Now().Unix()}, resultOptions{}
	p := searchParser{c: c, dec: c.dec, prog: &prog, opts: &opts}
	if err = p.program(); err == nil {
		err = c.search(r, &prog, &opts)
	}
	c.forgetSaved(r, &opts, err)
	return err
}

func (c *conn) search(r *request, prog *searchProgram, opts *resultOptions) error {
	if err := c.mayUpdate(r, opts); err != nil {
		return err
	}
	run, err := c.matches(r, c.box, prog)
	if err != nil {
		return err
	}
	out := searchResult{opts: opts, tag: r.tag, uid: r.row.uid, modSeq: prog.modSeq, hits: run.hits}
	if opts.save {
		c.box.saved = out.savedSet()
	}
	switch {
	case !opts.given && !c.on.rev2:
		out.writeList(c.enc, "SEARCH")
	case !opts.given:
		opts.all = true
		out.writeESearch(c.enc)
	case opts.tells():
		out.writeESearch(c.enc)
	}
	if opts.update {
		c.keepContext(&searchContext{tag: r.tag, uid: r.row.uid, prog: prog, fetch: opts.fetch, uids: run.uidsFound()})
	}
	return nil
}

// matches evaluates a program in a mailbox. What it finds is in the mailbox's order.
func (c *conn) matches(r *request, b *selected, prog *searchProgram) (*searchRun, error) {
	if prog.modSeq {
		c.useCondstore()
	}
	prog.root.walk(func(k *criterion) {
		// RFC 7162 §3.2.10.2: no VANISHED while a UID SEARCH uses numbers.
		r.numbers = r.numbers || k.op == opSet && !k.uid && !k.set.Saved
	})
	if r.numbers && c.on.uidOnly {
		return nil, errUIDRequired
	}
	run := &searchRun{c: c, b: b, prog: prog, progress: progress{c: c, tag: r.tag, told: time.Now()}}
	if err := run.prepare(r); err != nil {
		return nil, err
	}
	return run, run.run()
}

// forgetSaved empties the saved result when a command that was to save one is answered by NO (RFC 9051 §6.4.4.1).
func (c *conn) forgetSaved(r *request, opts *resultOptions, err error) {
	if err != nil && opts.save && c.replyFor(r, err).kind == kindNo {
		c.box.saved = nil
	}
}
