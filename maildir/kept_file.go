package maildir

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"sync/atomic"

	"bascule/maildir/disk"
)

const keptMagic = "bascule snapshot 1\n\x00"

// keptHead is the fixed beginning of the file, behind the magic. A table with a keptChunk
// for each chunk follows, the CRC-32C of all that, and then the packed chunks.
type keptHead struct {
	Stamp, ModSeq                 int64
	Boot                          uint64 // the start of the system in which it was written
	UIDValidity, Messages, Chunks uint32
	Unseen, Deleted, Unsized      uint32
	Bytes, DeletedBytes, Disk     int64
}

type keptChunk struct {
	Messages, Unseen, FirstUnseen, Reserved uint16
	Last, Length, Sum                       uint32 // Sum is the CRC-32C of its packed form
}

var (
	keptHeadSize  = binary.Size(keptHead{})
	keptChunkSize = binary.Size(keptChunk{})
	castagnoli    = crc32.MakeTable(crc32.Castagnoli)
)

// keptFile is an open file whose chunks are not all read yet. It is closed when they are, or
// when nobody has any of them any more.
type keptFile struct {
	f       disk.File
	left    atomic.Int32 // chunks that nobody has opened
	damaged *atomic.Bool // is set if one cannot be read
}

// keptSpan is where a chunk's packed form lies.
type keptSpan struct {
	from   int64
	length uint32
	sum    uint32
}

var errKept = errors.New("maildir: damaged kept snapshot")

// packed reads a chunk's packed form, which is valid until t is used again.
func (k *keptFile) packed(c *chunk, t *scratch) ([]byte, error) {
	t.packed = slices.Grow(t.packed[:0], int(c.at.length))[:c.at.length]
	b := t.packed
	if _, err := k.f.ReadAt(b, c.at.from); err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != c.at.sum {
		return nil, errKept
	}
	return b, nil
}

// close counts an opened chunk.
func (k *keptFile) close() {
	if k.left.Add(-1) == 0 {
		k.f.Close()
	}
}

// placeholders are messages that have as many UIDs as the chunk and no file.
func placeholders(c *chunk) []Message {
	l := make([]Message, c.count)
	for i := range l {
		l[i] = Message{UID: c.last - UID(c.count-1-i), Size: -1, Disk: -1}
	}
	return l
}

// encodeKept is the file for s, a state with this stamp.
func encodeKept(s *Snapshot, stamp int64, boot uint64) ([]byte, error) {
	h := keptHead{
		Stamp: stamp, ModSeq: int64(s.modSeq), Boot: boot, UIDValidity: s.uidValidity, Messages: uint32(s.count), Chunks: uint32(len(s.chunks)),
		Unseen: uint32(s.unseen), Deleted: uint32(s.deleted), Unsized: uint32(s.unsized), Bytes: s.bytes, DeletedBytes: s.deletedBytes, Disk: s.disk,
	}
	start := len(keptMagic) + keptHeadSize + len(s.chunks)*keptChunkSize + crc32.Size
	b := make([]byte, start, start+40*s.count)
	head, _ := binary.Append(append(b[:0], keptMagic...), binary.LittleEndian, h)
	var t scratch
	for _, c := range s.chunks {
		at := len(b)
		if l := c.opened.Load(); l != nil {
			b = pack(b, *l)
		} else if packed, err := c.packed(&t); err == nil {
			b = append(b, packed...)
		} else if c.read.Load() { // meanwhile, and the file is closed
			b = pack(b, c.msgs())
		} else {
			return nil, err
		}
		head, _ = binary.Append(head, binary.LittleEndian, keptChunk{
			Messages: uint16(c.count), Unseen: uint16(c.unseen), FirstUnseen: uint16(c.firstUnseen),
			Last: uint32(c.last), Length: uint32(len(b) - at), Sum: crc32.Checksum(b[at:], castagnoli),
		})
	}
	copy(b, binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli)))
	return b, nil
}

// firstRead is how much of a file is read at first: all of the table up to 200,000 messages.
const firstRead = 16 << 10

// decodeKept reads the table. The snapshot has no keywords and no next UID: these are the row's. It goes
// on using f until all its chunks are opened.
func decodeKept(f disk.File, boot uint64, damaged *atomic.Bool) (s *Snapshot, stamp int64, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	b := make([]byte, min(st.Size(), firstRead))
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, 0, err
	}
	if len(b) < len(keptMagic)+keptHeadSize || string(b[:len(keptMagic)]) != keptMagic {
		return nil, 0, errKept
	}
	var h keptHead
	binary.Decode(b[len(keptMagic):], binary.LittleEndian, &h)
	table := len(keptMagic) + keptHeadSize
	data := int64(table) + int64(h.Chunks)*int64(keptChunkSize) + crc32.Size
	if data > st.Size() {
		return nil, 0, errKept
	}
	if int64(len(b)) < data {
		b = make([]byte, data)
		if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
			return nil, 0, err
		}
	}
	b = b[:data]
	sum := binary.LittleEndian.Uint32(b[len(b)-crc32.Size:])
	if b = b[:len(b)-crc32.Size]; crc32.Checksum(b, castagnoli) != sum {
		return nil, 0, errKept
	}
	s = &Snapshot{
		uidValidity: h.UIDValidity, modSeq: ModSeq(h.ModSeq),
		chunks: make([]*chunk, h.Chunks), first: make([]int, h.Chunks),
		unseen: int(h.Unseen), deleted: int(h.Deleted), unsized: int(h.Unsized), bytes: h.Bytes, deletedBytes: h.DeletedBytes, disk: h.Disk,
	}
	k := &keptFile{f: f, damaged: damaged}
	k.left.Store(int32(h.Chunks))
	all, b := make([]chunk, h.Chunks), b[table:]
	for i := range all {
		c := &all[i]
		at := b[i*keptChunkSize:]
		c.count, c.unseen = int(binary.LittleEndian.Uint16(at)), int(binary.LittleEndian.Uint16(at[2:]))
		c.firstUnseen, c.last = int(binary.LittleEndian.Uint16(at[4:])), UID(binary.LittleEndian.Uint32(at[8:]))
		c.kept, c.at = k, keptSpan{data, binary.LittleEndian.Uint32(at[12:]), binary.LittleEndian.Uint32(at[16:])}
		data += int64(c.at.length)
		s.chunks[i], s.first[i] = c, s.count
		s.count += c.count
	}
	if data != st.Size() || s.count != int(h.Messages) {
		return nil, 0, errKept
	}
	if h.Boot == 0 || h.Boot != boot {
		var t scratch
		for _, c := range s.chunks {
			if _, err := k.packed(c, &t); err != nil {
				return nil, 0, err
			}
		}
	}
	return s, h.Stamp, nil
}
