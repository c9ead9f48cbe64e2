package maildir

import (
	"context"
	"slices"

	"bascule/internal/message"
	"bascule/maildir/disk"
)

// Reading opens messages of one mailbox one after another, as FETCH and SEARCH do. When it is more than a few, small ones are read by way
// of their open directory: the walk along the path was a quarter of open(2). It is used by one goroutine and must be closed.
type Reading struct {
	m       *Mailbox
	asked   int
	held    *disk.Maildir // nil as long as it does not pay
	release func()
}

// holdAfter is after how many messages the directory is held open, which costs two calls.
const holdAfter = 4

// heldForMany is how many more are expected then.
const heldForMany = 64

// Reading begins to open messages.
func (m *Mailbox) Reading() Reading { return Reading{m: m} }

// Close ends it; bodies that are open stay so.
func (r *Reading) Close() {
	if r.held != nil {
		r.release()
		r.held = nil
	}
}

// Open is Mailbox.Open.
func (r *Reading) Open(ctx context.Context, msg *Message) (*Body, error) {
	if facts := msg.Facts(); atOnce(facts) {
		b, err := readBody(facts, func(buf []byte) (int, error) { return r.readInto(msg, buf) })
		if b != nil && err == nil {
			return b, nil
		}
	}
	return r.m.Open(ctx, msg) // which knows what to do about it
}

// ReadWhole reads a message of at most message.SmallMessage octets whose bytes on disk are those of the wire, into buf, which it lets grow;
// false if it is no such message or something about its file is not as expected: then Open tells.
func (r *Reading) ReadWhole(msg *Message, buf []byte) ([]byte, bool) {
	if !msg.Kind.Direct() || msg.Disk < 0 || msg.Disk > message.SmallMessage {
		return buf, false
	}
	n := int(msg.Disk)
	buf = slices.Grow(buf[:0], n+1)[:n+1] // one more, so that a longer file is noticed, and the end of the expected one
	got, err := r.readInto(msg, buf)
	return buf[:got], err == nil && got == n
}

func (r *Reading) readInto(msg *Message, buf []byte) (int, error) {
	dir := r.m.a.dir
	if r.asked++; r.asked > holdAfter {
		if r.held == nil {
			r.held, r.release = dir.Holding(heldForMany)
		}
		dir = r.held
	}
	return dir.ReadInto(msg.place(r.m.where.Load().dir), buf)
}
