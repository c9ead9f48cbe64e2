package imap

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A search that reads bodies is helped by other cores. How many helpers there are in all is bounded for the server, so that searches leave
// it time for everybody else: a search that gets none reads alone.

// minHelped is from how many messages on a helper is worth its start.
const minHelped = 16

// helpers are the goroutines that all searches of a server may start.
type helpers chan struct{}

func newHelpers() helpers { return make(helpers, max(runtime.GOMAXPROCS(0)-1, 0)) }

// lookIntoBodies decides about the messages at these places of s.open from their files.
func (s *searchRun) lookIntoBodies(deep []int) error {
	var (
		next   atomic.Int64
		wg     sync.WaitGroup
		mu     sync.Mutex // protects the fields below
		failed error
		threw  any
	)
	work := func(scan *textScan) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(deep) {
				return
			}
			if err := s.lookIntoBody(&s.open[deep[i]], scan); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				next.Store(int64(len(deep)))
				return
			}
		}
	}
	for n := 1; n*minHelped < len(deep); n++ {
		select {
		case s.c.srv.helpers <- struct{}{}:
		default:
			n = len(deep)
			continue
		}
		if len(s.helping) < n {
			s.helping = append(s.helping, newTextScan(s.b.m, s.prog.needles))
		}
		scan := s.helping[n-1]
		wg.Go(func() {
			defer func() {
				<-s.c.srv.helpers
				if p := recover(); p != nil { // it is for the connection's goroutine to fail of it
					mu.Lock()
					threw = p
					mu.Unlock()
				}
			}()
			work(scan)
		})
	}
	work(s.scan)
	wg.Wait()
	if threw != nil {
		panic(threw)
	}
	return failed
}

// lookIntoBody decides about one message. One that is gone matches nothing.
func (s *searchRun) lookIntoBody(x *candidate, scan *textScan) error {
	if err := s.c.ctx.Err(); err != nil {
		return err
	}
	there, err := scan.open(s, x)
	if err != nil || !there {
		return err
	}
	defer scan.close()
	x.scan, x.whole = scan, true
	if s.prog.root.eval(x) == isTrue {
		s.match(x)
	}
	return scan.err
}
