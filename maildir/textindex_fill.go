package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bascule/internal/message"
	"bascule/maildir/index"
	"bascule/maildir/search"
)

// The index is filled in the order of UIDs, some messages at a time: their texts are gathered without any lock, then they get their rows and
// the folder its new limit in one commit, if nobody else has moved the limit meanwhile. So several processes may fill at the same time; that
// one of them holds the lock only spares work. Nothing of the index of messages is written, and a delivery waits for nothing here.

const (
	fillMessages = 256
	fillText     = 4 << 20 // octets, folded
	// fillTurn is how long an account is filled before the next one gets its turn.
	fillTurn = 10 * time.Second
)

// errFilling: another process fills this index.
var errFilling = errors.New("maildir: another process fills the text index")

// filler fills the index of one account once.
type filler struct {
	a     *Account
	db    *search.DB
	paced bool // leaves the machine to others half of the time
	until time.Time

	scan message.SearchText
	all  []byte // the message
	head []byte // its header as text
	text []byte // texts of several messages, one behind the other
	rows []fillRow
}

// fillRow is a message with its part of filler.text; unread if it must be read instead.
type fillRow struct {
	uid    UID
	end    int
	unread bool
}

// FillTexts brings the text index of all folders up to now, and removes what is in it of messages that are gone. paced leaves others half of the time. It
// makes the index if there is none. more says that its time was over before it was done (paced only).
func (a *Account) FillTexts(ctx context.Context, paced bool) (more bool, err error) {
	a.mu.Lock()
	lock := a.lock
	a.mu.Unlock()
	if lock == nil {
		return false, ErrClosed
	}
	if !lock.TryFill() {
		return false, errFilling
	}
	defer lock.EndFill()
	a.texts.mu.Lock()
	broken := a.texts.broken
	a.texts.mu.Unlock()
	if broken {
		if gone, err := a.dropTexts(); err != nil || !gone {
			return false, err
		}
	}
	db, err := search.Open(ctx, a.texts.path)
	if err != nil {
		a.textsFailed(err)
		return false, fmt.Errorf("maildir: text index of %s: %w", a.address, err)
	}
	f := filler{a: a, db: db, paced: paced}
	if paced {
		f.until = time.Now().Add(fillTurn)
	}
	more, err = f.run(ctx)
	db.Close()
	if err != nil && ctx.Err() == nil {
		if search.IsDamaged(err) {
			a.textsFailed(err)
		}
		err = fmt.Errorf("maildir: text index of %s: %w", a.address, err)
	}
	return more, err
}

// fillJob is a folder with something to do.
type fillJob struct {
	row  index.Folder
	fill bool // else there are rows without messages
}

