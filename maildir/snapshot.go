package maildir

import (
	"iter"
	"sort"
	"strings"
)

// Snapshot is the list of a mailbox's messages in UID order at one moment. It never
// changes and may be used by any goroutine without a lock; a change makes a new one
// that shares the chunks that stayed the same. POP3 freezes the one it got at login;
// an IMAP session in step holds just a pointer.
type Snapshot struct {
	uidValidity uint32
	uidNext     UID
	modSeq      ModSeq
	keywords    []string

	chunks []*chunk
	first  []int // first[i] is the index of chunks[i]'s first message
	count  int

	unseen, deleted, unsized int
	bytes, deletedBytes      int64 // of messages whose size is known
	disk                     int64
}

func (s *Snapshot) UIDValidity() uint32   { return s.uidValidity }
func (s *Snapshot) UIDNext() UID          { return s.uidNext }
func (s *Snapshot) HighestModSeq() ModSeq { return s.modSeq }

// Len is the number of messages.
func (s *Snapshot) Len() int { return s.count }

// Unseen and Deleted count messages without \Seen and with \Deleted.
func (s *Snapshot) Unseen() int  { return s.unseen }
func (s *Snapshot) Deleted() int { return s.deleted }

// Bytes is the sum of the known sizes, octets on the wire; Unsized counts the
// messages whose size is not known yet.
func (s *Snapshot) Bytes() int64        { return s.bytes }
func (s *Snapshot) DeletedBytes() int64 { return s.deletedBytes }
func (s *Snapshot) Unsized() int        { return s.unsized }

// At returns message i, 0 <= i < Len; its sequence number, for who numbers by this
// snapshot, is i+1.
func (s *Snapshot) At(i int) *Message {
	c := sort.Search(len(s.first), func(k int) bool { return s.first[k] > i }) - 1
	return &s.chunks[c].msgs()[i-s.first[c]]
}

// Lower returns the index of the first message with UID >= uid (Len if none).
func (s *Snapshot) Lower(uid UID) int {
	c := sort.Search(len(s.chunks), func(k int) bool { return s.chunks[k].last >= uid })
	if c == len(s.chunks) {
		return s.count
	}
	m := s.chunks[c].msgs()
	return s.first[c] + sort.Search(len(m), func(k int) bool { return m[k].UID >= uid })
}

// Index finds the message with this UID.
func (s *Snapshot) Index(uid UID) (int, bool) {
	i := s.Lower(uid)
	if i == s.count || s.At(i).UID != uid {
		return 0, false
	}
	return i, true
}

// Find is Index for who wants the message itself; nil if there is none.
func (s *Snapshot) Find(uid UID) *Message {
	if i, ok := s.Index(uid); ok {
		return s.At(i)
	}
	return nil
}

// All yields every message with its index, in order.
func (s *Snapshot) All() iter.Seq2[int, *Message] { return s.From(0) }

// From yields the messages from index i on.
func (s *Snapshot) From(i int) iter.Seq2[int, *Message] { return s.Since(i, 0) }

// Since yields the messages from index i on with a modseq above since. Chunks that have
// none cost one comparison.
func (s *Snapshot) Since(i int, since ModSeq) iter.Seq2[int, *Message] {
	return func(yield func(int, *Message) bool) {
		if i >= s.count {
			return
		}
		c := sort.Search(len(s.first), func(k int) bool { return s.first[k] > i }) - 1
		for ; c < len(s.chunks); c++ {
			if since > 0 && s.chunks[c].summed().newest <= since {
				continue
			}
			m := s.chunks[c].msgs()
			for k := max(i-s.first[c], 0); k < len(m); k++ {
				if since > 0 && m[k].ModSeq <= since {
					continue
				}
				if !yield(s.first[c]+k, &m[k]) {
					return
				}
			}
		}
	}
}

// fold packs the messages that nobody has looked at for a while; see chunk.fold.
func (s *Snapshot) fold() (octets int64) {
	for _, c := range s.chunks {
		octets += c.fold()
	}
	return octets
}

// WithFlags yields the messages from index from up to index to, that one not included, which have all flags of has and none of lacks. Chunks
// that have none of them cost a comparison, others some nanoseconds a message.
func (s *Snapshot) WithFlags(from, to int, has, lacks Flags) iter.Seq2[int, *Message] {
	return func(yield func(int, *Message) bool) {
		if to = min(to, s.count); from >= to || has&lacks != 0 {
			return
		}
		c := sort.Search(len(s.first), func(k int) bool { return s.first[k] > from }) - 1
		for ; c < len(s.chunks) && s.first[c] < to; c++ {
			if sum := s.chunks[c].summed(); has&^sum.any != 0 || lacks&sum.all != 0 {
				continue
			}
			m := s.chunks[c].msgs()
			m = m[:min(len(m), to-s.first[c])]
			for k := max(from-s.first[c], 0); k < len(m); k++ {
				if m[k].Flags&(has|lacks) == has && !yield(s.first[c]+k, &m[k]) {
					return
				}
			}
		}
	}
}

// FirstUnseen is the index of the first message without \Seen, -1 if there is none.
func (s *Snapshot) FirstUnseen() int {
	for c, chunk := range s.chunks {
		if chunk.unseen > 0 {
			return s.first[c] + chunk.firstUnseen
		}
	}
	return -1
}

// Keywords are the mailbox's keywords as first written; a message's keyword bits
// follow this order. The list only grows. It must not be changed.
func (s *Snapshot) Keywords() []string { return s.keywords }

// KeywordsFull says that no keyword can be added any more.
func (s *Snapshot) KeywordsFull() bool { return len(s.keywords) >= MaxKeywords }

// FlagNames is f in IMAP's words, without \Recent.
func (s *Snapshot) FlagNames(f Flags) []string { return s.AppendFlagNames(nil, f) }

// AppendFlagNames appends what FlagNames returns to dst.
func (s *Snapshot) AppendFlagNames(dst []string, f Flags) []string {
	for i := range systemFlags {
		if f&systemFlags[i].bit != 0 {
			dst = append(dst, systemFlags[i].name)
		}
	}
	if f >>= keywordShift; f != 0 {
		for i, k := range s.keywords {
			if f&(1<<i) != 0 {
				dst = append(dst, k)
			}
		}
	}
	return dst
}

// ParseFlags turns names into bits, case-insensitively; keywords that the mailbox
// does not have yet, and flags that cannot be stored, are listed in unknown.
func (s *Snapshot) ParseFlags(names []string) (f Flags, unknown []string) {
next:
	for _, name := range names {
		if bit, ok := systemFlag(name); ok {
			f |= bit
			continue
		}
		for i, k := range s.keywords {
			if strings.EqualFold(k, name) {
				f |= keywordBit(i)
				continue next
			}
		}
		unknown = append(unknown, name)
	}
	return f, unknown
}
