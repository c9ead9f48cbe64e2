package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
	"bascule/internal/bench/proc"
)

// password is that of all accounts.
const password = "demo-password"

// Gen is the generator: what a load's Run gets.
type Gen struct {
	Job
	ctx      context.Context
	sample   Sample
	measured bool
}

// Box is the i-th box; loads that have more clients than boxes go round.
func (g *Gen) Box(i int) TargetBox { return g.Target.Boxes[i%len(g.Target.Boxes)] }

// Facts are those of a box's mail.
func (g *Gen) Facts(i int) (mailgen.Facts, error) {
	b := g.Box(i)
	return mailgen.LoadFacts(b.FactsFile, b.Count)
}

// dialer connects to one of the server's ports; those with TLS are told by their names.
func (g *Gen) dialer(kind string) client.Dialer {
	d := client.Dialer{Addr: g.Target.Addrs[kind]}
	if kind == "imaps" || kind == "pop3s" {
		d.TLS = &tls.Config{InsecureSkipVerify: true} // the certificate is made for the run
	}
	return d
}

// IMAP is a session of box i.
func (g *Gen) IMAP(i int) (*client.IMAP, error) { return g.login(g.dialer("imap"), i) }

func (g *Gen) login(d client.Dialer, i int) (*client.IMAP, error) {
	c, err := d.IMAP(g.ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Login(g.Box(i).Address(), password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Inbox is a session of box i with INBOX selected, after checking how many messages it has.
func (g *Gen) Inbox(i int) (*client.IMAP, error) {
	c, err := g.IMAP(i)
	if err != nil {
		return nil, err
	}
	n, err := c.Select("SELECT", "INBOX")
	if err == nil && n != g.Box(i).Count {
		err = fmt.Errorf("SELECT: %d messages, not %d", n, g.Box(i).Count)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Measure runs what is to be measured. f returns how many operations it did. A load measures once; it may then change Value.
func (g *Gen) Measure(f func() (ops int64, err error)) error {
	if g.measured {
		return errors.New("bench: a load measures twice")
	}
	g.measured = true
	before, err := proc.Tree(g.Target.PID)
	if err != nil {
		return err
	}
	own := ownCPU()
	peak := startPeak(g.Target.PID)
	start := time.Now()
	ops, err := f()
	elapsed := time.Since(start).Seconds()
	own = ownCPU() - own
	memory := peak.end()
	if err != nil {
		return err
	}
	time.Sleep(farewell)
	after, err := proc.Tree(g.Target.PID)
	if err != nil {
		return err
	}
	if ops == 0 {
		return errors.New("bench: nothing was done")
	}
	g.sample.Ops, g.sample.Seconds, g.sample.Memory = ops, elapsed, memory
	g.sample.CPU = (after.CPU - before.CPU).Seconds() / float64(ops)
	g.sample.Generator = own.Seconds() / float64(ops)
	g.sample.Value = float64(ops) / elapsed
	return nil
}

// ownCPU is the generator's processor time.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// farewell is how long after a measurement processes may take to end and be counted: Dovecot has one for each session.
const farewell = 200 * time.Millisecond

// Value replaces operations per second as the sample's value.
func (g *Gen) Value(v float64) { g.sample.Value = v }

// Detail adds a further number.
func (g *Gen) Detail(name string, v float64) {
	if g.sample.Details == nil {
		g.sample.Details = map[string]float64{}
	}
	g.sample.Details[name] = v
}

// Loop repeats op, once at least, until the run's time is over, and returns how often it ran.
func (g *Gen) Loop(op func() error) (n int64, err error) {
	for end := time.Now().Add(time.Duration(g.Seconds * float64(time.Second))); ; {
		if err := op(); err != nil {
			return n, err
		}
		n++
		if !time.Now().Before(end) {
			return n, nil
		}
	}
}

// Parallel runs f(0) … f(n-1) at once and adds up what they return. The first error counts; the others go on to their own end.
func (g *Gen) Parallel(n int, f func(i int) (int64, error)) (int64, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int64
		first error
	)
	for i := range n {
		wg.Go(func() {
			ops, err := f(i)
			mu.Lock()
			defer mu.Unlock()
			total += ops
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return total, first
}
