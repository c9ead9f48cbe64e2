package imap

import (
	"errors"
	"slices"

	"bascule/internal/message"
	"bascule/maildir"
)

// fetchSender writes the answers of one FETCH.
type fetchSender struct {
	c     *conn
	plan  *fetchPlan
	seen  []maildir.UID     // became \Seen by this command, ascending; their flags are told too
	sized *maildir.Snapshot // has sizes that the view's snapshot lacks; nil if none are lacking

	gone            bool // some messages had gone
	unknownEncoding bool // some parts asked for by BINARY cannot be decoded

	f                  fetched                // the message whose answer is made
	emailIDs, previews map[maildir.UID]string // of the batch

	uids []maildir.UID
	nums []SeqNum // of uids
}

// fetchBatch is how many messages are asked of the index at once.
const fetchBatch = 256

// send answers for all messages of the runs. What is gone is passed over and noted.
func (s *fetchSender) send(spans []span) error {
	s.f.c, s.f.from = s.c, s.c.box.m.Reading()
	defer s.f.from.Close()
	for seq, m := range s.c.box.view.eachSince(spans, s.plan.since) {
		switch {
		case m == nil:
			s.gone = true
		case s.plan.changed && m.ModSeq <= s.plan.since:
		case !s.plan.parsed:
			if err := s.one(seq, m); err != nil {
				return err
			}
		default:
			s.uids, s.nums = append(s.uids, m.UID), append(s.nums, seq)
			if len(s.uids) == fetchBatch {
				if err := s.batch(); err != nil {
					return err
				}
			}
		}
	}
	return s.batch()
}

// batch answers for messages of which something in the index is wanted.
func (s *fetchSender) batch() error {
	if len(s.uids) == 0 {
		return nil
	}
	if s.plan.derived {
		if err := s.derive(); err != nil {
			return err
		}
	}
	next := 0
	err := s.c.box.m.Parsed(s.c.ctx, s.uids, func(uid maildir.UID, p maildir.Parsed) error {
		for s.uids[next] != uid {
			next, s.gone = next+1, true
		}
		seq := s.nums[next]
		next++
		s.f.parsed = p
		return s.one(seq, s.c.box.view.Message(seq))
	})
	s.gone = s.gone || next < len(s.uids)
	s.uids, s.nums = s.uids[:0], s.nums[:0]
	return err
}

// one answers for one message.
func (s *fetchSender) one(seq SeqNum, m *maildir.Message) error {
	f := &s.f
	if err := s.c.ctx.Err(); err != nil {
		return err
	}
	f.seq, f.msg = seq, m
	defer f.close()
	err := s.prepare(f)
	switch {
	case errors.Is(err, maildir.ErrGone):
		s.gone = true
		return nil
	case errors.Is(err, message.ErrUnknownEncoding):
		s.unknownEncoding = true
		return nil
	case err != nil:
		return err
	}
	s.write(f)
	if s.c.enc.Err() != nil {
		return errClientGone
	}
	return nil
}

// prepare finds everything that may fail, before the first byte is written.
func (s *fetchSender) prepare(f *fetched) (err error) {
	f.pieces = f.pieces[:0]
	for i := range s.plan.items {
		it := &s.plan.items[i]
		var p piece
		switch it.kind {
		case itemSection:
			p, err = f.bodySection(it.section, it.kept)
		case itemBinary, itemBinarySize:
			p, err = f.binary(it.section)
		case itemSize:
			p.n, err = s.size(f.msg)
		case itemEmailID:
			p.id = s.emailIDs[f.msg.UID]
			if p.id == "" {
				err = maildir.ErrGone
			}
		case itemThreadID:
			p.id, err = f.parsed.ThreadID()
		case itemPreview:
			p.id, p.none = s.previews[f.msg.UID], true
			if _, known := s.previews[f.msg.UID]; known {
				p.none = false
			} else if !it.lazy {
				err = maildir.ErrGone
			}
		case itemEnvelope:
			p.env, err = f.unpack.Envelope(f.parsed)
		case itemBody, itemBodyStructure:
			_, err = f.structure()
		}
		if err != nil {
			return err
		}
		f.pieces = append(f.pieces, p)
	}
	return nil
}

