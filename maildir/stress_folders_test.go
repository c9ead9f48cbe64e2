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
	"bascule/maildir/disk"
)

// Folders come and go in two processes, a third program makes and renames some, POP3
// sessions quit under the snapshot policy, sessions watch: nothing is lost that
// nobody deleted, and nothing hangs.
func TestManyChangeFolders(t *testing.T) {
	data := fastDir(t)
	if err := Create(data); err != nil {
		t.Fatal(err)
	}
	locks, bus := locking.NewInProcess(), notify.NewInProcess()
	p := testPolicy
	p.Exclusivity = ExclusiveSnapshot
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	var accounts []*Account
	for range 2 {
		s := openTestStore(t, data, locks, bus)
		w := disk.NewWatcher(disk.WatchOptions{})
		t.Cleanup(w.Close)
		s.opts.Watcher = w
		s.opts.KeepExpunged = 16
		accounts = append(accounts, s.accountWith("a@example.org", p))
	}
	l := &ledger{t: t, alive: map[string]bool{}}
	var wg sync.WaitGroup
	for i, a := range accounts {
		for k := range 2 {
			f := &folderWorker{ledger: l, a: a, rnd: rand.New(rand.NewPCG(uint64(i), uint64(k+7)))}
			wg.Go(func() {
				for range rounds {
					if err := f.step(t.Context()); err != nil && !isAny(err, ErrGone, ErrNoMailbox, ErrMailboxExists, ErrInUse, ErrClosed, os.ErrNotExist, errPending) {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() { popSessions(t, a, l, rounds/3) })
	}
	wg.Go(func() { strangersFolders(t, root(accounts[0]), rounds/4) })
	wg.Wait()
	l.compareAll(accounts[0])
}

type folderWorker struct {
	*ledger
	a   *Account
	rnd *rand.Rand
}

func (f *folderWorker) name() string { return fmt.Sprintf("F%d", f.rnd.IntN(4)) }

func (f *folderWorker) step(ctx context.Context) error {
	switch f.rnd.IntN(7) {
	case 0:
		_, err := f.a.CreateMailbox(ctx, f.name(), nil)
		return err
	case 1:
		return f.a.RenameMailbox(ctx, f.name(), f.name())
	case 2:
		return f.emptyAndDelete(ctx, f.name())
	case 3:
		id := f.fresh()
		_, err := f.a.Deliver(ctx, f.name(), strings.NewReader(text(id)), DeliverOptions{})
		if err == nil {
			f.set(id, true)
		}
		return err
	case 4:
		id := f.fresh()
		f.set(id, true)
		_, err := f.a.Deliver(ctx, Inbox, strings.NewReader(text(id)), DeliverOptions{})
		return err
	case 5:
		return f.moveSome(ctx, f.name(), f.name())
	default:
		return f.moveSome(ctx, Inbox, f.name())
	}
}

// emptyAndDelete moves the messages to Trash first, so that a deletion takes none with
// it that anybody counts on. Only its own commit can tell that it is empty.
func (f *folderWorker) emptyAndDelete(ctx context.Context, name string) error {
	return f.a.write(ctx, func(w *writing) error {
		x := f.a.byName[name]
		if x == nil {
			return ErrNoMailbox
		}
		if l, err := f.a.dir.Scan(x.row.Dir); err != nil || len(l.Entries) > 0 || x.row.Messages > 0 {
			return ErrGone
		}
		return w.dropFolder(x)
	})
}

func (f *folderWorker) moveSome(ctx context.Context, from, to string) error {
	src, err := f.a.Mailbox(ctx, from)
	if err != nil {
		return err
	}
	defer src.Close()
	woken := make(chan struct{}, 1)
	defer src.Watch(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})()
	dst, err := f.a.Mailbox(ctx, to)
	if err != nil {
		return err
	}
	defer dst.Close()
	s := src.Snapshot()
	var uids []UID
	for range 3 {
		if s.Len() > 0 {
			uids = append(uids, s.At(f.rnd.IntN(s.Len())).UID)
		}
	}
	_, err = src.Move(ctx, uids, dst)
	return err
}

// popSessions remove the first message they list; the one whose removal told them that
// it was there knows that it is gone.
func popSessions(t *testing.T, a *Account, l *ledger, n int) {
	ctx := t.Context()
	for range n {
		d, err := a.OpenMaildrop(ctx, who("pop"), MaildropOptions{Wait: testPolicy.LockWait})
		if errors.Is(err, ErrInUse) {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		for i := range min(d.Len(), 3) {
			b, err := d.Open(ctx, i)
			if err != nil && !errors.Is(err, ErrGone) {
				t.Error(err)
			}
			if err == nil {
				b.Close()
			}
		}
		d.Release()
	}
}

// strangersFolders makes folders, delivers into them and renames them, as another program.
func strangersFolders(t *testing.T, root string, n int) {
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf(".G%d", i%3))
		for _, sub := range []string{"cur", "new", "tmp"} {
			os.MkdirAll(filepath.Join(dir, sub), 0o700)
		}
		os.WriteFile(filepath.Join(dir, "new", fmt.Sprintf("17%08d.M1P7.g", i)), []byte(text("")), 0o600)
		os.Rename(dir, filepath.Join(root, fmt.Sprintf(".G%d", (i+1)%3)))
	}
}

// compareAll is compare over all mailboxes.
func (l *ledger) compareAll(a *Account) {
	ctx := context.Background()
	found := map[string]int{}
	for _, name := range listed(l.t, a) {
		m, err := a.Mailbox(ctx, name)
		if errors.Is(err, ErrNoMailbox) {
			continue
		}
		if err != nil {
			l.t.Fatal(err)
		}
		if err := m.Rescan(ctx); err != nil {
			l.t.Fatal(err)
		}
		for _, x := range m.Snapshot().All() {
			id, err := subjectOf(ctx, m, x)
			if err != nil {
				l.t.Errorf("%s: UID %d: %v", name, x.UID, err)
			}
			found[id]++
		}
		m.Close()
	}
	for id := range l.alive {
		if found[id] != 1 {
			l.t.Errorf("%s is there %d times", id, found[id])
		}
	}
}
