package pop3

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// summary is what the log says about a session when it ends: enough to answer "my mail is gone" and "it downloads everything again"
// a week later.
type summary struct {
	since      time.Time
	reason     string
	messages   int
	octets     int64
	retr, top  int
	retrOctets int64
	marked     int    // for deletion, at QUIT
	deleted    int    // of these
	uidls      string // hash of the set of unique-ids; it changes when a client may see old mail as new
}

func (s *summary) begin(d *drop) {
	s.since, s.messages, s.octets = time.Now(), d.left, d.leftOctets
	h := sha256.New()
	for i := range d.deleted {
		io.WriteString(h, d.mail.UIDL(i))
		h.Write([]byte{'\n'})
	}
	s.uidls = hex.EncodeToString(h.Sum(nil)[:8])
}

func (c *conn) logSummary() {
	in, out := c.net.Counters()
	s := &c.sum
	c.log.Info("pop3 session ended", "reason", s.reason, slog.Duration("duration", time.Since(s.since).Round(time.Millisecond)),
		"messages", s.messages, "octets", s.octets, "top", s.top, "retr", s.retr, "retr_octets", s.retrOctets,
		"marked", s.marked, "deleted", s.deleted, "uidls", s.uidls, "in", in, "out", out)
}

// welcome is the text behind the +OK of a login.
func (c *conn) welcome() string {
	return fmt.Sprintf("%d messages (%d octets)", c.drop.left, c.drop.leftOctets)
}
