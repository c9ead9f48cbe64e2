package imap

import (
	"log/slog"
	"time"
)

// summary is what the log says about a session when it ends.
type summary struct {
	since    time.Time
	reason   string
	commands int
	fetched  int // body sections sent
	appended int
	expunged int
}

func (s *summary) begin() { *s = summary{since: time.Now(), reason: "disconnected"} }

func (c *conn) logSummary() {
	in, out := c.nc.Counters()
	s := &c.sum
	c.log.Info("imap session ended", "remote", c.client.Remote.String(), "reason", s.reason, slog.Duration("duration", time.Since(s.since).Round(time.Millisecond)),
		"commands", s.commands, "fetched", s.fetched, "appended", s.appended, "expunged", s.expunged,
		"client", c.clientID, "in", in, "out", out)
}
