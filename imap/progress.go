package imap

import (
	"fmt"
	"time"
)

// progressEvery is how often a client is told that its command goes on; as often, one that went away is noticed.
const progressEvery = 10 * time.Second

// progress tells the client of a long command how far it is (RFC 9585).
type progress struct {
	c     *conn
	tag   string
	quiet bool      // nothing is told: no command waits
	told  time.Time // when the client was last told, or the command began
}

// tell says so if it is time to. Nothing may be held meanwhile.
func (p *progress) tell(done, all int, what string) error {
	every := progressEvery
	if k := p.c.srv.opt.KeepAlive; k > 0 {
		every = min(every, k)
	}
	if p.quiet || time.Since(p.told) < every {
		return nil
	}
	p.c.status("*", kindOK, fmt.Sprintf(`INPROGRESS ("%s" %d %d)`, p.tag, done, all), what)
	p.told = time.Now()
	if p.c.flush() != nil {
		return errClientGone
	}
	return nil
}
