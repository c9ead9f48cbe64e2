package stresstest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"bascule/internal/testkit"
	"bascule/internal/testkit/strict"
)

const user = "both@example.org"

// many is the number of IMAP clients.
const many = 20

func TestManyClientsOnSharedMailboxes(t *testing.T) {
	length := 10 * time.Second
	if testing.Short() {
		length = 2 * time.Second
	}
	if v := os.Getenv("BASCULE_STRESS"); v != "" {
		var err error
		if length, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(1)
	if v := os.Getenv("BASCULE_STRESS_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s := testkit.Start(t, testkit.Options{Config: []string{"pop3.lock_wait 2s", "imap.lock_wait 2s"}})
	l := newLedger()
	prepare(t, s)

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
		c, err := newClient(i, seed, s, l)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
		actor(fmt.Sprintf("IMAP client %d", i), c.run)
	}
	rnd := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 100+n)) }
	pollers := []*poller{{s: s, l: l, rnd: rnd(1)}, {s: s, l: l, rnd: rnd(2)}}
	senders := []*sender{{s: s, l: l, rnd: rnd(3)}, {s: s, l: l, rnd: rnd(4)}}
	foreign := &stranger{s: s, l: l, rnd: rnd(5)}
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
	settle(t, s, l, clients)
	for i, err := range l.audit() {
		if i < 20 {
			t.Error(err)
		}
	}
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
