package crashtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bascule/internal/testkit/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m)) }

// A worker loads the server on accounts of its own, with one operation at a time.
type worker interface {
	name() string
	needs() []string // front ends without which it cannot work
	// work runs until stop is set or an operation fails. What is in doubt then is noted.
	work(stop *atomic.Bool) error
	// verify compares the server with the ledger; it decides what was in doubt.
	verify() error
}

func TestAKilledServerLosesNothing(t *testing.T) {
	kills := number(t, "BASCULE_CRASH_KILLS", 20)
	t.Run("one process", func(t *testing.T) { crash(t, (kills+1)/2, [][]string{{"pop3", "imap", "lmtp"}}) })
	t.Run("three processes", func(t *testing.T) { crash(t, kills/2, [][]string{{"pop3"}, {"imap"}, {"lmtp"}}) })
}

func number(t *testing.T, name string, normal int) int {
	text := os.Getenv(name)
	if text == "" {
		return normal
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// longest is the time after which a kill comes at the latest.
const longest = 250 * time.Millisecond

func crash(t *testing.T, kills int, fronts [][]string) {
	seed := uint64(number(t, "BASCULE_CRASH_SEED", 1))
	rnd := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	s := site.New(t, site.Options{Users: []string{"post@example.org", "imap@example.org", "pop@example.org", "mixed@example.org"},
		Settings: "accounts: {folders: ['Sent=\\Sent']}\n"})
	p := &place{s: s, running: make([]*site.Process, len(fronts))}
	workers := []worker{newPostman(p, "post@example.org"), newArchivist(p, rnd(2)), newPopper(p, rnd(3)), newMixer(p)}
	dice := rnd(1)
	doubts := 0
	for k := range kills + 1 {
		for i, only := range fronts {
			if p.running[i] == nil || !p.running[i].Alive() {
				p.running[i] = s.Serve(only...)
			}
		}
		for _, w := range workers {
			if err := w.verify(); err != nil {
				t.Fatalf("after kill %d: %s: %v", k, w.name(), err)
			}
		}
		if problems := s.Check(); problems != "" {
			t.Fatalf("after kill %d: %s", k, problems)
		}
		if k == kills {
			break
		}
		var victims []int
		if len(fronts) > 1 && dice.IntN(4) == 0 {
			for i := range fronts {
				victims = append(victims, i)
			}
		} else {
			victims = []int{dice.IntN(len(fronts))}
		}
		n, err := round(p, workers, fronts, victims, time.Duration(dice.Int64N(int64(longest))))
		if err != nil {
			t.Fatalf("before kill %d: %v", k+1, err)
		}
		doubts += n
	}
	t.Logf("%d kills, %d operations were cut short", kills, doubts)
	for _, w := range workers {
		t.Logf("%v", w)
	}
}

// place is where the processes are.
type place struct {
	s       *site.Site
	running []*site.Process
	ids     atomic.Int64 // given to messages
}

func (p *place) id() string { return fmt.Sprintf("id-%06d", p.ids.Add(1)) }

// round lets the workers work and kills. It gives how many were cut short; the error is of those that should not have been.
func round(p *place, workers []worker, fronts [][]string, victims []int, after time.Duration) (cut int, err error) {
	var dead []string
	for _, i := range victims {
		dead = append(dead, fronts[i]...)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	ends := make([]error, len(workers))
	for i, w := range workers {
		wg.Go(func() { ends[i] = w.work(&stop) })
	}
	// The moment of the kill is what is being tested, so it is a matter of time, not of order.
	<-time.After(after)
	var killing sync.WaitGroup
	for _, i := range victims {
		killing.Go(p.running[i].Kill)
	}
	killing.Wait()
	stop.Store(true)
	wg.Wait()
	var errs []error
	for i, w := range workers {
		if ends[i] == nil {
			continue
		}
		if !slices.ContainsFunc(w.needs(), func(f string) bool { return slices.Contains(dead, f) }) {
			errs = append(errs, fmt.Errorf("%s needs none of the killed %v and failed all the same: %w", w.name(), dead, ends[i]))
		}
		var wrong *wrongError
		if errors.As(ends[i], &wrong) {
			errs = append(errs, fmt.Errorf("%s: %w", w.name(), wrong))
		}
		cut++
	}
	return cut, errors.Join(errs...)
}

// wrongError is a failure that no kill explains.
type wrongError struct{ text string }

func (e *wrongError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &wrongError{fmt.Sprintf(format, args...)} }
