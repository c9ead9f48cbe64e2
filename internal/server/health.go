package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"bascule/internal/config"
)

// Health is what a check found of the processes that serve on this host (in this container).
type Health struct {
	Processes []string `json:"processes"`
	Listeners []Addr   `json:"listeners"`
	Problems  []string `json:"problems,omitempty"`
}

// CheckHealth looks at the store as a server would (its disk is mounted and writable, its databases open), asks the processes of this host
// whether they are alive and what they listen at, and waits for the greeting of each listener. Processes of other hosts and containers
// on the same store are not this one's matter. only names front ends that must be served; empty: whatever is. ctx bounds all of it.
func CheckHealth(ctx context.Context, cfg config.Config, only []string) Health {
	h := Health{Processes: []string{}, Listeners: []Addr{}}
	cfg.Watch = "off"
	base, err := Open(ctx, cfg, ProcessName("health"), slog.New(slog.DiscardHandler))
	if err != nil {
		h.complain("store: %v", err)
		return h
	}
	defer base.Close()
	host, err := os.Hostname()
	if err != nil {
		h.complain("host name: %v", err)
		return h
	}
	here := func(process string) bool { return strings.HasSuffix(process, "@"+host) }
	answers, err := Ask(ctx, cfg, Question{Op: "health"})
	var silent *Silent
	if errors.As(err, &silent) {
		for _, p := range silent.Processes {
			if here(p) {
				h.complain("%s does not answer", p)
			}
		}
	} else if err != nil {
		h.complain("%v", err)
	}
	for _, a := range answers {
		if !here(a.Process) {
			continue
		}
		h.Processes = append(h.Processes, a.Process)
		h.Listeners = append(h.Listeners, a.Addrs...)
		if a.Error != "" {
			h.complain("%s: %s", a.Process, a.Error)
		}
	}
	if len(h.Processes) == 0 && len(h.Problems) == 0 {
		h.complain("no process serves the store on this host")
	}
	for _, name := range only {
		if !slices.ContainsFunc(h.Listeners, func(a Addr) bool { return strings.HasPrefix(a.Listener, name) }) {
			h.complain("nothing here listens for %s", name)
		}
	}
	h.greetings(ctx)
	return h
}

func (h *Health) complain(format string, args ...any) {
	h.Problems = append(h.Problems, fmt.Sprintf(format, args...))
}

// greetings visits all listeners at the same time.
func (h *Health) greetings(ctx context.Context) {
	errs := make([]error, len(h.Listeners))
	var wg sync.WaitGroup
	for i, a := range h.Listeners {
		wg.Go(func() { errs[i] = greet(ctx, a) })
	}
	wg.Wait()
	for i, err := range errs {
		// A server that is full works for those whom it has: a restart would throw them out, and they would all come back at once.
		if err != nil && !h.Listeners[i].Full {
			h.complain("%s at %s: %v", h.Listeners[i].Listener, h.Listeners[i].Address, err)
		}
	}
}

// greet connects as a client would and wants to hear the protocol's greeting (of HTTP, that it is ready). Behind a PROXY listener, which does not trust this host,
// being accepted is all there is to see.
func greet(ctx context.Context, a Addr) error {
	network, address := "tcp", reachable(a.Address)
	if strings.HasPrefix(a.Address, "/") {
		network = "unix"
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	if end, ok := ctx.Deadline(); ok {
		c.SetDeadline(end)
	}
	protocol, proxied := strings.CutSuffix(a.Listener, "_proxied")
	if proxied {
		return nil
	}
	if strings.HasSuffix(protocol, "s") {
		// Whether the name fits and who signed it is for clients to judge.
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	want := map[string]string{"pop3": "+OK", "pop3s": "+OK", "imap": "* OK", "imaps": "* OK", "lmtp": "220", "http": "HTTP/1.0 200"}[protocol]
	if protocol == "http" {
		if _, err := io.WriteString(c, "GET /ready HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	if string(got) != want {
		return fmt.Errorf("the greeting begins with %q, not %q", got, want)
	}
	return nil
}

// reachable turns "all addresses" into this host's own.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if ip.To4() != nil {
			return net.JoinHostPort("127.0.0.1", port)
		}
		return net.JoinHostPort("localhost", port)
	}
	return address
}
