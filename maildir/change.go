package maildir

import (
	"fmt"
	"math"
	"slices"

	"bascule/internal/message"
	"bascule/maildir/index"
)

func kindOf(k uint16) message.Kind { return message.Kind(k) }

// commonTails are the ends of file names that most messages have: one string each
// instead of one per message.
var commonTails = func() map[string]string {
	m := map[string]string{}
	for _, t := range []string{"", ":2,", ":2,S", ":2,RS", ":2,FS", ":2,F", ":2,T", ":2,ST", ":2,FRS", ":2,D", ":2,DS"} {
		m[t] = t
	}
	return m
}()

func shared(tail string) string {
	if t, ok := commonTails[tail]; ok {
		return t
	}
	return tail
}

func sharedBytes(tail []byte) string {
	if t, ok := commonTails[string(tail)]; ok {
		return t
	}
	return string(tail)
}

// maxUID keeps clear of the values that other programs take for broken.
const maxUID = math.MaxUint32 - 1

// bump gives the change its modseq: one for everything it does to the folder.
func (c *change) bump() ModSeq {
	if c.row.ModSeq == c.f.row.ModSeq {
		c.row.ModSeq++
	}
	return ModSeq(c.row.ModSeq)
}

// nextUID takes the next UID.
func (c *change) nextUID() (UID, error) {
	if c.row.UIDNext >= maxUID {
		return 0, fmt.Errorf("%w: %s", ErrUIDsExhausted, c.row.Name)
	}
	uid := UID(c.row.UIDNext)
	c.row.UIDNext++
	return uid, nil
}

// tally adds or takes away one message's share of the folder's counters.
func (c *change) tally(m *Message, sign int64) {
	r := &c.row
	r.Messages += sign
	if m.Flags&FlagSeen == 0 {
		r.Unseen += sign
	}
	if m.Flags&FlagDeleted != 0 {
		r.Deleted += sign
	}
	if m.Disk > 0 {
		r.Disk += sign * m.Disk
	}
	if m.Size < 0 {
		r.Unsized += sign
		return
	}
	r.Wire += sign * m.Size
	if m.Flags&FlagDeleted != 0 {
		r.WireDeleted += sign * m.Size
	}
}

// add inserts a message that has its UID already. Additions must come in UID order.
func (c *change) add(w *writing, m Message) error {
	m.ModSeq = c.bump()
	r := rowOf(&m)
	if err := w.AddMessage(c.row.ID, &r); err != nil {
		return err
	}
	c.put(m)
	return nil
}

// put is add without the row, which addRows is to write.
func (c *change) put(m Message) {
	m.ModSeq = c.bump()
	c.tally(&m, 1)
	c.edit.add = append(c.edit.add, m)
}

// addRows inserts the rows of all additions from the from-th on, several by one statement.
func (c *change) addRows(w *writing, from int) error {
	rows := make([]index.Message, 0, min(len(c.edit.add)-from, index.RowsAtOnce))
	for part := range slices.Chunk(c.edit.add[from:], index.RowsAtOnce) {
		rows = rows[:0]
		for i := range part {
			rows = append(rows, rowOf(&part[i]))
		}
		if err := w.AddMessages(c.row.ID, rows); err != nil {
			return err
		}
	}
	return nil
}

// replace writes new flags and a new file name; told says that clients must hear of it.
// Replacements must come in UID order.
func (c *change) replace(w *writing, old *Message, m Message, told bool) error {
	c.swap(old, &m, told)
	return c.saveRun(w, &m, m.UID)
}

// swap is replace without the row, which saveRun is to write.
func (c *change) swap(old, m *Message, told bool) {
	if told {
		m.ModSeq = c.bump()
	}
	c.tally(old, -1)
	c.tally(m, 1)
	c.edit.replace = append(c.edit.replace, *m)
}

// saveRun gives every message from m to last the flags, the modseq and the end of the name
// that m has.
func (c *change) saveRun(w *writing, m *Message, last UID) error {
	r := rowOf(m)
	return w.SetFlags(c.row.ID, &r, uint32(last))
}

// refact writes what a message's bytes turned out to be.
func (c *change) refact(w *writing, old *Message, m Message) error {
	c.row.Silent++
	if err := w.SetFacts(c.row.ID, uint32(m.UID), m.Disk, m.Size, uint16(m.Kind)); err != nil {
		return err
	}
	c.tally(old, -1)
	c.tally(&m, 1)
	c.edit.replace = append(c.edit.replace, m)
	return nil
}

// remove deletes the rows of messages of s, the newest snapshot, and keeps their UIDs in the expunge history. They must come in UID
// order. Neighbours go together, which costs half of what one after the other does.
func (c *change) remove(w *writing, s *Snapshot, msgs []*Message, announced bool) error {
	for len(msgs) > 0 {
		n := neighbours(s, msgs)
		if err := w.RemoveMessages(c.row.ID, uint32(msgs[0].UID), uint32(msgs[n-1].UID), uint64(c.bump()), announced); err != nil {
			return err
		}
		for _, m := range msgs[:n] {
			c.tally(m, -1)
			c.edit.remove = append(c.edit.remove, m.UID)
		}
		msgs = msgs[n:]
	}
	return nil
}

// neighbours says how many of msgs, from the first on, follow one another in s without others between them.
func neighbours(s *Snapshot, msgs []*Message) int {
	at := s.Lower(msgs[0].UID)
	for n := 1; n < len(msgs); n++ {
		if at+n >= s.Len() || s.At(at+n).UID != msgs[n].UID {
			return n
		}
	}
	return len(msgs)
}

// trim keeps the expunge history bounded. It looks once per opening of the account and
// then whenever an eighth of the bound has come, at a price that does not depend on the
// history's length.
func (c *change) trim(w *writing) error {
	keep := w.a.store.opts.KeepExpunged
	c.f.untrimmed += len(c.edit.remove)
	if len(c.edit.remove) == 0 || c.f.trimmed && c.f.untrimmed < max(keep/8, 1) {
		return nil
	}
	c.f.trimmed, c.f.untrimmed = true, 0
	forgotten, err := w.TrimExpunged(c.row.ID, keep)
	if err == nil && forgotten > c.row.Forgotten {
		c.row.Forgotten = forgotten
	}
	return err
}
