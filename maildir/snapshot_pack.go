package maildir

import (
	"encoding/binary"
	"strings"
	"sync"

	"bascule/maildir/disk"
)

// The packed form of a chunk: per message the differences to the one before it, as
// varints, and of its name what is not the same at both ends. 100,000 messages that
// Bascule has named take 3 MB; as rows in the index they take 14.

// What the bits beside a message's kind say.
const (
	packInNew    = 1 << iota
	packSized    // base ends in the sizes: they are left out
	packSameTail // as the one before
	packBits     = iota
)

// pack appends the packed form of msgs to b.
func pack(b []byte, msgs []Message) []byte {
	prev, prevCore := &Message{}, ""
	for i := range msgs {
		m := &msgs[i]
		core, sized := strings.CutSuffix(m.base, disk.WithSizes("", m.Disk, m.Size))
		kind := uint64(m.Kind) << packBits
		if m.inNew {
			kind |= packInNew
		}
		if sized {
			kind |= packSized
		}
		if m.tail == prev.tail {
			kind |= packSameTail
		}
		b = binary.AppendUvarint(b, kind)
		b = binary.AppendUvarint(b, uint64(m.UID-prev.UID))
		b = binary.AppendVarint(b, int64(m.ModSeq-prev.ModSeq))
		b = binary.AppendUvarint(b, uint64(m.Flags))
		b = binary.AppendVarint(b, m.Size)
		b = binary.AppendVarint(b, m.Disk-m.Size)
		b = binary.AppendVarint(b, m.internal-prev.internal)
		b = binary.AppendVarint(b, m.saved-prev.saved)
		head, end := alike(prevCore, core)
		b = binary.AppendUvarint(b, uint64(head))
		b = binary.AppendUvarint(b, uint64(end))
		b = packString(b, core[head:len(core)-end])
		if m.tail != prev.tail {
			b = packString(b, m.tail)
		}
		b = packString(b, m.uidl)
		prev, prevCore = m, core
	}
	return b
}

func packString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// alike is how many bytes a and b have in common at their beginning, and of the rest at
// their end.
func alike(a, b string) (head, end int) {
	n := min(len(a), len(b))
	for head < n && a[head] == b[head] {
		head++
	}
	for end < n-head && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return head, end
}

// scratch is what reading a chunk needs for a moment. It is used again: fresh memory, which the kernel has to clear, was a third of what the first
// look at a large mailbox cost.
type scratch struct {
	packed []byte
	names  []byte // all base names, one behind the other
	ends   []int
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// unpack is the messages of which b is the packed form. It panics if b is anything else:
// whoever calls it has verified a checksum over what pack has made.
func (t *scratch) unpack(b []byte, count int) []Message {
	msgs := make([]Message, count)
	names, ends := t.names[:0], t.ends[:0]
	u := unpacker{b}
	prev := &Message{}
	var core []byte
	for i := range msgs {
		m := &msgs[i]
		kind := u.unsigned()
		m.Kind, m.inNew = kindOf(uint16(kind>>packBits)), kind&packInNew != 0
		m.UID = prev.UID + UID(u.unsigned())
		m.ModSeq = prev.ModSeq + ModSeq(u.signed())
		m.Flags = Flags(u.unsigned())
		m.Size = u.signed()
		m.Disk = m.Size + u.signed()
		m.internal = prev.internal + u.signed()
		m.saved = prev.saved + u.signed()
		start, head, end := len(names), u.unsigned(), u.unsigned()
		names = append(names, core[:head]...)
		names = append(names, u.text()...)
		names = append(names, core[len(core)-int(end):]...)
		core = names[start:len(names):len(names)]
		if kind&packSized != 0 {
			names = disk.AppendSizes(names, m.Disk, m.Size)
		}
		ends = append(ends, len(names))
		if m.tail = prev.tail; kind&packSameTail == 0 {
			m.tail = sharedBytes(u.text())
		}
		m.uidl = string(u.text())
		prev = m
	}
	all, start := string(names), 0
	for i, end := range ends {
		msgs[i].base, start = all[start:end], end
	}
	t.names, t.ends = names, ends
	return msgs
}

type unpacker struct{ b []byte }

func (u *unpacker) unsigned() uint64 {
	if c := u.b[0]; c < 0x80 {
		u.b = u.b[1:]
		return uint64(c) // as most are
	}
	return u.long()
}

func (u *unpacker) long() uint64 {
	v, n := binary.Uvarint(u.b)
	u.b = u.b[n:]
	return v
}

func (u *unpacker) signed() int64 {
	v := u.unsigned()
	return int64(v>>1) ^ -int64(v&1)
}

func (u *unpacker) text() []byte {
	n := u.unsigned()
	s := u.b[:n]
	u.b = u.b[n:]
	return s
}
