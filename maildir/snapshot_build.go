package maildir

import "slices"

// snapshotHead is what a snapshot has beside its messages.
type snapshotHead struct {
	uidValidity uint32
	uidNext     UID
	modSeq      ModSeq
	keywords    []string
}

// newSnapshot takes over msgs, which must be in ascending UID order.
func newSnapshot(h snapshotHead, msgs []Message) *Snapshot {
	return assemble(h, chunksOf(msgs))
}

// assemble makes a snapshot of chunks and counts them anew.
func assemble(h snapshotHead, chunks []*chunk) *Snapshot {
	s := &Snapshot{uidValidity: h.uidValidity, uidNext: h.uidNext, modSeq: h.modSeq, keywords: h.keywords, chunks: chunks}
	s.first = make([]int, len(chunks))
	for i, c := range chunks {
		s.first[i] = s.count
		s.count += c.count
		for k := range c.msgs() {
			s.tally(&c.msgs()[k], 1)
		}
	}
	return s
}

// tally adds (sign 1) or takes away (-1) one message's share of the counters.
func (s *Snapshot) tally(m *Message, sign int) {
	if m.Flags&FlagSeen == 0 {
		s.unseen += sign
	}
	if m.Flags&FlagDeleted != 0 {
		s.deleted += sign
	}
	if m.Size < 0 {
		s.unsized += sign
	} else {
		s.bytes += int64(sign) * m.Size
		if m.Flags&FlagDeleted != 0 {
			s.deletedBytes += int64(sign) * m.Size
		}
	}
	if m.Disk > 0 {
		s.disk += int64(sign) * m.Disk
	}
}

// edit is a change to a snapshot: messages that take the place of those with the
// same UID, UIDs that go, messages that come. Each list is in ascending UID order.
type edit struct {
	replace []Message
	remove  []UID
	add     []Message
}

func (e *edit) size() int { return len(e.replace) + len(e.remove) + len(e.add) }

func (e *edit) empty() bool { return e.size() == 0 }

// apply makes the snapshot after e. It copies only the chunks that e touches; what it
// costs beyond that is one pointer per chunk. UIDs that are not there are ignored.
func (s *Snapshot) apply(h snapshotHead, e edit) *Snapshot {
	n := &Snapshot{
		uidValidity: h.uidValidity, uidNext: h.uidNext, modSeq: h.modSeq, keywords: h.keywords,
		unseen: s.unseen, deleted: s.deleted, unsized: s.unsized,
		bytes: s.bytes, deletedBytes: s.deletedBytes, disk: s.disk,
	}
	n.chunks = make([]*chunk, 0, len(s.chunks)+len(e.add)/chunkSize+1)
	replace, remove, add := e.replace, e.remove, e.add
	for i, c := range s.chunks {
		last := c.last
		if i == len(s.chunks)-1 {
			last = ^UID(0) // the last chunk takes everything that comes after it
		}
		r := cut(&replace, last, func(m *Message) UID { return m.UID })
		g := cut(&remove, last, func(u *UID) UID { return *u })
		a := cut(&add, last, func(m *Message) UID { return m.UID })
		if len(r)+len(g)+len(a) == 0 {
			n.chunks = append(n.chunks, c)
			continue
		}
		n.chunks = append(n.chunks, chunksOf(n.mergeChunk(c.msgs(), r, g, a))...)
	}
	if len(s.chunks) == 0 {
		n.chunks = chunksOf(n.mergeChunk(nil, nil, nil, add))
	}
	n.joinSmall()
	n.first = make([]int, len(n.chunks))
	for i, c := range n.chunks {
		n.first[i] = n.count
		n.count += c.count
	}
	return n
}

// cut takes the leading elements with a UID <= last off list.
func cut[T any](list *[]T, last UID, uid func(*T) UID) []T {
	i := 0
	for i < len(*list) && uid(&(*list)[i]) <= last {
		i++
	}
	head := (*list)[:i]
	*list = (*list)[i:]
	return head
}

// mergeChunk is old with the changes made, in UID order; it keeps n's counters true.
// An added message whose UID is there already takes its place.
func (n *Snapshot) mergeChunk(old, replace []Message, remove []UID, add []Message) []Message {
	out := make([]Message, 0, len(old)+len(add))
	for i := range old {
		m := old[i]
		for len(add) > 0 && add[0].UID < m.UID {
			n.tally(&add[0], 1)
			out, add = append(out, add[0]), add[1:]
		}
		for len(remove) > 0 && remove[0] < m.UID {
			remove = remove[1:]
		}
		for len(replace) > 0 && replace[0].UID < m.UID {
			replace = replace[1:]
		}
		if len(remove) > 0 && remove[0] == m.UID {
			n.tally(&m, -1)
			continue
		}
		if len(add) > 0 && add[0].UID == m.UID {
			n.tally(&m, -1)
			m, add = add[0], add[1:]
			n.tally(&m, 1)
		} else if len(replace) > 0 && replace[0].UID == m.UID {
			n.tally(&m, -1)
			m = replace[0]
			n.tally(&m, 1)
		}
		out = append(out, m)
	}
	for i := range add {
		n.tally(&add[i], 1)
		out = append(out, add[i])
	}
	return out
}

// joinSmall keeps many single appends or removals from leaving many tiny chunks:
// neighbours that fit into one chunk together become one.
func (n *Snapshot) joinSmall() {
	out := n.chunks[:0]
	for _, c := range n.chunks {
		if c.count == 0 {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].count+c.count <= chunkSize/2 {
			out[k] = newChunk(slices.Concat(out[k].msgs(), c.msgs()))
			continue
		}
		out = append(out, c)
	}
	clear(n.chunks[len(out):])
	n.chunks = out
}

func (s *Snapshot) sameHead(h snapshotHead) bool {
	return s.uidValidity == h.uidValidity && s.uidNext == h.uidNext && s.modSeq == h.modSeq && len(s.keywords) == len(h.keywords)
}

func (s *Snapshot) head() snapshotHead {
	return snapshotHead{s.uidValidity, s.uidNext, s.modSeq, s.keywords}
}
