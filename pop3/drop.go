package pop3

import (
	"iter"

	"bascule/maildir"
)

// drop is the frozen maildrop of one session with the session's marks.
type drop struct {
	mail       *maildir.Maildrop
	deleted    []bool
	seen       []bool // read to the end in this session
	left       int    // messages without a mark
	leftOctets int64
	all        int64 // octets of all messages
	written    bool  // the marks have been carried out or refused
}

func newDrop(mail *maildir.Maildrop) *drop {
	d := &drop{mail: mail, deleted: make([]bool, mail.Len()), seen: make([]bool, mail.Len()), left: mail.Len()}
	for i := range mail.Len() {
		d.all += mail.Octets(i)
	}
	d.leftOctets = d.all
	return d
}

func (d *drop) octets(i int) int64 { return d.mail.Octets(i) }

// find turns a message number into an index.
func (d *drop) find(n int64) (int, error) {
	if n < 1 || n > int64(len(d.deleted)) {
		return -1, bad("No such message")
	}
	if d.deleted[n-1] {
		return -1, bad("Message is marked as deleted")
	}
	return int(n - 1), nil
}

// each yields the indexes of the messages without a mark.
func (d *drop) each() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, gone := range d.deleted {
			if !gone && !yield(i) {
				return
			}
		}
	}
}

func (d *drop) mark(i int) {
	d.deleted[i] = true
	d.left--
	d.leftOctets -= d.octets(i)
}

func (d *drop) unmarkAll() {
	clear(d.deleted)
	d.left, d.leftOctets = len(d.deleted), d.all
}

// marks lists what QUIT has to do; a message that goes needs no flag.
func (d *drop) marks(markSeen bool) (deleted, seen []int) {
	for i := range d.deleted {
		switch {
		case d.deleted[i]:
			deleted = append(deleted, i)
		case markSeen && d.seen[i]:
			seen = append(seen, i)
		}
	}
	return deleted, seen
}

// read lists the messages that were sent to their end, marked or not, for a session that ends without QUIT.
func (d *drop) read() (seen []int) {
	for i, yes := range d.seen {
		if yes {
			seen = append(seen, i)
		}
	}
	return seen
}
