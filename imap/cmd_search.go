package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/maildir"
)

// cmdSearch is SEARCH and UID SEARCH (RFC 9051 §6.4.4; SAVE: RFC 5182; MODSEQ: RFC 7162 §3.1.5; OLDER,
// YOUNGER: RFC 5032). The grammar is in search_parse.go.
func (c *conn) cmdSearch(r *request) (err error) {
	prog := searchProgram{now: time.Now()}
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
	run := searchRun{c: c, prog: prog}
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

// searchRun is one evaluation. Results come in ascending order.
type searchRun struct {
	c     *conn
	prog  *searchProgram
	sized *maildir.Snapshot // has sizes that the view's snapshot lacks
	hits  []hit
}

type hit struct {
	seq    SeqNum
	uid    maildir.UID
	modSeq maildir.ModSeq
}

// prepare binds the program to the view, and finds out sizes if they are asked for.
func (s *searchRun) prepare(r *request) error {
	b := s.c.box
	s.prog.root.walk(func(k *criterion) {
		switch k.op {
		case opSet:
			switch {
			case k.set.Saved:
				k.spans = b.view.ofUIDs(b.saved)
			case k.uid:
				k.spans = b.view.byUID(k.set)
			default:
				k.spans = b.view.clip(k.set)
			}
		case opKeyword:
			k.flag, _ = b.view.snap.ParseFlags([]string{k.name})
		}
	})
	leave, err := s.c.enter(r)
	if err != nil {
		return err
	}
	defer leave()
	if s.prog.sizes && b.view.snap.Unsized() > 0 {
		s.sized, err = b.m.Sizes(s.c.ctx, nil)
	}
	return err
}

// run asks every message of the view.
func (s *searchRun) run() error {
	b := s.c.box
	var undecided []candidate
	for seq, m := range b.view.each([]span{{1, SeqNum(b.view.Len())}}) {
		if m == nil {
			continue
		}
		x := candidate{b: b, now: s.prog.now, seq: seq, msg: m, size: m.Size}
		if s.sized != nil && x.size < 0 {
			if now := s.sized.Find(m.UID); now != nil {
				x.size = now.Size
			}
		}
		switch s.prog.root.eval(&x) {
		case isTrue:
			if len(undecided) > 0 {
				x.decided = true
				undecided = append(undecided, x)
			} else {
				s.hit(&x)
			}
		case isOpen:
			undecided = append(undecided, x)
		}
		if len(undecided) >= fetchBatch {
			if err := s.decide(undecided); err != nil {
				return err
			}
			undecided = undecided[:0]
		}
	}
	return s.decide(undecided)
}

func (s *searchRun) hit(x *candidate) {
	s.hits = append(s.hits, hit{x.seq, x.msg.UID, x.msg.ModSeq})
}

// decide looks into headers, and where that is not enough into bodies. Messages that are gone match nothing.
func (s *searchRun) decide(xs []candidate) error {
	if len(xs) == 0 {
		return nil
	}
	at := make(map[maildir.UID]*candidate, len(xs))
	uids := make([]maildir.UID, 0, len(xs))
	for i := range xs {
		if !xs[i].decided {
			at[xs[i].msg.UID] = &xs[i]
			uids = append(uids, xs[i].msg.UID)
		}
	}
	err := s.c.box.m.Parsed(s.c.ctx, uids, func(uid maildir.UID, p maildir.Parsed) (err error) {
		x := at[uid]
		if x == nil {
			return nil
		}
		x.decided, err = s.look(x, p)
		return err
	})
	if err != nil {
		return err
	}
	for i := range xs {
		if xs[i].decided {
			s.hit(&xs[i])
		}
	}
	return nil
}

// look decides about one message, with what the index keeps of its header, and if need be with its file.
func (s *searchRun) look(x *candidate, p maildir.Parsed) (match bool, err error) {
	if x.header, err = p.Header(); err != nil {
		return false, err
	}
	x.parsed, x.known = p, true
	v := s.prog.root.eval(x)
	if v == isOpen {
		body, err := s.c.openBodyText(x, s.prog.needles)
		if err != nil || body == nil {
			return false, err
		}
		defer body.close()
		x.body, x.header = body, body.header
		v = s.prog.root.eval(x)
		x.body = nil
		if body.err != nil {
			return false, body.err
		}
	}
	x.header = nil
	return v == isTrue, s.c.ctx.Err()
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
