package maildir

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"bascule/internal/message"
	"bascule/maildir/disk"
)

// Body is an open message. Offsets and sizes are octets on the IMAP wire: bare LF has
// become CRLF, NUL has become 0x80. It is used by one goroutine and must be closed.
type Body struct {
	file  disk.File // nil if inMemory has it all
	facts message.Facts
	// inMemory is the wire form of a small message.
	inMemory []byte
	pooled   *[readAtOnce + 1]byte // under inMemory
}

// readAtOnce is up to which size a message is read when it is opened, if it is stored as on the wire: three system calls instead of seven,
// and no *os.File, which was a quarter of what FETCH of a message costs. Of longer ones sendfile saves the copy.
const readAtOnce = 32 << 10

// atOnce says whether a message is one of these.
func atOnce(f message.Facts) bool { return f.Kind.Direct() && f.Disk >= 0 && f.Disk <= readAtOnce }

var smallBodies = sync.Pool{New: func() any { return new([readAtOnce + 1]byte) }}

// readBody reads such a message; nil if its file is not as long as expected.
func readBody(facts message.Facts, read func(buf []byte) (int, error)) (*Body, error) {
	buf := smallBodies.Get().(*[readAtOnce + 1]byte)
	n, err := read(buf[:facts.Disk+1]) // one more, so that a longer file is noticed
	if err != nil || int64(n) != facts.Disk {
		smallBodies.Put(buf)
		return nil, err
	}
	return &Body{facts: facts, inMemory: buf[:n], pooled: buf}, nil
}

// convertInMemory is up to which size such a message is converted at once; of larger
// ones each Section converts from the beginning.
const convertInMemory = 4 << 20

// Size is the message's octets.
func (b *Body) Size() int64 { return b.facts.Wire }

// Facts tells what its bytes are.
func (b *Body) Facts() message.Facts { return b.facts }

// Kind is Facts().Kind.
func (b *Body) Kind() message.Kind { return b.facts.Kind }

