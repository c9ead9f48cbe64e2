package pop3

import (
	"context"
	"time"

	"bascule/internal/gate"
	"bascule/locking"
	"bascule/maildir"
)

// enter turns an admitted login into a session: it takes the maildrop for itself alone and says +OK. If somebody else has the maildrop,
// the login is undone, the client hears [IN-USE], and may try again on the same connection; that is no failed login.
func (c *conn) enter(ctx context.Context, session *gate.Session) error {
	// A wait for the maildrop ends when the session is evicted; kicked has left its note then and the loop ends.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-session.Evicted():
			cancel()
		case <-ctx.Done():
		}
	}()
	holder := locking.Holder{Session: session.ID, Account: session.Address.String(), Protocol: string(gate.POP3), Remote: c.net.Remote().String()}
	wait := max(c.srv.opt.LockWait, 0)
	mail, err := session.Account.OpenMaildrop(ctx, holder, maildir.MaildropOptions{Wait: wait, HideDeleted: !c.srv.opt.ShowDeleted})
	if err != nil {
		session.Turned()
		if e := c.ending.Load(); e != nil {
			return (*stopError)(e) // not the lock's fault, and one reply is enough
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	if e := c.ending.Load(); e != nil {
		// Evicted in the moment in which the maildrop came free, perhaps by the same switch.
		mail.Release()
		session.End()
		return (*stopError)(e)
	}
	c.session, c.drop, c.state = session, newDrop(mail), transaction
	c.log = c.log.With("account", session.Address.String(), "session", session.ID)
	c.sum.begin(c.drop)
	c.net.LoggedIn()
	c.net.SetReadDeadline(time.Time{})
	c.net.SetReadTimeout(c.srv.opt.IdleTimeout)
	session.SetMailbox(maildir.Inbox)
	c.touch()
	c.watched, c.watcher = make(chan struct{}), make(chan struct{})
	go c.watch(mail)
	return c.ok(c.welcome())
}

// errLost ends a session whose lock an operator broke.
var errLost = &ending{reason: "lock was broken", code: "SYS/TEMP", text: "This session lost the mailbox; nothing was deleted"}

// watch looks after the lease while the connection's goroutine serves the client.
func (c *conn) watch(mail *maildir.Maildrop) {
	defer close(c.watcher)
	var until time.Time
	var look <-chan time.Time
	for {
		select {
		case <-c.watched:
			return
		case <-mail.Lost():
			c.end(errLost)
			return
		case <-mail.Asked():
			// The kernel may need a moment to see that nobody answers; the new login waits that long.
			until, look = time.Now().Add(c.srv.opt.LockWait), time.NewTimer(0).C
		case now := <-look:
			if c.givesWay(now) {
				c.end(&ending{reason: "gave way to a new login", code: "SYS/TEMP", text: "Another session has the mailbox now; nothing was deleted"})
				return
			}
			if look = nil; now.Before(until) {
				look = time.NewTimer(lookEvery).C
			}
		}
	}
}

// lookEvery is how often a session that was asked to give way looks whether it has to.
const lookEvery = 200 * time.Millisecond

// givesWay tells whether a new login may have the maildrop: the client has been silent for long, and its side of the
// connection answers no more, as after a phone lost its network. A slow client alone is never thrown out.
func (c *conn) givesWay(now time.Time) bool {
	if c.srv.opt.Takeover < 0 {
		return false
	}
	silent := now.Sub(time.Unix(0, c.active.Load()))
	return silent >= c.srv.opt.Takeover && c.net.Unresponsive()
}

// leave gives the maildrop back and ends the session at the gate; safe to call twice.
func (c *conn) leave() {
	if c.session == nil {
		return
	}
	close(c.watched)
	<-c.watcher
	c.drop.mail.Release()
	c.session.End()
	c.session = nil
}

// close is the end of every connection. A session that did not QUIT deletes nothing; what it read may stay read.
func (c *conn) close() {
	if c.drop != nil {
		if !c.drop.written && c.srv.opt.MarkSeen {
			c.keepSeen()
		}
		c.leave()
		c.logSummary()
	}
}

// seenTimeout bounds the last write of a session that is over already.
const seenTimeout = 10 * time.Second

func (c *conn) keepSeen() {
	seen := c.drop.read()
	if len(seen) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), seenTimeout)
	defer cancel()
	if err := c.drop.mail.Quit(ctx, nil, seen); err != nil {
		c.log.Warn("pop3 could not mark messages as seen", "err", err)
	}
}

// kicked is called by the gate, from any goroutine, when the session may not stay: its protocol was withdrawn, or somebody ended it.
func (c *conn) kicked(e gate.Eviction) {
	// Without Now the session may finish its transaction; the gate calls again when its grace is over.
	if e.Now {
		c.end(&ending{reason: "evicted", code: "SYS/PERM", text: oneLine(e.Text)})
	}
}
