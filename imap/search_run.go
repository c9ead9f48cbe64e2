package imap

import "bascule/maildir"

// searchRun is one evaluation. Results come in ascending order.
type searchRun struct {
	c     *conn
	b     *selected // the mailbox; not always the selected one
	prog  *searchProgram
	sized *maildir.Snapshot // has sizes that the view's snapshot lacks
	hits  []hit

	open []candidate   // not decided by the snapshot, and in their places those which are
	uids []maildir.UID // of those that are not
	deep []int         // places in open of those that must be read

	scan    *textScan   // of this goroutine
	helping []*textScan // of helpers; see search_scan.go

	progress progress
}

type hit struct {
	seq    SeqNum
	uid    maildir.UID
	modSeq maildir.ModSeq
	score  uint8 // relevancy, 1 to 100 (RFC 6203 §4); 0 if nobody asked
}

// prepare binds the program to the view, and finds out sizes if they are asked for.
func (s *searchRun) prepare(r *request) error {
	leave, err := s.c.enterMailbox(r, s.b.mount, s.b.m, r.row.touch, maildir.RightRead)
	if err != nil {
		return err
	}
	leave() // what is searched is the snapshot that the client knows
	return s.bind()
}

// bind is prepare without a look at the POP3 lock.
func (s *searchRun) bind() (err error) {
	b := s.b
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
		case opHeader:
			k.field = maildir.FieldOf(k.name)
			s.prog.fields = s.prog.fields || k.field != 0
		case opSentBefore, opSentSince:
			s.prog.fields = true
		}
	})
	s.scan = newTextScan(b.m, s.prog.needles)
	s.askTextIndex()
	if err := s.findEmailIDs(); err != nil {
		return err
	}
	if s.prog.sizes && b.view.snap.Unsized() > 0 {
		s.sized, err = b.m.Sizes(s.c.ctx, nil)
	}
	return err
}

// scope is which messages have to be asked: those of the smallest set that all must be in, or every one.
func (s *searchRun) scope() []span {
	scope := []span{{1, SeqNum(s.b.view.Len())}}
	for _, k := range s.prog.root.kids {
		if k.op == opSet && spansLen(k.spans) < spansLen(scope) {
			scope = k.spans
		}
	}
	return scope
}

// fewMessages is up to how many messages are looked at without asking the text index.
const fewMessages = 16

// askTextIndex finds out which messages cannot have the texts that are looked for.
func (s *searchRun) askTextIndex() {
	var texts []string
	var asking []*criterion
	bodies := false
	s.prog.root.walk(func(k *criterion) {
		switch k.op {
		case opBody, opText:
			bodies = true
			fallthrough
		case opHeader:
			k.hits = nil // of the mailbox before
			if k.text != "" {
				k.hit = len(texts)
				texts, asking = append(texts, k.text), append(asking, k)
			}
		}
	})
	if len(texts) == 0 || spansLen(s.scope()) <= fewMessages {
		return
	}
	hits := s.b.m.FindTexts(s.c.ctx, texts, bodies)
	for _, k := range asking {
		k.hits = hits
	}
}

func spansLen(spans []span) (n int) {
	for _, s := range spans {
		n += int(s.hi) - int(s.lo) + 1
	}
	return n
}

// run asks every message in scope.
func (s *searchRun) run() error {
	defer s.endReading()
	b := s.b
	flags, left, never := s.prog.root.splitFlags()
	if never {
		return nil
	}
	x := candidate{b: b, now: s.prog.now, scored: s.prog.scored} // one for all, as they are large
	for seq, m := range b.view.eachWith(s.scope(), flags) {
		x.seq, x.msg, x.size = seq, m, sizeOf(m, s.sized)
		verdict := isTrue
		if left != nil {
			verdict = left.eval(&x)
		}
		switch verdict {
		case isTrue:
			s.match(&x)
			if len(s.open) == 0 {
				s.hit(&x)
			} else {
				s.open = append(s.open, x)
			}
			x.decided, x.score = false, 0
		case isOpen:
			s.open = append(s.open, x)
			s.uids = append(s.uids, m.UID)
		}
		if len(s.open) >= fetchBatch {
			if err := s.decide(); err != nil {
				return err
			}
			if err := s.progress.tell(int(seq), b.view.Len(), "Searching"); err != nil {
				return err
			}
		}
	}
	return s.decide()
}

