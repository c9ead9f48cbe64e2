package imap

import "time"

// cmdSort is SORT and UID SORT (RFC 5256 §3; RETURN: RFC 5267 §3; DISPLAYFROM, DISPLAYTO: RFC 5957). The message numbers of the keys are
// those of SEARCH in both forms.
//
//	sort = "SORT" [search-return-opts] SP sort-criteria SP charset 1*(SP search-key)
func (c *conn) cmdSort(r *request) (err error) {
	var opts resultOptions
	var order sortOrder
	p := searchParser{c: c, dec: c.dec, prog: &searchProgram{now: time.Now().Unix()}, opts: &opts}
	if err = p.sort(&order); err == nil {
		err = c.sort(r, p.prog, &opts, order)
	}
	c.forgetSaved(r, &opts, err)
	return err
}

func (p *searchParser) sort(order *sortOrder) error {
	if !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	if p.dec.Peek() != '(' {
		var word string
		if !p.dec.ExpectKeyword(&word) {
			return p.dec.Err()
		}
		if word != "RETURN" {
			return bad("Expected RETURN or sort keys in parentheses")
		}
		if !p.opts.parse(p.dec) || !p.dec.ExpectSP() {
			return p.dec.Err()
		}
	}
	if !order.parse(p.dec) || !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	for _, k := range *order {
		p.prog.sizes = p.prog.sizes || k.by == bySize
		p.prog.scored = p.prog.scored || k.by == byRelevancy
	}
	return p.criteria()
}

func (c *conn) sort(r *request, prog *searchProgram, opts *resultOptions, order sortOrder) error {
	if err := c.mayUpdate(r, opts); err != nil {
		return err
	}
	run, err := c.matches(r, c.box, prog)
	if err != nil {
		return err
	}
	sorter := sortRun{b: run.b, order: order, progress: run.progress, sized: run.sized}
	rows, err := sorter.sort(run.hits)
	if err != nil {
		return err
	}
	hits := run.hits[:0]
	for i := range rows {
		hits = append(hits, rows[i].hit)
	}
	out := searchResult{opts: opts, tag: r.tag, uid: r.row.uid, sorted: true, modSeq: prog.modSeq, hits: hits}
	if opts.save {
		c.box.saved = out.savedSet()
	}
	switch {
	case !opts.given:
		out.writeList(c.enc, "SORT")
	case opts.tells():
		out.writeESearch(c.enc)
	}
	if opts.update {
		c.keepContext(&searchContext{tag: r.tag, uid: r.row.uid, prog: prog, order: order, fetch: opts.fetch, rows: rows})
	}
	return nil
}
