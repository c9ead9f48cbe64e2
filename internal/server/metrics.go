package server

import (
	"runtime"
	"strings"
	"time"

	"bascule/internal/gate"
	"bascule/internal/metrics"
	"bascule/internal/notify"
)

// emit takes one series of a family.
type emit = func(value float64, labels ...string)

// collect adds to the table of metrics what the parts are asked for when somebody reads it.
func (s *Server) collect() {
	m, protocol := s.metrics, []metrics.Label{metrics.Protocol}
	m.Gauge("bascule_build_info", "Always 1; the version and the front ends of this process.",
		[]metrics.Label{{Name: "version"}, {Name: "serves"}, {Name: "go"}},
		func(e emit) { e(1, s.opt.Version, strings.Join(s.opt.Only, "+"), runtime.Version()) })
	s.collectConnections(protocol)
	m.Gauge("bascule_sessions", "Clients that are logged in.", protocol, func(e emit) {
		for _, p := range []gate.Protocol{gate.POP3, gate.IMAP} {
			if s.front[string(p)] != nil {
				e(float64(s.Gate.CountOf(p)), string(p))
			}
		}
	})
	m.Sampled("bascule_password_checks_total", "Passwords that were compared with one remembered, or hashed.",
		[]metrics.Label{{Name: "how", Values: []string{"remembered", "hashed"}}}, func(e emit) {
			remembered, hashed := s.Gate.PasswordChecks()
			e(float64(remembered), "remembered")
			e(float64(hashed), "hashed")
		})
	s.collectStore()
	s.collectNudges()
	m.Gauge("bascule_acme_failing", "Names of acme.names whose last attempt to get a certificate failed; absent without them.", nil, func(e emit) {
		if s.issuer != nil {
			e(float64(s.issuer.Failing()))
		}
	})
	m.Gauge("bascule_certificate_days_left", "Days until the first of the certificates in use expires; absent without TLS.", nil, func(e emit) {
		if s.certs != nil {
			e(time.Until(s.certs.Expires()).Hours() / 24)
		}
	})
}

func (s *Server) collectConnections(protocol []metrics.Label) {
	type traffic struct {
		open                               int
		accepted, refused, in, out, panics float64
	}
	each := func(show func(protocol string, t traffic)) {
		for name, f := range s.front {
			in, out := f.Traffic()
			show(name, traffic{f.Connections(), float64(f.Accepted()), float64(f.Refused()), float64(in), float64(out), float64(f.Panics())})
		}
		if s.lmtp != nil {
			t := s.lmtp.Stats()
			show("lmtp", traffic{t.Open, float64(t.Accepted), 0, float64(t.In), float64(t.Out), float64(t.Panics)})
		}
	}
	m := s.metrics
	m.Gauge("bascule_connections", "Open connections, those before a login too.", protocol, func(e emit) {
		each(func(p string, t traffic) { e(float64(t.open), p) })
	})
	for _, c := range []struct {
		name, help string
		value      func(traffic) float64
	}{
		{"bascule_connections_total", "Connections that came.", func(t traffic) float64 { return t.accepted }},
		{"bascule_connections_refused_total", "Connections turned away by a limit.", func(t traffic) float64 { return t.refused }},
		{"bascule_received_bytes_total", "Octets read from clients, without those of TLS.", func(t traffic) float64 { return t.in }},
		{"bascule_sent_bytes_total", "Octets sent to clients, without those of TLS.", func(t traffic) float64 { return t.out }},
		{"bascule_panics_total", "Connections ended by a fault of the program. Anything but 0 is worth a report.", func(t traffic) float64 { return t.panics }},
	} {
		m.Sampled(c.name, c.help, protocol, func(e emit) {
			each(func(p string, t traffic) { e(c.value(t), p) })
		})
	}
}

func (s *Server) collectStore() {
	m := s.metrics
	m.Gauge("bascule_accounts_open", "Accounts whose index is open: used by sessions or deliveries, or kept for the next.",
		[]metrics.Label{{Name: "state", Values: []string{"used", "idle"}}}, func(e emit) {
			open, idle := s.Store.Opened()
			e(float64(open-idle), "used")
			e(float64(idle), "idle")
		})
	m.Gauge("bascule_locks_held", "Mailboxes that a POP3 session of this process has for itself.", nil, func(e emit) {
		n, _ := s.Store.Maildrops()
		e(float64(n))
	})
	m.Gauge("bascule_lock_oldest_seconds", "For how long the oldest of these sessions has had its mailbox; 0 without any.", nil, func(e emit) {
		if n, since := s.Store.Maildrops(); n > 0 {
			e(time.Since(since).Seconds())
		} else {
			e(0)
		}
	})
}

func (s *Server) collectNudges() {
	m := s.metrics
	m.Sampled("bascule_nudges_total", "News between sessions and processes. missed: how often this process was told that it missed some, and looked everywhere.",
		[]metrics.Label{{Name: "event", Values: []string{"published", "woken", "sent", "received", "dropped", "missed"}}}, func(e emit) {
			c, ok := s.bus.(notify.Counter)
			if !ok {
				return
			}
			t := c.Stats()
			for event, n := range map[string]uint64{"published": t.Published, "woken": t.Woken, "sent": t.Sent, "received": t.Received, "dropped": t.Dropped, "missed": t.Missed} {
				e(float64(n), event)
			}
		})
	m.Sampled("bascule_watch_fallbacks_total", "Directories that are polled because the kernel would not watch them, and times the kernel lost count of changes.",
		[]metrics.Label{{Name: "kind", Values: []string{"polled", "overflow"}}}, func(e emit) {
			if s.watcher == nil {
				return
			}
			e(float64(s.watcher.Fallbacks()), "polled")
			e(float64(s.watcher.Overflows()), "overflow")
		})
}
