package maildir

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bascule/internal/notify"
	"bascule/locking"
)

// Two stores stand for two processes; sessions of both, deliveries and a foreign program
// change one account at once. At the end nothing is lost, doubled or misnumbered.
func TestManyChangeOneAccount(t *testing.T) {
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	one := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
	two := openTestStore(t, data, locking.NewInProcess(), notify.NewInProcess())
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	l := &ledger{t: t, alive: map[string]bool{}}
	defer restingAll(one, two)()
	var wg sync.WaitGroup
	for i, s := range []*testStore{one, two} {
		a := s.account("a@example.org")
		for k := range 3 {
			w := &worker{ledger: l, a: a, rnd: rand.New(rand.NewPCG(uint64(i), uint64(k)))}
			wg.Go(func() { w.run(rounds) })
		}
	}
	a := one.account("a@example.org")
	wg.Go(func() { l.foreign(a, rounds) })
	wg.Wait()
	l.compare(a)
}

// ledger knows which messages must be there: each carries a number of its own.
type ledger struct {
	t *testing.T

	mu    sync.Mutex // protects the fields below
	next  int
	alive map[string]bool
}

func (l *ledger) fresh() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("number-%d", l.next)
}

func (l *ledger) set(id string, alive bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[id] = alive
}

func text(id string) string { return "Subject: " + id + "\r\n\r\nbody\r\n" }

// compare reads every mailbox.
func (l *ledger) compare(a *Account) {
	ctx := context.Background()
	found := map[string]int{}
	for _, name := range []string{Inbox, "Trash", "Sent"} {
		m := open(l.t, a, name)
		if err := m.Rescan(ctx); err != nil {
			l.t.Fatal(err)
		}
		last := UID(0)
		for _, x := range m.Snapshot().All() {
			if x.UID <= last {
				l.t.Errorf("%s: UID %d after %d", name, x.UID, last)
			}
			last = x.UID
			id, err := subjectOf(ctx, m, x)
			if err != nil {
				l.t.Errorf("%s: UID %d: %v", name, x.UID, err)
			}
			found[id]++
		}
	}
	for id, alive := range l.alive {
		if n := found[id]; alive && n != 1 || !alive && n != 0 {
			l.t.Errorf("%s is there %d times, alive %v", id, n, alive)
		}
	}
}

func subjectOf(ctx context.Context, m *Mailbox, x *Message) (string, error) {
	b, err := m.Open(ctx, x)
	if err != nil {
		return "", err
	}
	defer b.Close()
	var out strings.Builder
	if _, err := b.WriteRange(&out, 0, b.Size()); err != nil {
		return "", err
	}
	s, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "Subject: "), "\r\n")
	return s, nil
}

// foreign delivers into new/ and renames in cur/, as other programs do.
func (l *ledger) foreign(a *Account, rounds int) {
	rnd := rand.New(rand.NewPCG(9, 9))
	dir := root(a)
	for i := range rounds {
		id := l.fresh()
		name := fmt.Sprintf("17%08d.M%dP9.foreign", i, i)
		tmp := filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(tmp, []byte(text(id)), 0o600); err != nil {
			l.t.Error(err)
			return
		}
		l.set(id, true)
		if err := os.Rename(tmp, filepath.Join(dir, "new", name)); err != nil {
			l.t.Error(err)
			return
		}
		names, _ := os.ReadDir(filepath.Join(dir, "cur"))
		if len(names) == 0 {
			continue
		}
		old := names[rnd.IntN(len(names))].Name()
		base, _, _ := strings.Cut(old, ":")
		os.Rename(filepath.Join(dir, "cur", old), filepath.Join(dir, "cur", base+":2,F"))
	}
}

type worker struct {
	*ledger
	a   *Account
	rnd *rand.Rand
}

func (w *worker) run(rounds int) {
	ctx := context.Background()
	boxes := []string{Inbox, "Trash", "Sent"}
	for range rounds {
		name := boxes[w.rnd.IntN(3)]
		m, err := w.a.Mailbox(ctx, name)
		if err != nil {
			w.t.Error(err)
			return
		}
		if err := w.step(ctx, m, name, boxes[w.rnd.IntN(3)]); err != nil && !errors.Is(err, ErrGone) {
			w.t.Errorf("%s: %v", name, err)
		}
		m.Close()
	}
}

func (w *worker) step(ctx context.Context, m *Mailbox, name, other string) error {
	s := m.Snapshot()
	var some []UID
	for range 3 {
		if s.Len() > 0 {
			some = append(some, s.At(w.rnd.IntN(s.Len())).UID)
		}
	}
	switch w.rnd.IntN(7) {
	case 0, 1:
		id := w.fresh()
		w.set(id, true) // before: another may find and destroy it at once
		_, err := w.a.Deliver(ctx, name, strings.NewReader(text(id)), DeliverOptions{})
		return err
	case 2:
		_, err := m.Store(ctx, some, StoreOp{Mode: StoreMode(w.rnd.IntN(3)), Flags: []string{`\Seen`, "kw"}})
		return err
	case 3:
		dst, err := w.a.Mailbox(ctx, other)
		if err != nil {
			return err
		}
		defer dst.Close()
		_, err = m.Move(ctx, some, dst)
		return err
	case 4:
		// Only who takes a message away knows that it is gone: move it aside first.
		return w.destroy(ctx, m, some)
	case 5:
		if len(some) > 0 {
			if x := s.Find(some[0]); x != nil {
				_, err := subjectOf(ctx, m, x)
				return err
			}
		}
	case 6:
		dst, err := w.a.Mailbox(ctx, other)
		if err != nil {
			return err
		}
		defer dst.Close()
		return w.replace(ctx, m, dst, some)
	}
	return nil
}

// replace puts a new message into dst in place of one of m's.
func (w *worker) replace(ctx context.Context, m, dst *Mailbox, some []UID) error {
	if len(some) == 0 {
		return nil
	}
	x := m.Snapshot().Find(some[0])
	if x == nil {
		return nil
	}
	old, err := subjectOf(ctx, m, x)
	if err != nil {
		return err
	}
	id := w.fresh()
	p := dst.BeginAppend()
	defer p.Close()
	if err := p.Add(ctx, Incoming{R: strings.NewReader(text(id))}); err != nil {
		return err
	}
	w.set(id, true) // before: another may find and destroy it at once
	if _, err = p.Replace(ctx, m, x.UID); err != nil {
		w.set(id, false)
		return err
	}
	w.set(old, false)
	return nil
}

// destroy expunges one message and notes which it was.
func (w *worker) destroy(ctx context.Context, m *Mailbox, some []UID) error {
	if len(some) == 0 {
		return nil
	}
	x := m.Snapshot().Find(some[0])
	if x == nil {
		return nil
	}
	id, err := subjectOf(ctx, m, x)
	if err != nil {
		return err
	}
	if _, err := m.Store(ctx, some[:1], StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}); err != nil {
		return err
	}
	res, err := m.Expunge(ctx, some[:1])
	if err == nil && len(res.UIDs) == 1 {
		w.set(id, false)
	}
	return err
}
