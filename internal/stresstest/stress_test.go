package stresstest

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"bascule/internal/notify"
	"bascule/internal/testkit"
	"bascule/internal/testkit/strict"
	"bascule/locking/filelock"
	"bascule/maildir"
)

const user = "both@example.org"

// many is the number of IMAP clients.
const many = 20

func TestManyClientsOnSharedMailboxes(t *testing.T) {
	t.Run("one process", func(t *testing.T) {
		stress(t, testkit.Start(t, testkit.Options{Dir: fast(t), Config: settings}))
	})
	t.Run("two processes", func(t *testing.T) {
		dir := fast(t)
		stress(t, process(t, dir, "first"), process(t, dir, "second"))
	})
}

var settings = []string{"pop3.lock_wait 2s", "imap.lock_wait 2s"}

// process starts a server as a process of its own would: it shares with others only what lies in the directory.
func process(t *testing.T, dir, name string) *testkit.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	locks, err := filelock.New(filepath.Join(dir, "run", "locks"), filelock.Options{Process: name, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { locks.Close() })
	bus, err := notify.NewInterprocess(filepath.Join(dir, "run", "notify"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	return testkit.Start(t, testkit.Options{Dir: dir, Config: settings, Store: maildir.Options{Locks: locks, Bus: bus}})
}

// stress loads the servers, which share their data.
func stress(t *testing.T, servers ...*testkit.Server) {
	length := 10 * time.Second
	if testing.Short() {
		length = 2 * time.Second
	}
	if v := os.Getenv("BASCULE_STRESS_SECONDS"); v != "" {
		seconds, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		length = time.Duration(seconds) * time.Second
	}
	seed := uint64(1)
	if v := os.Getenv("BASCULE_STRESS_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	l := newLedger()
	prepare(t, servers[0])
	some := func(i int) *testkit.Server { return servers[i%len(servers)] }

	stop := make(chan struct{})
	var once sync.Once
	end := func() { once.Do(func() { close(stop) }) }
	var wg sync.WaitGroup
	actor := func(who string, run func(stop <-chan struct{}) error) {
		wg.Go(func() {
			if err := run(stop); err != nil {
				t.Errorf("%s: %v", who, err)
				end()
			}
		})
	}
	clients := make([]*client, many)
	for i := range clients {
		c, err := newClient(i, seed, some(i/2), l)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
		actor(fmt.Sprintf("IMAP client %d", i), c.run)
	}
	rnd := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 100+n)) }
	pollers := []*poller{{s: some(0), l: l, rnd: rnd(1)}, {s: some(1), l: l, rnd: rnd(2)}}
	senders := []*sender{{s: some(0), l: l, rnd: rnd(3)}, {s: some(1), l: l, rnd: rnd(4)}}
	foreign := &stranger{s: servers[0], l: l, rnd: rnd(5)}
	for _, p := range pollers {
		actor("POP3 client", p.run)
	}
	for _, p := range senders {
		actor("LMTP client", p.run)
	}
	actor("foreign program", foreign.run)

	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	}
	end()
	wg.Wait()
	t.Logf("IMAP commands: %v", total(clients))
	for _, p := range pollers {
		t.Logf("POP3: %d sessions, %d deletions, in use %d times", p.sessions, p.deleted, p.inUse)
	}
	t.Logf("LMTP: %d and %d messages; foreign: %d messages, %d renames, %d too late", senders[0].sent, senders[1].sent, foreign.delivered, foreign.renamed, foreign.wasQuicker)
	if t.Failed() {
		return
	}
	settle(t, servers[0], l, clients)
	for i, err := range l.audit() {
		if i < 20 {
			t.Error(err)
		}
	}
}

// fast is a new directory, in memory if there is one: where a sync costs nothing more happens at once.
func fast(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bascule-stress")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// prepare makes the shared mailboxes.
func prepare(t *testing.T, s *testkit.Server) {
	t.Helper()
	c, err := strict.LoginIMAP(s.Target().Addrs["imap"], user, testkit.Password)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.OK("CREATE Work"); err != nil {
		t.Fatal(err)
	}
}

func (c *client) run(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := c.step(); err != nil {
			return err
		}
	}
}

func total(clients []*client) map[string]int {
	sum := map[string]int{}
	for _, c := range clients {
		for _, verb := range slices.Sorted(maps.Keys(c.counts)) {
			sum[verb] += c.counts[verb]
		}
	}
	return sum
}

// settle verifies that every view, fed by untagged responses alone, comes to equal the mailbox now that all is quiet.
func settle(t *testing.T, s *testkit.Server, l *ledger, clients []*client) {
	t.Helper()
	for i, c := range clients {
		if c.View == nil {
			if err := c.enter(boxes[i%len(boxes)]); err != nil {
				t.Error(err)
			}
		}
	}
	for _, box := range boxes {
		truth := look(t, s, l, box)
		for _, c := range clients {
			if c.View == nil || c.View.Mailbox != box {
				continue
			}
			diff := "never compared"
			// Whatever is to come of a change outside of IMAP comes with some NOOP; the first should do.
			for try := 0; try < 50 && diff != ""; try++ {
				if _, _, err := c.do("NOOP"); err != nil {
					t.Error(err)
					break
				}
				diff = strict.Differ(c.View, truth)
				if from, _ := c.View.Strange(); from != 0 {
					if err := c.learn(); err != nil {
						t.Error(err)
						break
					}
				}
			}
			if diff != "" {
				t.Errorf("client %d and %s differ: %s\n%s", c.n, box, diff, c.Dialogue())
			}
		}
	}
}

// look is what a new session sees, compared with everything that is known.
func look(t *testing.T, s *testkit.Server, l *ledger, box string) *strict.View {
	t.Helper()
	c, err := newClient(many, 0, s, l)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.enter(box); err != nil {
		t.Fatal(err)
	}
	if c.View == nil {
		t.Fatalf("%s cannot be selected", box)
	}
	t.Logf("%s: %d messages at the end", box, len(c.View.Messages))
	return c.View
}
