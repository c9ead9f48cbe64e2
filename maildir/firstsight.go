package maildir

import (
	"io/fs"
	"time"

	"bascule/maildir/disk"
)

// What files tell when they are seen first. Where there are many, as in another server's Maildir, a goroutine looks at the files that come next
// while the rows of those before are inserted: half of taking a Maildir over is asking for sizes and dates, the other half is rows.

const (
	// lookAtOnce is how many files are looked at, and rows inserted, before the other side is waited for.
	lookAtOnce = 256
	// lookAheadFrom is from how many files on it is worth a goroutine; and what looks at fewer makes its calls in one order, for tests.
	lookAheadFrom = 2048
)

// firstLook is what looking at a file gave.
type firstLook struct {
	m   Message
	op  fileOp // moves it out of new/; kind 0 if it is where it should be
	err error
}

// firstLooks are those of a list of files, in its order. stop must be called; no other goroutine is there after it, nor is anything held open.
type firstLooks struct {
	next func() (Message, fileOp, error)
	stop func()
}

// lookAhead looks at n files.
func (c *change) lookAhead(w *writing, n int, entry func(int) disk.Entry) firstLooks {
	dir, release := w.a.dir.Holding(n)
	now := w.a.store.opts.Now().Unix()
	if n < lookAheadFrom {
		i := -1
		return firstLooks{stop: release, next: func() (Message, fileOp, error) {
			i++
			return c.firstSight(w.a, dir, entry(i), now, n <= measureAtOnce)
		}}
	}
	// The goroutine reads of c only what stays while rows are inserted: the folder's name and how many keywords it has.
	looks, done := make(chan []firstLook, 2), make(chan struct{})
	go func() {
		defer close(looks)
		defer release()
		for from := 0; from < n; from += lookAtOnce {
			part := make([]firstLook, min(lookAtOnce, n-from))
			for i := range part {
				s := &part[i]
				s.m, s.op, s.err = c.firstSight(w.a, dir, entry(from+i), now, false)
			}
			select {
			case looks <- part:
			case <-done:
				return
			}
		}
	}()
	var part []firstLook
	return firstLooks{
		next: func() (Message, fileOp, error) {
			if len(part) == 0 {
				part = <-looks
			}
			s := &part[0]
			part = part[1:]
			return s.m, s.op, s.err
		},
		stop: func() {
			close(done)
			for range looks { // until it is closed
			}
		},
	}
}

// firstSight makes the message of a file; what lies in new/ is to move to cur/. now is in seconds.
func (c *change) firstSight(a *Account, dir *disk.Maildir, e disk.Entry, now int64, measure bool) (Message, fileOp, error) {
	name := e.Name()
	m := Message{base: e.Base(), tail: shared(e.File[len(e.Base()):]), inNew: e.Sub == disk.New, Size: -1, Disk: -1}
	m.Flags = flagsOfLetters(name.Flags, len(c.row.Keywords))
	src := c.f.place(&m)
	st, err := dir.Stat(src)
	if err != nil {
		return m, fileOp{}, err
	}
	if !st.Mode.IsRegular() {
		return m, fileOp{}, fs.ErrNotExist // a directory; a pipe would be waited for
	}
	m.Disk, m.internal, m.saved = st.Size, st.MTime/int64(time.Second), now
	if measure {
		if facts, err := a.measure(src); err == nil {
			m.Disk, m.Size, m.Kind = facts.Disk, facts.Wire, facts.Kind
		}
	}
	tail := m.tail
	if !name.HasInfo {
		tail = shared(name.WithFlags("").String()[len(m.base):])
	}
	if !m.inNew || len(m.base)+len(tail) > maxFileName {
		return m, fileOp{}, nil
	}
	m.inNew, m.tail = false, tail
	return m, fileOp{kind: opRename, src: src, dst: c.f.place(&m)}, nil
}