// Close ends the use of the message, and of what Section gave.
func (b *Body) Close() error {
	if b.pooled != nil {
		smallBodies.Put(b.pooled)
		b.pooled, b.inMemory = nil, nil
	}
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// Section reads n octets from off on; fewer if the message ends before.
func (b *Body) Section(off, n int64) io.Reader {
	if off < 0 || off >= b.facts.Wire || n <= 0 {
		return bytes.NewReader(nil)
	}
	n = min(n, b.facts.Wire-off)
	switch {
	case b.inMemory != nil:
	case b.facts.Kind.Direct():
		return io.NewSectionReader(b.file, off, n)
	case b.facts.Wire <= convertInMemory:
		b.inMemory = make([]byte, 0, b.facts.Wire)
		buf := bytes.NewBuffer(b.inMemory)
		io.Copy(buf, message.NewWireReader(b.whole()))
		b.inMemory = buf.Bytes()
	}
	if b.inMemory != nil {
		return bytes.NewReader(b.memory(off, n))
	}
	r := message.NewWireReader(b.whole())
	io.CopyN(io.Discard, r, off)
	return io.LimitReader(r, n)
}

// memory is n octets of inMemory from off on, fewer if it ends before.
func (b *Body) memory(off, n int64) []byte {
	size := int64(len(b.inMemory))
	return b.inMemory[min(off, size):min(off+n, size)]
}

// Append appends n octets from off on to dst, fewer if the message ends before.
func (b *Body) Append(dst []byte, off, n int64) ([]byte, error) {
	if off < 0 || off >= b.facts.Wire || n <= 0 {
		return dst, nil
	}
	n = min(n, b.facts.Wire-off)
	if b.inMemory != nil {
		return append(dst, b.memory(off, n)...), nil
	}
	at := len(dst)
	dst = slices.Grow(dst, int(n))[:at+int(n)]
	var got int
	var err error
	if b.facts.Kind.Direct() {
		got, err = b.file.ReadAt(dst[at:], off)
	} else {
		got, err = io.ReadFull(b.Section(off, n), dst[at:])
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return dst[:at+got], err
}

// whole is the bytes on disk.
func (b *Body) whole() io.Reader {
	if b.file == nil {
		return bytes.NewReader(b.inMemory)
	}
	return io.NewSectionReader(b.file, 0, b.facts.Disk)
}

// WriteRange writes n octets from off on. Where the bytes on disk are those of the wire
// and w can read from a file (a plain TCP connection), they do not pass through user
// space. If the file is shorter than it was, the rest is filled with spaces, so that
// the literal that was announced stays in step.
func (b *Body) WriteRange(w io.Writer, off, n int64) (int64, error) {
	if off < 0 || n <= 0 || off >= b.facts.Wire {
		return 0, nil
	}
	n = min(n, b.facts.Wire-off)
	var done int64
	var err error
	if b.inMemory != nil {
		var wrote int
		wrote, err = w.Write(b.memory(off, n))
		done = int64(wrote)
	} else if f := disk.OSFile(b.file); f != nil && b.facts.Kind.Direct() {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return 0, fmt.Errorf("maildir: read message: %w", err)
		}
		done, err = io.Copy(w, io.LimitReader(f, n))
	} else {
		done, err = io.Copy(w, b.Section(off, n))
	}
	if err != nil || done == n {
		return done, err
	}
	fill, err := io.Copy(w, io.LimitReader(spaces{}, n-done))
	return done + fill, err
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Open opens a message. One that was expunged meanwhile is ErrGone; one whose file was
// renamed is found under its new name.
func (m *Mailbox) Open(ctx context.Context, msg *Message) (*Body, error) {
	b, err := m.a.openBody(msg.place(m.where.Load().dir), msg.Facts())
	if err == nil && b.facts.Disk != msg.Disk {
		m.correct(ctx, msg, b.facts)
	}
	if !isMissing(err) {
		return b, err
	}
	// The name may be that of an older snapshot, or a stranger may have renamed the
	// file: look again, twice.
	for range 2 {
		if _, err := m.Refresh(ctx); err != nil {
			return nil, err
		}
		now := m.current.Load().Find(msg.UID)
		if now == nil {
			return nil, ErrGone
		}
		b, err = m.a.openBody(now.place(m.where.Load().dir), now.Facts())
		if !isMissing(err) {
			return b, err
		}
		if err := m.scan(ctx, true); err != nil {
			return nil, err
		}
	}
	return nil, ErrGone
}

// correct notes what the bytes of a file are that a stranger changed, and forgets what
// was parsed of it: its offsets would cut the new text at the wrong places.
func (m *Mailbox) correct(ctx context.Context, msg *Message, f message.Facts) {
	if err := m.distrustText(ctx, msg.UID); err != nil {
		m.a.textsFailed(err)
	}
	err := m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		now := m.current.Load().Find(msg.UID)
		if now == nil || now.base != msg.base || now.Disk == f.Disk {
			return nil
		}
		n := *now
		n.Disk, n.Size, n.Kind = f.Disk, f.Wire, f.Kind
		if err := w.ForgetParsed(m.f.row.ID, uint32(n.UID)); err != nil {
			return err
		}
		m.fields.forget()
		return w.change(m.f).refact(w, now, n)
	})
	if err != nil {
		m.a.log.Warn("the size of a changed file could not be noted", "folder", m.Name(), "uid", msg.UID, "err", err)
	}
}

func (a *Account) openBody(p disk.Place, facts message.Facts) (*Body, error) {
	if atOnce(facts) {
		b, err := readBody(facts, func(buf []byte) (int, error) { return a.dir.ReadInto(p, buf) })
		if b != nil || err != nil {
			return b, err
		}
	}
	f, err := a.dir.Open(p)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("maildir: open message: %w", err)
	}
	if facts.Kind&message.Known == 0 || facts.Disk != st.Size() {
		// Unknown, or a stranger changed the file's length: what is on disk now is
		// what will be sent.
		if facts, err = factsOf(io.NewSectionReader(f, 0, st.Size())); err != nil {
			f.Close()
			return nil, fmt.Errorf("maildir: open message: %w", err)
		}
	}
	return &Body{file: f, facts: facts}, nil
}

func factsOf(r io.Reader) (message.Facts, error) {
	buf := measuring.Get().(*[64 << 10]byte)
	defer measuring.Put(buf)
	var s message.Scanner
	for {
		n, err := r.Read(buf[:])
		s.Write(buf[:n])
		if err == io.EOF {
			return s.Facts(), nil
		}
		if err != nil {
			return message.Facts{}, err
		}
	}
}

// measuring has the buffers of factsOf: to clear a new one, as io.Copy does, costs more
// than to read a message of average size.
var measuring = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// measure reads a file to learn what its bytes are.
func (a *Account) measure(p disk.Place) (message.Facts, error) {
	f, err := a.dir.Open(p)
	if err != nil {
		return message.Facts{}, err
	}
	defer f.Close()
	return factsOf(f)
}
