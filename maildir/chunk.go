package maildir

import (
	"bytes"
	"slices"
	"sync/atomic"
)

// chunkSize is how many messages share one chunk: small enough that one flag in a
// mailbox of 100,000 copies little, large enough that the list of chunks stays short.
const chunkSize = 256

// chunk is a run of messages in UID order, never changed once it is in a snapshot. They may be packed, in a kept snapshot's file or, while nobody
// wants them, in memory: then they are unpacked when somebody looks at them.
type chunk struct {
	count, unseen int
	firstUnseen   int // its index in the chunk, if there is one
	last          UID // the highest

	opened atomic.Pointer[[]Message] // nil: packed
	folded atomic.Pointer[[]byte]    // the packed form, once somebody has folded the chunk
	kept   *keptFile                 // has the packed form until the chunk is opened; nil for a chunk that was made here
	at     keptSpan
	read   atomic.Bool // of kept it needs nothing any more

	summary atomic.Pointer[chunkSummary] // nil until somebody asks
}

// chunkSummary is what a chunk's messages have in common, so that who looks for something can pass it over.
type chunkSummary struct {
	newest   ModSeq // the highest
	any, all Flags  // that one of them has, and that every one has
}

// newChunk takes over msgs.
func newChunk(msgs []Message) *chunk {
	c := &chunk{count: len(msgs)}
	c.opened.Store(&msgs)
	for i := range msgs {
		if msgs[i].Flags&FlagSeen == 0 {
			if c.unseen++; c.unseen == 1 {
				c.firstUnseen = i
			}
		}
	}
	if len(msgs) > 0 {
		c.last = msgs[len(msgs)-1].UID
	}
	return c
}

// chunksOf cuts msgs into chunks.
func chunksOf(msgs []Message) (out []*chunk) {
	for part := range slices.Chunk(msgs, chunkSize) {
		out = append(out, newChunk(slices.Clip(part)))
	}
	return out
}

// msgs are the chunk's messages. They must not be changed. They stay where they are as long as somebody has them.
func (c *chunk) msgs() []Message {
	for {
		if l := c.opened.Load(); l != nil {
			return *l
		}
		if l, ok := c.unpack(); ok && c.opened.CompareAndSwap(nil, &l) {
			if c.kept != nil && c.read.CompareAndSwap(false, true) {
				c.kept.close()
			}
			return l
		}
	}
}

// unpack is false if somebody else was quicker and has closed the file.
func (c *chunk) unpack() ([]Message, bool) {
	t := scratches.Get().(*scratch)
	defer scratches.Put(t)
	b, err := c.packed(t)
	switch {
	case err == nil:
		return t.unpack(b, c.count), true
	case c.read.Load():
		return nil, false
	}
	c.kept.damaged.Store(true)
	return placeholders(c), true
}

// packed is the chunk's packed form, which is valid until t is used again. It is for a chunk that is not open; errKept, or an error of reading,
// may also come of one that somebody has opened meanwhile.
func (c *chunk) packed(t *scratch) ([]byte, error) {
	if b := c.folded.Load(); b != nil {
		return *b, nil
	}
	return c.kept.packed(c, t)
}

// messageOctets is what a message takes that is not packed, about.
const messageOctets = 190

// fold packs the messages, and leaves them to whoever has them: a third to a fifth of the memory is left. What nobody has opened stays as it is.
// It returns how many octets became garbage, about.
func (c *chunk) fold() (octets int64) {
	l := c.opened.Load()
	if l == nil {
		return 0
	}
	if c.folded.Load() == nil {
		t := scratches.Get().(*scratch)
		t.packed = pack(t.packed[:0], *l)
		b := bytes.Clone(t.packed)
		scratches.Put(t)
		c.folded.Store(&b)
	}
	c.opened.Store(nil)
	return int64(len(*l)) * messageOctets
}

// summed is the chunk's summary.
func (c *chunk) summed() *chunkSummary {
	if s := c.summary.Load(); s != nil {
		return s
	}
	s := &chunkSummary{all: ^Flags(0)}
	msgs := c.msgs()
	for i := range msgs {
		s.newest = max(s.newest, msgs[i].ModSeq)
		s.any |= msgs[i].Flags
		s.all &= msgs[i].Flags
	}
	c.summary.Store(s)
	return s
}
