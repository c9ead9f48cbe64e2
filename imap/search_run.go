package imap

import (
	"fmt"
	"time"

	"bascule/maildir"
)

// searchRun is one evaluation. Results come in ascending order.
type searchRun struct {
	c     *conn
	tag   string
	prog  *searchProgram
	sized *maildir.Snapshot // has sizes that the view's snapshot lacks
	hits  []hit

	open []candidate   // not decided by the snapshot, and in their places those which are
	uids []maildir.UID // of those that are not
	text textScan
	told time.Time // when the client was last told that the search goes on
}

type hit struct {
	seq    SeqNum
	uid    maildir.UID
	modSeq maildir.ModSeq
}

// prepare binds the program to the view, and finds out sizes if they are asked for.
func (s *searchRun) prepare(r *request) error {
	b := s.c.box
	leave, err := s.c.enter(r)
	if err != nil {
		return err
	}
	leave() // what is searched is the snapshot that the client knows
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
	if s.prog.sizes && b.view.snap.Unsized() > 0 {
		s.sized, err = b.m.Sizes(s.c.ctx, nil)
	}
	return err
}

// scope is which messages have to be asked: those of the smallest set that all must be in, or every one.
func (s *searchRun) scope() []span {
	scope := []span{{1, SeqNum(s.c.box.view.Len())}}
	for _, k := range s.prog.root.kids {
		if k.op == opSet && spansLen(k.spans) < spansLen(scope) {
			scope = k.spans
		}
	}
	return scope
}

func spansLen(spans []span) (n int) {
	for _, s := range spans {
		n += int(s.hi) - int(s.lo) + 1
	}
	return n
}

// run asks every message in scope.
func (s *searchRun) run() error {
	b := s.c.box
	for seq, m := range b.view.each(s.scope()) {
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
			if len(s.open) == 0 {
				s.hit(&x)
				continue
			}
			x.decided = true
			s.open = append(s.open, x)
		case isOpen:
			s.open = append(s.open, x)
			s.uids = append(s.uids, m.UID)
		}
		if len(s.open) >= fetchBatch {
			if err := s.decide(); err != nil {
				return err
			}
			if err := s.stillHere(seq); err != nil {
				return err
			}
		}
	}
	return s.decide()
}

func (s *searchRun) hit(x *candidate) {
	s.hits = append(s.hits, hit{x.seq, x.msg.UID, x.msg.ModSeq})
}

// decide looks into headers, and where that is not enough into bodies. Messages that are gone match nothing.
func (s *searchRun) decide() error {
	if len(s.uids) > 0 {
		next := 0
		err := s.c.box.m.Parsed(s.c.ctx, s.uids, func(uid maildir.UID, p maildir.Parsed) (err error) {
			for s.open[next].decided || s.open[next].msg.UID != uid {
				next++
			}
			x := &s.open[next]
			next++
			x.decided, err = s.look(x, p)
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range s.open {
		if s.open[i].decided {
			s.hit(&s.open[i])
		}
	}
	clear(s.open)
	s.open, s.uids = s.open[:0], s.uids[:0]
	return nil
}

// look decides about one message, with what the index keeps of its header, and if need be with its file.
func (s *searchRun) look(x *candidate, p maildir.Parsed) (match bool, err error) {
	if err := s.c.ctx.Err(); err != nil {
		return false, err
	}
	if x.header, err = p.Header(); err != nil {
		return false, err
	}
	x.parsed, x.known = p, true
	v := s.prog.root.eval(x)
	if v == isOpen {
		body, err := s.openBodyText(x)
		if err != nil || body == nil {
			return false, err
		}
		defer body.close()
		x.body, x.header, x.folded = body, body.header, ""
		v = s.prog.root.eval(x)
		if body.err != nil {
			return false, body.err
		}
	}
	return v == isTrue, nil
}

// progressEvery is how often a client is told that its search goes on; as often, one that went away is noticed.
const progressEvery = 10 * time.Second

// stillHere tells the client of a long search how far it is (RFC 9585). Nothing is held meanwhile.
func (s *searchRun) stillHere(seq SeqNum) error {
	every := progressEvery
	if k := s.c.srv.opt.KeepAlive; k > 0 {
		every = min(every, k)
	}
	if time.Since(s.told) < every {
		return nil
	}
	s.c.status("*", kindOK, fmt.Sprintf(`INPROGRESS ("%s" %d %d)`, s.tag, seq, s.c.box.view.Len()), "Searching")
	s.told = time.Now()
	if s.c.flush() != nil {
		return errClientGone
	}
	return nil
}