// endReading gives back what was opened to read messages.
func (s *searchRun) endReading() {
	s.scan.from.Close()
	for _, scan := range s.helping {
		scan.from.Close()
	}
}

// sizeOf is RFC822.SIZE, which a newer snapshot may know better; -1 if nobody does.
func sizeOf(m *maildir.Message, sized *maildir.Snapshot) int64 {
	if m.Size < 0 && sized != nil {
		return newerSize(m, sized)
	}
	return m.Size
}

func newerSize(m *maildir.Message, sized *maildir.Snapshot) int64 {
	if now := sized.Find(m.UID); now != nil {
		return now.Size
	}
	return m.Size
}

// match notes that a message matches, while all that was looked at is still there.
func (s *searchRun) match(x *candidate) {
	x.decided, x.score = true, s.prog.score(x)
}

// uidsFound are the hits' UIDs, ascending.
func (s *searchRun) uidsFound() []maildir.UID {
	uids := make([]maildir.UID, 0, len(s.hits))
	for _, h := range s.hits {
		uids = append(uids, h.uid)
	}
	return uids
}

func (s *searchRun) hit(x *candidate) {
	s.hits = append(s.hits, hit{x.seq, x.msg.UID, x.msg.ModSeq, x.score})
}

// decide looks at what is kept in memory of the headers, then into headers, and where that is not enough into bodies. Messages that are gone
// match nothing.
func (s *searchRun) decide() error {
	if s.prog.fields && len(s.uids) > 0 {
		if err := s.lookAtFields(); err != nil {
			return err
		}
	}
	if len(s.uids) > 0 {
		if err := s.lookIntoHeaders(); err != nil {
			return err
		}
	}
	if len(s.deep) > 0 {
		if err := s.lookIntoBodies(s.deep); err != nil {
			return err
		}
	}
	for i := range s.open {
		if s.open[i].decided {
			s.hit(&s.open[i])
		}
	}
	clear(s.open)
	s.open, s.uids, s.deep = s.open[:0], s.uids[:0], s.deep[:0]
	return nil
}

// lookAtFields decides what the fields in memory tell, and leaves the others in s.uids.
func (s *searchRun) lookAtFields() error {
	next, left := 0, s.uids[:0]
	return s.b.m.Fields(s.c.ctx, s.uids, func(uid maildir.UID, f maildir.Fields) error {
		x := s.openAt(&next, uid)
		x.fields = f
		switch s.prog.root.eval(x) {
		case isTrue:
			s.match(x)
		case isOpen:
			left = append(left, uid)
		}
		s.uids = left
		return nil
	})
}

// lookIntoHeaders decides what the index tells of the headers, and notes in s.deep where that is not enough.
func (s *searchRun) lookIntoHeaders() error {
	next := 0
	return s.b.m.Parsed(s.c.ctx, s.uids, func(uid maildir.UID, p maildir.Parsed) (err error) {
		x := s.openAt(&next, uid)
		if x.header, err = p.Header(); err != nil {
			return err
		}
		x.parsed, x.known, x.scan, s.scan.hasHeader = p, true, s.scan, false
		switch s.prog.root.eval(x) {
		case isTrue:
			s.match(x)
		case isOpen:
			s.deep = append(s.deep, next-1)
		}
		return s.c.ctx.Err()
	})
}

// openAt finds the undecided message of this UID, the next being at or behind *next.
func (s *searchRun) openAt(next *int, uid maildir.UID) *candidate {
	for s.open[*next].decided || s.open[*next].msg.UID != uid {
		*next++
	}
	*next++
	return &s.open[*next-1]
}
