package maildir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/disk"
)

func benchStore(b *testing.B, data string) (*Store, *Account) {
	b.Helper()
	s, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: notify.NewInProcess()})
	if err != nil {
		b.Fatal(err)
	}
	a, err := s.Account(context.Background(), "a@example.org", Policy{})
	if err != nil {
		b.Fatal(err)
	}
	return s, a
}

// benchDir makes a data directory whose INBOX holds n small foreign files.
func benchDir(b *testing.B, n int) string {
	b.Helper()
	data, err := os.MkdirTemp("/dev/shm", "bascule-bench-")
	if err != nil {
		data = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(data) })
	if err := Create(data); err != nil {
		b.Fatal(err)
	}
	cur := filepath.Join(disk.AccountDir(data, "a@example.org"), "Maildir", "cur")
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(cur), d), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	for i := range n {
		m := mail(i)
		name := fmt.Sprintf("%d.M%dP1Q%dR0123456789abcdef.bench,S=%d,W=%d:2,", 1700000000+i, i, i, len(m), len(m))
		if err := os.WriteFile(filepath.Join(cur, name), []byte(m), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return data
}

// cpu makes b tell the processor time of all threads as well, which other programs on the
// machine do not disturb; call what it returns before and after what is not to count.
func cpu(b *testing.B) (pause func()) {
	now := func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var spent time.Duration
	running, since := true, now()
	pause = func() {
		if running {
			spent += now() - since
		}
		running, since = !running, now()
	}
	b.Cleanup(func() {
		if running {
			pause()
		}
		b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	})
	return pause
}

func BenchmarkFirstOpening100k(b *testing.B) {
	data := benchDir(b, 100_000)
	pause := cpu(b)
	for b.Loop() {
		s, a := benchStore(b, data)
		m, err := a.Mailbox(context.Background(), Inbox)
		if err != nil || m.Snapshot().Len() != 100_000 {
			b.Fatal(err)
		}
		m.Close()
		a.Close()
		s.Close()
		b.StopTimer()
		pause()
		for _, f := range []string{"index.db", "index.db-wal", "index.db-shm"} {
			os.Remove(filepath.Join(disk.AccountDir(data, "a@example.org"), f))
		}
		os.Remove(filepath.Join(disk.AccountDir(data, "a@example.org"), "Maildir", "dovecot-uidlist"))
		pause()
		b.StartTimer()
	}
}

func BenchmarkColdOpening(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := benchDir(b, n)
			s, a := benchStore(b, data)
			if m, err := a.Mailbox(context.Background(), Inbox); err == nil {
				m.Close()
			}
			a.Close()
			s.Close()
			b.ReportAllocs()
			cpu(b)
			for b.Loop() {
				s, a := benchStore(b, data)
				m, err := a.Mailbox(context.Background(), Inbox)
				if err != nil || m.Snapshot().Len() != n {
					b.Fatal(err)
				}
				m.Close()
				a.Close()
				s.Close()
			}
		})
	}
}

