package bench

import (
	"fmt"
	"sync"
	"time"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
	"bascule/internal/bench/proc"
)

// What a connection costs in memory that only waits: logged in, INBOX selected, idling. It is the growth of the whole server since
// it was started, so the tables of the mailboxes are in it, and what the logins left behind.
var idleLoads = []Load{
	idleLoad("idle-plain-1k", "imap", 50, 1000), idleLoad("idle-tls-1k", "imaps", 50, 1000),
	idleLoad("idle-plain-100k", "imap", 2, 100000), idleLoad("idle-tls-100k", "imaps", 2, 100000),
	ownIdleLoad("idle-plain-own", "imap", 100), ownIdleLoad("idle-tls-own", "imaps", 100),
}

// ownIdleLoad has an account for each connection, as where everybody has one telephone: what an open account costs is in it.
func ownIdleLoad(name, kind string, messages int) Load {
	l := idleLoad(name, kind, 0, messages)
	l.What += ", each of an account of its own"
	l.Sizes = [3]int{300, 1000, 3000}
	l.Boxes = func(size int) []Box { return boxes(size, mailgen.Mixed, min(messages, size)) }
	return l
}

func idleLoad(name, kind string, accounts, messages int) Load {
	how := map[string]string{"imap": "plain", "imaps": "TLS"}[kind]
	return Load{
		Name: name, What: fmt.Sprintf("memory per idle connection, %s, INBOX of %d", how, messages), Unit: "octets", Lower: true, Per: "connections",
		Sizes: [3]int{1000, 3000, 10000}, Short: [3]int{4, 8, 16}, Aim: 40, Cold: true,
		Boxes: func(size int) []Box {
			if size < 100 {
				return boxes(2, mailgen.Mixed, 20)
			}
			return boxes(accounts, mailgen.Mixed, messages)
		},
		Run: func(g *Gen) error { return idling(g, kind) },
	}
}

// calm is how long the sessions idle before the server's memory is read, so that what it frees is freed: Bascule closes the indexes of
// accounts that were quiet for ten to twenty seconds.
const calm = 25 * time.Second

func idling(g *Gen, kind string) error {
	before, err := proc.Memory(g.Target.PID)
	if err != nil {
		return err
	}
	sessions := make([]*client.IMAP, g.Size)
	defer func() {
		for _, c := range sessions {
			if c != nil {
				c.Close()
			}
		}
	}()
	d := g.dialer(kind)
	d.Buffer = 1 << 10
	rest := calm
	if g.Seconds < 1 { // only the answers count
		rest = time.Duration(g.Seconds * float64(time.Second))
	}
	first := max(g.Size/10, len(g.Target.Boxes)) // every mailbox is open then
	if err := openIdle(g, d, sessions, 0, first); err != nil {
		return err
	}
	time.Sleep(rest)
	early, err := proc.Memory(g.Target.PID)
	if err != nil {
		return err
	}
	others := g.Size - first
	if others > 0 {
		if err := openIdle(g, d, sessions, first, g.Size); err != nil {
			return err
		}
		time.Sleep(rest)
	}
	var memory int64
	if err := g.Measure(func() (int64, error) {
		memory, err = proc.Memory(g.Target.PID)
		return int64(g.Size), err
	}); err != nil {
		return err
	}
	g.Value(float64(memory-before) / float64(g.Size))
	if others > 0 {
		// Without the mailboxes and what the first logins left, but too low by what the server could use again of that.
		g.Detail("octets for each after the first tenth", float64(memory-early)/float64(others))
	}
	return alive(sessions)
}

// openIdle opens the sessions from first to before last.
func openIdle(g *Gen, d client.Dialer, sessions []*client.IMAP, first, last int) error {
	const openers = 16
	_, err := g.Parallel(openers, func(k int) (int64, error) {
		for i := first + k; i < last; i += openers {
			c, err := g.login(d, i)
			if err != nil {
				return 0, fmt.Errorf("connection %d: %w", i, err)
			}
			sessions[i] = c
			n, err := c.Select("SELECT", "INBOX")
			if err == nil && n != g.Box(i).Count {
				err = fmt.Errorf("%d messages", n)
			}
			if err != nil {
				return 0, fmt.Errorf("connection %d: %w", i, err)
			}
			if err := c.Idle(); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	return err
}

// alive ends IDLE on all connections: one that the server had given up would have cost nothing.
func alive(sessions []*client.IMAP) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(sessions))
	limit := make(chan struct{}, 64)
	for _, c := range sessions {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			if err := c.Done(); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}
