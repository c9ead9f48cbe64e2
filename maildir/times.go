package maildir

import (
	"slices"
	"time"

	"bascule/maildir/disk"
)

// The time of cur/ tells whether a stranger changed it, but we change it as well, from
// several sessions and processes at once. A folder's time is *settled* if everything up
// to it is explained by the rows and by changes of our own:
//
//   - row.CurMtime is the time as last found, or left by the last change.
//   - Deliveries publish their files before their commit, without Account.mu; each notes
//     the step from the time before it to the time after it. A chain of steps from
//     row.CurMtime explains a later time while their commits are still on their way.
//   - What file operations after a commit did to the time is not worth a commit of its
//     own. It is written into index.lock, where the other processes find it.

// step is what one change of ours did to the time of cur/.
type step struct {
	before, after int64
	of            *spooled // the delivery that is to be committed; nil if it is done
}

// settled says whether t, read while f.publishing is held, is explained. a.mu is held.
func (f *folder) settledAt(t int64) bool {
	at := f.row.CurMtime
	for _, s := range f.steps {
		if s.before == at {
			at = s.after
		}
	}
	if t == at {
		return true
	}
	if len(f.steps) == 0 && t == f.a.lock.Time(f.row.ID) {
		f.row.CurMtime = t
		return true
	}
	return false
}

// times reads the folder's times and says whether that of cur/ is settled. a.mu is held.
func (f *folder) times() (t disk.Times, settled bool, err error) {
	f.publishing.Lock()
	defer f.publishing.Unlock()
	if t, err = f.a.dir.Times(f.row.Dir); err != nil {
		return t, false, err
	}
	f.seenCur = t.Cur
	return t, f.settledAt(t.Cur), nil
}

// publishTimed gives a delivery's file its name in cur/ and notes the step. The two
// looks at the time stay close to the change between them.
func (a *Account) publishTimed(f *folder, dir string, s *spooled) error {
	f.publishing.Lock()
	defer f.publishing.Unlock()
	before, err := a.dir.CurTime(dir)
	if err != nil {
		return err
	}
	if err := s.in.Publish(disk.Cur, s.base+s.tail); err != nil {
		return err
	}
	s.published = true
	after, err := a.dir.CurTime(dir)
	if err == nil && after != before {
		f.steps = append(f.steps, step{before, after, s})
	}
	return err
}

// arrive ends a delivery's step: the row's time moves on over all steps that are done.
// a.mu is held.
func (c *change) arrive(s *spooled) {
	f := c.f
	f.publishing.Lock()
	defer f.publishing.Unlock()
	for i := range f.steps {
		if f.steps[i].of == s {
			f.steps[i].of = nil
		}
	}
	c.advance()
}

func (c *change) advance() {
	f := c.f
	for len(f.steps) > 0 && f.steps[0].of == nil {
		if f.steps[0].before == c.row.CurMtime {
			c.row.CurMtime = f.steps[0].after
		}
		f.steps = f.steps[1:]
	}
}

// changeCur runs fn, which changes cur/ of the folder in the transaction, and makes the row's
// time follow, so that the change does not look like a stranger's.
func (c *change) changeCur(w *writing, fn func() error) error {
	f := c.f
	f.publishing.Lock()
	defer f.publishing.Unlock()
	before, err := w.a.dir.CurTime(c.row.Dir)
	if err != nil {
		return err
	}
	if f.settledAt(before) && len(f.steps) == 0 {
		c.row.CurMtime = before // the settling may have found it in index.lock
	}
	if err := fn(); err != nil {
		return err
	}
	after, err := w.a.dir.CurTime(c.row.Dir)
	if err == nil && after != before {
		f.steps = append(f.steps, step{before: before, after: after})
		c.advance()
	}
	return err
}

// abandon forgets the step of a delivery that failed: its file's going is a change that
// the next scan looks at.
func (f *folder) abandon(s *spooled) {
	f.publishing.Lock()
	defer f.publishing.Unlock()
	f.steps = slices.DeleteFunc(f.steps, func(x step) bool { return x.of == s })
}

// restart makes t, as a scan found it, the row's time: earlier steps are behind it.
func (c *change) restart(t int64) {
	f := c.f
	f.publishing.Lock()
	defer f.publishing.Unlock()
	c.row.CurMtime = t
	f.steps = slices.DeleteFunc(f.steps, func(x step) bool { return x.after <= t })
}

// curTimes gives the settled times of cur/ of the folders whose files will be touched.
func (w *writing) curTimes() map[*folder]int64 {
	if len(w.intents) == 0 {
		return nil
	}
	before := make(map[*folder]int64, len(w.changes))
	for _, c := range w.changes {
		if t, settled, err := c.f.times(); err == nil && settled {
			before[c.f] = t.Cur
		}
	}
	return before
}

// settle notes the times after operations of our own, so that they do not look like a
// stranger's.
func (w *writing) settle(before map[*folder]int64) {
	for f, t := range before {
		f.publishing.Lock()
		if now, err := w.a.dir.CurTime(f.row.Dir); err == nil && now != t {
			if len(f.steps) > 0 {
				f.steps = append(f.steps, step{before: t, after: now})
			} else {
				f.row.CurMtime = now
			}
		}
		f.publishing.Unlock()
	}
	for _, c := range w.changes {
		if !c.gone {
			w.a.lock.SetTime(c.f.row.ID, c.f.row.CurMtime)
		}
	}
}

// isYoung says that a directory's time may not tell of a change yet to come within the
// granularity of the clock that makes it.
func isYoung(t int64) bool { return time.Since(time.Unix(0, t)) <= racyAge }