// size is RFC822.SIZE.
func (s *fetchSender) size(m *maildir.Message) (int64, error) {
	if m.Size < 0 && s.sized != nil {
		if m = s.sized.Find(m.UID); m == nil {
			return 0, maildir.ErrGone
		}
	}
	if m.Size < 0 {
		return 0, maildir.ErrGone // its file could not be read
	}
	return m.Size, nil
}

// write writes one FETCH response.
func (s *fetchSender) write(f *fetched) {
	c := s.c
	c.beginFetch(f.seq, f.msg)
	first := true
	space := func() {
		if !first {
			c.enc.SP()
		}
		first = false
	}
	hasFlags, hasUID, hasModSeq := false, false, false
	for i := range s.plan.items {
		it := &s.plan.items[i]
		hasFlags = hasFlags || it.kind == itemFlags
		hasUID = hasUID || it.kind == itemUID
		hasModSeq = hasModSeq || it.kind == itemModSeq
		space()
		s.item(f, it, &f.pieces[i])
	}
	if _, told := slices.BinarySearch(s.seen, f.msg.UID); told {
		if !hasFlags {
			space()
			c.enc.Atom("FLAGS ")
			c.writeFlags(f.msg)
		}
		if c.on.condstore && !hasUID && !c.on.uidOnly {
			// RFC 7162 §3.2.4: news of \Seen, unlike a mere answer, must hold the UID.
			space()
			c.enc.Atom("UID ").Number(uint32(f.msg.UID))
		}
		if c.on.condstore && !hasModSeq {
			space()
			c.writeModSeq(f.msg)
		}
	}
	c.enc.Special(')').CRLF()
}

// item writes one item with its name.
func (s *fetchSender) item(f *fetched, it *fetchItem, p *piece) {
	c := s.c
	switch it.kind {
	case itemFlags:
		c.enc.Atom("FLAGS ")
		c.writeFlags(f.msg)
	case itemUID:
		c.enc.Atom("UID ").Number(uint32(f.msg.UID))
	case itemInternalDate:
		c.enc.Atom("INTERNALDATE ").DateTime(f.msg.InternalDate())
	case itemSaveDate:
		c.enc.Atom("SAVEDATE ").DateTime(f.msg.SaveDate())
	case itemSize:
		c.enc.Atom("RFC822.SIZE ").Number64(uint64(p.n))
	case itemModSeq:
		c.writeModSeq(f.msg)
	case itemEmailID:
		c.enc.Atom("EMAILID (").Atom(p.id).Special(')')
	case itemThreadID:
		c.enc.Atom("THREADID (").Atom(p.id).Special(')')
	case itemPreview:
		c.enc.Atom("PREVIEW ")
		if p.none {
			c.enc.NIL()
		} else {
			c.enc.String(p.id)
		}
	case itemEnvelope:
		c.enc.Atom("ENVELOPE ")
		writeEnvelope(c.enc, p.env)
	case itemBody, itemBodyStructure:
		if it.kind == itemBody {
			c.enc.Atom("BODY ")
		} else {
			c.enc.Atom("BODYSTRUCTURE ")
		}
		structure{enc: c.enc, extended: it.kind == itemBodyStructure, global: c.on.rev2}.part(f.root)
	case itemSection, itemBinary:
		c.sum.fetched++
		switch {
		case it.label != "":
			c.enc.Atom(it.label)
		case it.kind == itemSection:
			c.enc.Atom("BODY").Section(it.section)
		default:
			c.enc.Atom("BINARY").Section(it.section)
		}
		if it.partial != nil {
			c.enc.Special('<').Number64(it.partial.Offset).Special('>')
		}
		c.enc.SP()
		f.writePiece(c.enc, *p, it.partial)
	case itemBinarySize:
		c.enc.Atom("BINARY.SIZE").Section(it.section).SP().Number64(uint64(p.n))
	}
}