func BenchmarkWarm(b *testing.B) {
	data := benchDir(b, 100_000)
	s, a := benchStore(b, data)
	defer s.Close()
	defer a.Close()
	ctx := context.Background()
	m, err := a.Mailbox(ctx, Inbox)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		cpu(b)
		for b.Loop() {
			x, err := a.Mailbox(ctx, Inbox)
			if err != nil {
				b.Fatal(err)
			}
			x.Close()
		}
	})
	b.Run("refresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Refresh(ctx)
		}
	})
	b.Run("store1", func(b *testing.B) {
		mode := StoreAdd
		b.ReportAllocs()
		cpu(b)
		for b.Loop() {
			if _, err := m.Store(ctx, []UID{500}, StoreOp{Mode: mode, Flags: []string{`\Seen`}}); err != nil {
				b.Fatal(err)
			}
			mode = StoreAdd + StoreRemove - mode
		}
	})
	b.Run("store10000", func(b *testing.B) {
		var uids []UID
		for i := range 10_000 {
			uids = append(uids, UID(i+1000))
		}
		mode := StoreAdd
		b.ReportAllocs()
		cpu(b)
		for b.Loop() {
			if _, err := m.Store(ctx, uids, StoreOp{Mode: mode, Flags: []string{`\Seen`}}); err != nil {
				b.Fatal(err)
			}
			mode = StoreAdd + StoreRemove - mode
		}
	})
	b.Run("copy10000", func(b *testing.B) {
		if _, err := a.CreateMailbox(ctx, "Copies", nil); err != nil {
			b.Fatal(err)
		}
		dst, err := a.Mailbox(ctx, "Copies")
		if err != nil {
			b.Fatal(err)
		}
		defer dst.Close()
		var uids []UID
		for i := range 10_000 {
			uids = append(uids, UID(i+1000))
		}
		b.ReportAllocs()
		cpu(b)
		for b.Loop() {
			if _, err := m.Copy(ctx, uids, dst); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("move10000", func(b *testing.B) {
		if _, err := a.CreateMailbox(ctx, "Moved", nil); err != nil {
			b.Fatal(err)
		}
		dst, err := a.Mailbox(ctx, "Moved")
		if err != nil {
			b.Fatal(err)
		}
		defer dst.Close()
		from, to := m, dst
		var uids []UID
		for i := range 10_000 {
			uids = append(uids, UID(i+1000))
		}
		b.ReportAllocs()
		cpu(b)
		for b.Loop() {
			res, err := from.Move(ctx, uids, to)
			if err != nil || len(res.Dst) != len(uids) {
				b.Fatal(err, len(res.Dst))
			}
			from, to, uids = to, from, res.Dst
		}
	})
	b.Run("deliver", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.Deliver(ctx, Inbox, strings.NewReader(mail(1)), DeliverOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("diff", func(b *testing.B) {
		old := m.Snapshot()
		m.Store(ctx, []UID{77}, StoreOp{Flags: []string{`\Flagged`}})
		now := m.Snapshot()
		b.ReportAllocs()
		for b.Loop() {
			Diff(old, now)
		}
	})
}

// BenchmarkApply makes the snapshot after a change to 100,000 messages.
func BenchmarkApply(b *testing.B) {
	msgs := make([]Message, 100_000)
	for i := range msgs {
		msgs[i] = Message{UID: UID(i + 1), base: "base"}
	}
	s := newSnapshot(snapshotHead{}, msgs)
	head := snapshotHead{modSeq: 1}
	for name, e := range map[string]edit{
		"one flag":     {replace: []Message{{UID: 5000, ModSeq: 1, Flags: FlagSeen}}},
		"one more":     {add: []Message{{UID: 100_001}}},
		"10,000 flags": {replace: msgs[40_000:50_000]},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.apply(head, e)
			}
		})
	}
}

// BenchmarkColdMailbox is ColdOpening without opening the account, as the first SELECT
// after a login is.
func BenchmarkColdMailbox(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := benchDir(b, n)
			pause := cpu(b)
			b.ReportAllocs()
			for first := true; b.Loop(); first = false {
				b.StopTimer()
				pause()
				s, a := benchStore(b, data)
				if first {
					if m, err := a.Mailbox(context.Background(), Inbox); err == nil {
						m.Close()
					}
					a.Close()
					s.Close()
					s, a = benchStore(b, data)
				}
				b.StartTimer()
				pause()
				m, err := a.Mailbox(context.Background(), Inbox)
				b.StopTimer()
				pause()
				if err != nil || m.Snapshot().Len() != n {
					b.Fatal(err)
				}
				m.Close()
				a.Close()
				s.Close()
				b.StartTimer()
				pause()
			}
		})
	}
}

// benchSnapshot has n messages with names that we have given them.
func benchSnapshot(n int) *Snapshot {
	namer, now := disk.NewNamer("mail.example.org"), time.Now()
	msgs := make([]Message, n)
	for i := range msgs {
		at := now.Add(time.Duration(i) * 617 * time.Second)
		msgs[i] = Message{UID: UID(i + 1), ModSeq: ModSeq(i), Flags: FlagSeen, Size: int64(2000 + i), Disk: int64(2000 + i), Kind: 3, internal: at.Unix(), saved: at.Unix(), tail: ":2,S"}
		msgs[i].base = disk.WithSizes(namer.Unique(at), msgs[i].Disk, msgs[i].Size)
	}
	return newSnapshot(snapshotHead{uidNext: 1 << 20, modSeq: ModSeq(n)}, msgs)
}