func (f *filler) run(ctx context.Context) (more bool, err error) {
	jobs, err := f.jobs(ctx)
	if err != nil {
		return false, err
	}
	for _, job := range jobs {
		m, err := f.a.Attach(ctx, job.row.Name)
		if errors.Is(err, ErrNoMailbox) {
			continue
		}
		if err != nil {
			return false, err
		}
		if m.id == job.row.ObjectID {
			if job.fill {
				more, err = f.folder(ctx, m)
			}
			if err == nil && !more {
				err = f.sweepIfStale(ctx, m)
			}
		}
		m.Close()
		if err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// jobs says what is to be done, and forgets folders that are gone.
func (f *filler) jobs(ctx context.Context) (jobs []fillJob, err error) {
	var rows []index.Folder
	err = f.a.read(ctx, func(tx) error {
		for _, x := range f.a.byID {
			rows = append(rows, x.row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b index.Folder) int { return int(a.ID - b.ID) })
	gone := map[int64]bool{}
	err = f.db.Read(ctx, func(tx search.Tx) error {
		ids, err := tx.FolderIDs()
		if err != nil {
			return err
		}
		for _, id := range ids {
			gone[id] = true
		}
		for _, row := range rows {
			delete(gone, row.ID)
			have, err := tx.Folder(row.ID, row.ObjectID, row.UIDValidity)
			if err != nil {
				return err
			}
			fill := have.Below < row.UIDNext
			stale, err := f.stale(tx, have, row.Messages, ModSeq(row.ModSeq))
			if err != nil {
				return err
			}
			if fill || stale {
				jobs = append(jobs, fillJob{row, fill})
			}
		}
		return nil
	})
	if err == nil && len(gone) > 0 {
		err = f.db.Write(ctx, func(tx search.Tx) error {
			for id := range gone {
				if err := tx.Drop(id); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return jobs, err
}

// folder indexes what is not indexed yet.
func (f *filler) folder(ctx context.Context, m *Mailbox) (more bool, err error) {
	for {
		start := time.Now()
		s, back, err := f.present(ctx, m)
		if errors.Is(err, ErrGone) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		var have search.Folder
		err = f.db.Read(ctx, func(tx search.Tx) (err error) {
			have, err = tx.Folder(m.folderID, m.id, s.UIDValidity())
			return err
		})
		if err != nil || have.Below >= uint32(s.UIDNext()) {
			return false, err
		}
		below, err := f.gather(ctx, m, s, UID(have.Below))
		for uid := range back {
			if uid >= UID(have.Below) && uid < below {
				f.rows = append(f.rows, fillRow{uid, len(f.text), true})
			}
		}
		if err == nil {
			err = f.commit(ctx, have, below, s.HighestModSeq())
		}
		if err == nil {
			f.a.store.opts.Metrics.Texts.Add(len(f.rows))
		}
		if err != nil {
			return false, err
		}
		if f.paced && time.Now().After(f.until) {
			return true, nil
		}
		if f.paced {
			select {
			case <-time.After(min(time.Since(start), time.Second)):
			case <-ctx.Done():
			}
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
}

// gather takes the texts of messages from a UID on, and says below which UID it has all of them.
func (f *filler) gather(ctx context.Context, m *Mailbox, s *Snapshot, from UID) (below UID, err error) {
	f.text, f.rows = f.text[:0], f.rows[:0]
	for _, msg := range s.From(s.Lower(from)) {
		if len(f.rows) == fillMessages || len(f.text) > fillText {
			return f.rows[len(f.rows)-1].uid + 1, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := len(f.text)
		all, err := f.message(ctx, m, msg)
		if err != nil && !errors.Is(err, ErrGone) {
			f.a.log.Debug("message could not be indexed", "folder", m.Name(), "uid", msg.UID, "err", err)
		}
		if !all {
			f.text = f.text[:start]
		}
		f.rows = append(f.rows, fillRow{msg.UID, len(f.text), !all})
	}
	return s.UIDNext(), nil
}

// message appends everything that a search can find in a message; false if that cannot be had, or is too much.
func (f *filler) message(ctx context.Context, m *Mailbox, msg *Message) (bool, error) {
	body, err := m.Open(ctx, msg)
	if err != nil {
		return false, err
	}
	defer body.Close()
	p, err := message.Parse(body.Section(0, body.Size()), message.DefaultLimits)
	if err != nil || p.HeaderCut {
		return false, err
	}
	start := len(f.text)
	f.head = message.AppendHeaderText(f.head[:0], p.Header)
	f.text = append(message.AppendFold(f.text, f.head), '\n')
	if err := f.scan.Open(body, p.Root); err != nil {
		return false, err
	}
	all := true
	err = f.scan.Walk(0, func(text []byte, whole bool) bool {
		if all = whole && len(f.text)-start+len(text) <= search.MaxText; all {
			f.text = append(message.AppendFold(f.text, text), '\n')
		}
		return all
	})
	return all && len(f.text)-start <= search.MaxText && err == nil, err
}

// commit writes what was gathered, unless somebody else was quicker.
func (f *filler) commit(ctx context.Context, had search.Folder, below UID, at ModSeq) error {
	return f.db.Write(context.WithoutCancel(ctx), func(tx search.Tx) error {
		have, err := tx.Begin(had.ID, had.ObjectID, had.UIDValidity)
		if err != nil || have.Below != had.Below {
			return err
		}
		start := 0
		for _, row := range f.rows {
			if row.unread {
				err = tx.AddUnread(&have, uint32(row.uid))
			} else {
				err = tx.Add(&have, uint32(row.uid), f.text[start:row.end])
			}
			if err != nil {
				return err
			}
			start = row.end
		}
		have.Below, have.ModSeq = uint32(below), max(have.ModSeq, uint64(at))
		return tx.Save(have)
	})
}

// stale says that a folder has more rows than messages, and that this is news since it was last swept.
func (f *filler) stale(tx search.Tx, have search.Folder, messages int64, modSeq ModSeq) (bool, error) {
	unread, err := tx.Unread(have.ID)
	if err != nil || have.Texts+int64(len(unread)) <= messages {
		return false, err
	}
	f.a.texts.mu.Lock()
	defer f.a.texts.mu.Unlock()
	return f.a.texts.swept[have.ID] != modSeq, nil
}

func (f *filler) sweepIfStale(ctx context.Context, m *Mailbox) error {
	stale := false
	err := f.db.Read(ctx, func(tx search.Tx) error {
		s := m.current.Load()
		have, err := tx.Folder(m.folderID, m.id, s.UIDValidity())
		if err == nil {
			stale, err = f.stale(tx, have, int64(s.Len()), s.HighestModSeq())
		}
		return err
	})
	if err != nil || !stale {
		return err
	}
	return f.sweep(ctx, m)
}

// present is the messages that there are, and the UIDs of those that a scan found gone without telling anybody: they may come back with
// their UIDs, below a limit that says that all is indexed, and what is not known of them must be read.
func (f *filler) present(ctx context.Context, m *Mailbox) (s *Snapshot, back map[UID]bool, err error) {
	back = map[UID]bool{}
	err = f.a.read(ctx, func(tx tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		s = m.current.Load()
		unannounced, err := tx.Unannounced(m.f.row.ID)
		for _, e := range unannounced {
			back[UID(e.UID)] = true
		}
		return err
	})
	return s, back, err
}

// sweep removes the rows of messages that are gone for good.
func (f *filler) sweep(ctx context.Context, m *Mailbox) error {
	s, back, err := f.present(ctx, m)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.db.Write(context.WithoutCancel(ctx), func(tx search.Tx) error {
		have, err := tx.Folder(m.folderID, m.id, s.UIDValidity())
		if err != nil {
			return err
		}
		var gone []uint32
		look := func(uid uint32) {
			if UID(uid) < s.UIDNext() && s.Find(UID(uid)) == nil && !back[UID(uid)] {
				gone = append(gone, uid)
			}
		}
		if err := tx.Rows(have.ID, look); err != nil {
			return err
		}
		unread, err := tx.Unread(have.ID)
		if err != nil {
			return err
		}
		for _, uid := range unread {
			look(uid)
		}
		if err := tx.Remove(&have, gone); err != nil {
			return err
		}
		have.ModSeq = max(have.ModSeq, uint64(s.HighestModSeq()))
		return tx.Save(have)
	})
	if err == nil {
		f.a.texts.mu.Lock()
		if f.a.texts.swept == nil {
			f.a.texts.swept = map[int64]ModSeq{}
		}
		f.a.texts.swept[m.folderID] = s.HighestModSeq()
		f.a.texts.mu.Unlock()
	}
	return err
}
