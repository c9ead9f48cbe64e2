package lockingtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bascule/locking"
)

// room counts who is inside.
type room struct {
	readers, writers atomic.Int32
	bad              atomic.Int32
	plain            int // written by writers only; the race detector watches
}

// visit is what a holder of a lease does.
func (r *room) visit(mode locking.Mode) {
	if mode == exclusive {
		if r.writers.Add(1) != 1 || r.readers.Load() != 0 {
			r.bad.Add(1)
		}
		runtime.Gosched()
		if r.readers.Load() != 0 {
			r.bad.Add(1)
		}
		r.writers.Add(-1)
		return
	}
	r.readers.Add(1)
	if r.writers.Load() != 0 {
		r.bad.Add(1)
	}
	runtime.Gosched()
	if r.writers.Load() != 0 {
		r.bad.Add(1)
	}
	r.readers.Add(-1)
}

func (p *pair) crowd(each func(i int, m locking.Manager)) {
	var wg sync.WaitGroup
	for i := range 12 {
		m := p.a
		if i%2 == 1 {
			m = p.b
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			each(i, m)
		}()
	}
	wg.Wait()
}

func exclusionUnderLoad(p *pair) {
	var r room
	same := p.a == p.b
	const rounds = 60
	p.crowd(func(i int, m locking.Manager) {
		for j := range rounds {
			mode := shared
			if (i+j)%3 == 0 {
				mode = exclusive
			}
			ctx, cancel := context.WithTimeout(background, patience)
			l, err := m.Acquire(ctx, key, mode, who(numbered("s", i)))
			cancel()
			if err != nil {
				p.Errorf("Acquire: %v", err)
				return
			}
			r.visit(mode)
			// The kernel orders what two processes do, but the race detector
			// cannot see that; within one it can.
			if same && mode == exclusive {
				r.plain++
			}
			l.Release()
		}
	})
	if n := r.bad.Load(); n != 0 {
		p.Errorf("%d times somebody was inside who should not have been", n)
	}
}

// Readers come and go without pause in both processes; a writer gets in
// again and again all the same.
func writerAmongReaders(p *pair) {
	var r room
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Add(1)
	go func() {
		defer writer.Done()
		defer done.Store(true)
		for range 20 {
			ctx, cancel := context.WithTimeout(background, patience)
			l, err := p.b.Acquire(ctx, key, exclusive, who("writer"))
			cancel()
			if err != nil {
				p.Errorf("the writer starves: %v", err)
				return
			}
			r.visit(exclusive)
			l.Release()
		}
	}()
	p.crowd(func(i int, m locking.Manager) {
		for !done.Load() {
			ctx, cancel := context.WithTimeout(background, patience)
			l, err := m.Acquire(ctx, key, shared, who(numbered("reader", i)))
			cancel()
			if err != nil {
				p.Errorf("a reader starves: %v", err)
				return
			}
			r.visit(shared)
			l.Release()
		}
	})
	writer.Wait()
	if n := r.bad.Load(); n != 0 {
		p.Errorf("%d times somebody was inside who should not have been", n)
	}
}

// Many give up at every possible moment; nothing is lost by it.
func givingUpUnderLoad(p *pair) {
	var r room
	var got, refused atomic.Int32
	p.crowd(func(i int, m locking.Manager) {
		rnd := rand.New(rand.NewPCG(uint64(i), 1))
		for range 60 {
			mode := locking.Mode(rnd.IntN(2))
			ctx, cancel := context.WithTimeout(background, time.Duration(rnd.IntN(500))*time.Microsecond)
			l, err := m.Acquire(ctx, key, mode, who(numbered("s", i)))
			cancel()
			if err != nil {
				if !errors.Is(err, locking.ErrBusy) {
					p.Errorf("Acquire: %v", err)
				}
				refused.Add(1)
				continue
			}
			got.Add(1)
			r.visit(mode)
			l.Release()
		}
	})
	p.Logf("%d granted, %d refused", got.Load(), refused.Load())
	if n := r.bad.Load(); n != 0 {
		p.Errorf("%d times somebody was inside who should not have been", n)
	}
	for _, m := range []locking.Manager{p.a, p.b} {
		p.acquire(m, key, exclusive, "afterwards").Release()
	}
}

func manyKeys(p *pair) {
	const n = 1000
	var ls []locking.Lease
	for i := range n {
		m := p.a
		if i%2 == 1 {
			m = p.b
		}
		ls = append(ls, p.acquire(m, locking.Key(numbered("user", i)), locking.Mode(i/2%2), numbered("s", i)))
	}
	all, err := p.a.List(background)
	if err != nil || len(all) != n {
		p.Errorf("List: %d keys, %v", len(all), err)
	}
	for i := range n {
		l, err := p.b.TryAcquire(locking.Key(numbered("user", i)), exclusive, who("trying"))
		if err == nil {
			l.Release()
			p.Fatalf("user%d is not held", i)
		}
	}
	for _, l := range ls {
		l.Release()
	}
}