// BenchmarkKept writes and reads the kept snapshot of 100,000 messages.
func BenchmarkKept(b *testing.B) {
	s := benchSnapshot(100_000)
	file, _ := encodeKept(s, 1, boot)
	path := filepath.Join(b.TempDir(), "snapshot")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.Fatal(err)
	}
	read := func() *Snapshot {
		f, err := disk.OS.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		s, _, err := decodeKept(f, boot, new(atomic.Bool))
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(file))/1e5, "B/message")
		for b.Loop() {
			encodeKept(s, 1, boot)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			read()
		}
	})
	b.Run("unpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range read().All() {
			}
		}
	})
}

// BenchmarkNewFiles opens a mailbox after ten files came into new/: that must cost what
// is new, whatever the mailbox holds.
func BenchmarkNewFiles(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := benchDir(b, n)
			s, a := benchStore(b, data)
			defer s.Close()
			defer a.Close()
			news := filepath.Join(disk.AccountDir(data, "a@example.org"), "Maildir", "new")
			k := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for range 10 {
					k++
					if err := os.WriteFile(filepath.Join(news, fmt.Sprintf("18%08d.P1.stranger", k)), []byte(mail(k)), 0o600); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				m, err := a.Mailbox(context.Background(), Inbox)
				if err != nil || m.Snapshot().Len() != n+k {
					b.Fatal(err, m.Snapshot().Len(), n+k)
				}
				m.Close()
			}
		})
	}
}

// BenchmarkSizes learns the sizes of 5,000 small files that nobody has read before.
func BenchmarkSizes(b *testing.B) {
	data := benchDir(b, 5_000)
	pause := cpu(b)
	for b.Loop() {
		b.StopTimer()
		pause()
		for _, f := range []string{"index.db", "index.db-wal", "index.db-shm"} {
			os.Remove(filepath.Join(disk.AccountDir(data, "a@example.org"), f))
		}
		s, a := benchStore(b, data)
		m, err := a.Mailbox(context.Background(), Inbox)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		pause()
		if now, err := m.Sizes(context.Background(), nil); err != nil || now.Unsized() > 0 {
			b.Fatal(err)
		}
		b.StopTimer()
		m.Close()
		a.Close()
		s.Close()
		b.StartTimer()
	}
}

// BenchmarkWatchedDelivery delivers to a mailbox that sessions of this and of another
// process idle on: each delivery may cost them a look, but not the whole directory.
func BenchmarkWatchedDelivery(b *testing.B) {
	ctx := context.Background()
	data := benchDir(b, 100_000)
	bus := notify.NewInProcess() // reaches both, as the one between processes does
	var a *Account
	for range 2 {
		w := disk.NewWatcher(disk.WatchOptions{})
		defer w.Close()
		s, err := Open(Options{DataDir: data, Locks: locking.NewInProcess(), Bus: bus, Watcher: w})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		if a, err = s.Account(ctx, "a@example.org", Policy{}); err != nil {
			b.Fatal(err)
		}
		defer a.Close()
		m, err := a.Mailbox(ctx, Inbox)
		if err != nil {
			b.Fatal(err)
		}
		defer m.Close()
		defer m.Watch(func() {})()
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Deliver(ctx, Inbox, strings.NewReader(mail(1)), DeliverOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMaildrop50k is a POP3 login to 50,000 messages whose sizes are known, with and
// without the mailbox loaded.
func BenchmarkMaildrop50k(b *testing.B) {
	data := benchDir(b, 50_000)
	ctx := context.Background()
	s, a := benchStore(b, data)
	login := func() {
		d, err := a.OpenMaildrop(ctx, locking.Holder{Session: "p"}, MaildropOptions{})
		if err != nil || d.Len() != 50_000 {
			b.Fatal(err)
		}
		d.Release()
	}
	login() // reads all files, once
	b.Run("loaded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			login()
		}
	})
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.Close()
			s.Close()
			s, a = benchStore(b, data)
			login()
		}
	})
	a.Close()
	s.Close()
}
