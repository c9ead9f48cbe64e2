package maildir

import (
	"slices"
	"sync/atomic"
)

// chunkSize is how many messages share one chunk: small enough that one flag in a
// mailbox of 100,000 copies little, large enough that the list of chunks stays short.
const chunkSize = 256

// chunk is a run of messages in UID order, never changed once it is in a snapshot. Those of
// one that comes from a kept snapshot are read when somebody looks at them.
type chunk struct {
	count, unseen int
	firstUnseen   int // its index in the chunk, if there is one
	last          UID // the highest

	list   []Message
	kept   *keptFile // instead of list
	at     keptSpan
	opened atomic.Pointer[[]Message]

	summary atomic.Pointer[chunkSummary] // nil until somebody asks
}

// chunkSummary is what a chunk's messages have in common, so that who looks for something can pass it over.
type chunkSummary struct {
	newest   ModSeq // the highest
	any, all Flags  // that one of them has, and that every one has
}

// newChunk takes over msgs.
func newChunk(msgs []Message) *chunk {
	c := &chunk{count: len(msgs), list: msgs}
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

// msgs are the chunk's messages. They must not be changed.
func (c *chunk) msgs() []Message {
	if c.kept == nil {
		return c.list
	}
	if l := c.opened.Load(); l != nil {
		return *l
	}
	l := c.kept.open(c)
	if !c.opened.CompareAndSwap(nil, &l) {
		return *c.opened.Load() // a message is in one place, whoever asked first
	}
	c.kept.close()
	return l
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
