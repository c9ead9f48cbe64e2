package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdSearch is SEARCH and UID SEARCH (RFC 9051 §6.4.4; SAVE: RFC 5182; MODSEQ: RFC 7162 §3.1.5; OLDER,
// YOUNGER: RFC 5032). The grammar is in search_parse.go.
func (c *conn) cmdSearch(r *request) (err error) {
	prog := searchProgram{now: time.Now().Unix()}
	p := searchParser{c: c, dec: c.dec, prog: &prog}
	err = p.program()
	if err == nil {
		err = c.search(r, &prog)
	}
	if err != nil && prog.save && c.replyFor(r, err).kind == kindNo {
		c.box.saved = nil // RFC 9051 §6.4.4.1: a NO empties the variable
	}
	return err
}

func (c *conn) search(r *request, prog *searchProgram) error {
	if prog.modSeq {
		c.useCondstore()
	}
	run := searchRun{c: c, tag: r.tag, prog: prog, told: time.Now()}
	if err := run.prepare(r); err != nil {
		return err
	}
	if err := run.run(); err != nil {
		return err
	}
	if prog.save {
		c.box.saved = run.savedSet()
	}
	switch {
	case !prog.ret && !c.on.rev2:
		run.writeSearch(r)
	case !prog.ret:
		prog.all = true
		run.writeESearch(r)
	case prog.min || prog.max || prog.all || prog.count:
		run.writeESearch(r)
	}
	return nil
}

// number is what the client is told of a hit.
func (h hit) number(uid bool) uint32 {
	if uid {
		return uint32(h.uid)
	}
	return uint32(h.seq)
}

// writeSearch writes the answer of IMAP4rev1 (RFC 3501 §7.2.5, RFC 7162 §3.1.6).
func (s *searchRun) writeSearch(r *request) {
	enc := s.c.enc
	enc.Untagged().Atom("SEARCH")
	for _, h := range s.hits {
		enc.SP().Number(h.number(r.row.uid))
	}
	if s.prog.modSeq && len(s.hits) > 0 {
		enc.Atom(" (MODSEQ ").Number64(uint64(s.highest(s.hits))).Special(')')
	}
	enc.CRLF()
}

// writeESearch writes ESEARCH (RFC 9051 §7.3.4). MIN, MAX and ALL are left out when nothing was found.
func (s *searchRun) writeESearch(r *request) {
	enc, p := s.c.enc, s.prog
	enc.Untagged().Atom("ESEARCH (TAG ").Quoted(r.tag).Special(')')
	if r.row.uid {
		enc.Atom(" UID")
	}
	n := len(s.hits)
	told := s.hits
	if n > 0 {
		if p.min {
			enc.Atom(" MIN ").Number(s.hits[0].number(r.row.uid))
		}
		if p.max {
			enc.Atom(" MAX ").Number(s.hits[n-1].number(r.row.uid))
		}
		if p.all {
			var set wire.SetBuilder
			for _, h := range s.hits {
				set.Add(h.number(r.row.uid))
			}
			enc.Atom(" ALL ").Ranges(set.Ranges())
		}
		if !p.all && !p.count {
			told = s.ends()
		}
	}
	if p.count {
		enc.Atom(" COUNT ").Number(uint32(n))
	}
	if p.modSeq && n > 0 {
		enc.Atom(" MODSEQ ").Number64(uint64(s.highest(told)))
	}
	enc.CRLF()
}

// ends are the hits that MIN and MAX tell of.
func (s *searchRun) ends() (out []hit) {
	if n := len(s.hits); n > 0 {
		if s.prog.min {
			out = append(out, s.hits[0])
		}
		if s.prog.max {
			out = append(out, s.hits[n-1])
		}
	}
	return out
}

// savedSet is what "$" becomes: with MIN or MAX alone only those (RFC 5182 §2.4).
func (s *searchRun) savedSet() wire.Ranges {
	hits := s.hits
	if (s.prog.min || s.prog.max) && !s.prog.all && !s.prog.count {
		hits = s.ends()
	}
	var set wire.SetBuilder
	for _, h := range hits {
		set.Add(uint32(h.uid))
	}
	return set.Ranges()
}

func (s *searchRun) highest(hits []hit) (max maildir.ModSeq) {
	for _, h := range hits {
		if h.modSeq > max {
			max = h.modSeq
		}
	}
	return max
}
