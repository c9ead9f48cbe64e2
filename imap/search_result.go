package imap

import (
	"bascule/imap/wire"
	"bascule/maildir"
)

// searchResult is what a SEARCH found, and how it is told.
type searchResult struct {
	opts   *resultOptions
	tag    string
	uid    bool // UIDs are told
	sorted bool // hits are in an order of their own, not the mailbox's
	modSeq bool // MODSEQ was among the keys: the highest is told
	hits   []hit

	mailbox  string // the client's name of it, in answer to ESEARCH; else empty
	validity uint32
}

// number is what the client is told of a hit.
func (h hit) number(uid bool) uint32 {
	if uid {
		return uint32(h.uid)
	}
	return uint32(h.seq)
}

// writeList writes the answer of IMAP4rev1: SEARCH and all numbers (RFC 3501 §7.2.5, RFC 7162 §3.1.6).
func (s *searchResult) writeList(enc *wire.Encoder, verb string) {
	enc.Untagged().Atom(verb)
	for _, h := range s.hits {
		enc.SP().Number(h.number(s.uid))
	}
	if s.modSeq && len(s.hits) > 0 {
		enc.Atom(" (MODSEQ ").Number64(uint64(highest(s.hits))).Special(')')
	}
	enc.CRLF()
}

// writeESearch writes ESEARCH (RFC 9051 §7.3.4). MIN, MAX and ALL are left out when nothing was found.
func (s *searchResult) writeESearch(enc *wire.Encoder) {
	s.writeCorrelator(enc)
	o, n := s.opts, len(s.hits)
	if n > 0 {
		if o.min {
			enc.Atom(" MIN ").Number(s.hits[0].number(s.uid))
		}
		if o.max {
			enc.Atom(" MAX ").Number(s.hits[n-1].number(s.uid))
		}
		if o.all {
			enc.Atom(" ALL ").Ranges(s.set(s.hits))
		}
	}
	if o.partial != nil {
		s.writePartial(enc)
	}
	if o.count {
		enc.Atom(" COUNT ").Number(uint32(n))
	}
	if o.relevancy {
		s.writeRelevancy(enc)
	}
	if told := s.told(); s.modSeq && len(told) > 0 { // 0 is no modseq
		enc.Atom(" MODSEQ ").Number64(uint64(highest(told)))
	}
	enc.CRLF()
}

// writeCorrelator writes ESEARCH and what it answers.
func (s *searchResult) writeCorrelator(enc *wire.Encoder) {
	enc.Untagged().Atom("ESEARCH (TAG ").Quoted(s.tag)
	if s.mailbox != "" {
		enc.Atom(" MAILBOX ").Mailbox(s.mailbox).Atom(" UIDVALIDITY ").Number(s.validity) // RFC 7377 §2.1
	}
	enc.Special(')')
	if s.uid {
		enc.Atom(" UID")
	}
}

// writePartial writes the piece that PARTIAL asked for; NIL if there is nothing in it.
//
//	ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"
func (s *searchResult) writePartial(enc *wire.Encoder) {
	enc.Atom(" PARTIAL (")
	s.opts.partial.write(enc)
	enc.SP()
	if hits := s.piece(); len(hits) > 0 {
		enc.Ranges(s.set(hits))
	} else {
		enc.NIL()
	}
	enc.Special(')')
}

// piece is what of the hits is listed one by one: what PARTIAL names, or all.
func (s *searchResult) piece() []hit {
	if s.opts.partial == nil {
		return s.hits
	}
	from, to := s.opts.partial.of(len(s.hits))
	return s.hits[from:to]
}

// writeRelevancy writes the scores in the order in which the hits are listed (RFC 6203 §4).
//
//	search-return-data =/ "RELEVANCY" SP "(" [score *(SP score)] ")"
func (s *searchResult) writeRelevancy(enc *wire.Encoder) {
	hits := s.piece()
	enc.Atom(" RELEVANCY ").List(len(hits), func(i int) { enc.Number(uint32(hits[i].score)) })
}

// set is how hits are written. Ranges ascend, so of an order only what ascends can be written short (RFC 5267 §3.2).
func (s *searchResult) set(hits []hit) wire.Ranges {
	if s.sorted {
		var out wire.Ranges
		for _, h := range hits {
			n := h.number(s.uid)
			if last := len(out) - 1; last >= 0 && out[last].Stop+1 == n {
				out[last].Stop = n
				continue
			}
			out = append(out, wire.Range{Start: n, Stop: n})
		}
		return out
	}
	var set wire.SetBuilder
	for _, h := range hits {
		set.Add(h.number(s.uid))
	}
	return set.Ranges()
}

// told are the hits that "$" is made of and whose modseq counts: all, or what is told with MIN, MAX and PARTIAL alone (RFC 5182 §2.4,
// RFC 9394 §3.2, RFC 4731 §3.2).
func (s *searchResult) told() (out []hit) {
	o, n := s.opts, len(s.hits)
	if o.all || o.count || !o.min && !o.max && o.partial == nil || n == 0 {
		return s.hits
	}
	if o.partial != nil {
		out = append(out, s.piece()...)
	}
	if o.min {
		out = append(out, s.hits[0])
	}
	if o.max {
		out = append(out, s.hits[n-1])
	}
	return out
}

// savedSet is what "$" becomes.
func (s *searchResult) savedSet() wire.Ranges {
	var set wire.SetBuilder
	for _, h := range s.told() {
		set.Add(uint32(h.uid))
	}
	return set.Ranges()
}

func highest(hits []hit) (max maildir.ModSeq) {
	for _, h := range hits {
		if h.modSeq > max {
			max = h.modSeq
		}
	}
	return max
}
