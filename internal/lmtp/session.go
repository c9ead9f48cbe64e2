package lmtp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"bascule/internal/deliver"
)

// parallel is how many recipients of one message are written at once.
const parallel = 8

// session is one client. go-smtp calls its methods one after the other, except that a message given by BDAT is read by a goroutine of
// its own which may still run when the next command comes.
type session struct {
	s    *Server
	conn *smtp.Conn
	wire *wire
	ctx  context.Context
	end  context.CancelFunc

	// mu protects the fields below.
	mu         sync.Mutex
	from       string
	size       int64
	recipients []*deliver.Recipient
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	w := c.Conn().(*wire) // there is no TLS that could stand between
	ctx, end := context.WithCancel(context.Background())
	return &session{s: s, conn: c, wire: w, ctx: ctx, end: end}, nil
}

// Reset ends a transaction; go-smtp calls it after each message too.
func (s *session) Reset() {
	s.wire.become(commands)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.size, s.recipients = "", 0, nil
}

func (s *session) Logout() error {
	s.end()
	return nil
}

func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.size, s.recipients = from, opts.Size, nil
	return nil
}

// Rcpt resolves the recipient and refuses what cannot be delivered, before the message is sent for nothing.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.s.opt.Deliverer.Resolve(s.ctx, to)
	if err == nil {
		err = s.s.opt.Deliverer.CheckQuota(s.ctx, r, s.size)
	}
	if err != nil {
		s.s.opt.Log.Info("lmtp recipient refused", "rcpt", to, "from", s.from, "err", err)
		s.s.opt.Observe(resultOf(err), 0)
		return reply(err, s.s.opt.SoftQuota)
	}
	s.recipients = append(s.recipients, r)
	return nil
}

// Data is not called: go-smtp prefers LMTPData.
func (s *session) Data(r io.Reader) error { return s.LMTPData(r, nil) }

// LMTPData delivers one message to each recipient (RFC 2033 §4.2).
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	s.s.work.Add(1)
	defer s.s.work.Done()
	r, drain := s.message(r) // until Reset the wire is read for it: go-smtp reads it to its end
	s.mu.Lock()
	recipients := s.recipients
	e := deliver.Envelope{From: s.from, Host: s.s.opt.Host, At: time.Now(), Trace: s.trace()}
	s.mu.Unlock()

	if len(recipients) == 1 {
		err := s.s.opt.Deliverer.Deliver(s.ctx, recipients[0], e, r, false)
		if err != nil {
			// The reply must not come before the message is over: the client would take it for the answer to the next command.
			if late := drain(); late != nil {
				err = late
			}
		}
		s.s.opt.Observe(resultOf(err), time.Since(e.At))
		return reply(err, s.s.opt.SoftQuota)
	}
	message, err := newSpool(r, s.s.opt.SpoolDir)
	if err != nil {
		if late := drain(); late != nil {
			err = late
		}
		s.s.opt.Log.Warn("lmtp message not received", "from", e.From, "err", err)
		for range recipients {
			s.s.opt.Observe(resultOf(err), time.Since(e.At))
		}
		return reply(err, false)
	}
	defer message.close()
	for i, err := range s.deliverAll(recipients, e, message) {
		s.s.opt.Observe(resultOf(err), time.Since(e.At))
		if status != nil {
			status.SetStatus(recipients[i].Given, reply(err, s.s.opt.SoftQuota))
		}
	}
	return nil
}

// message is what go-smtp gives, or the wire itself for a message by DATA, and how to read what is left of it.
func (s *session) message(r io.Reader) (message io.Reader, drain func() error) {
	if _, chunked := r.(*io.PipeReader); !chunked {
		return s.wire.message(s.s.opt.MaxSize), s.wire.drain
	}
	s.wire.become(chunks)
	return r, func() error {
		_, err := io.Copy(io.Discard, r)
		return err
	}
}

// deliverAll writes the message once per mailbox, several at a time, and gives each recipient's result. A mailbox that was named twice
// gets one copy.
func (s *session) deliverAll(recipients []*deliver.Recipient, e deliver.Envelope, message *spool) []error {
	errs := make([]error, len(recipients))
	first := map[string]int{}
	var wg sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i, r := range recipients {
		if _, again := first[r.Mailbox()]; again {
			continue
		}
		first[r.Mailbox()] = i
		places <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-places }()
			errs[i] = s.s.opt.Deliverer.Deliver(s.ctx, r, e, message.reader(), false)
		}()
	}
	wg.Wait()
	for i, r := range recipients {
		errs[i] = errs[first[r.Mailbox()]]
	}
	return errs
}

// trace says who brought the message, for the Received field.
func (s *session) trace() string {
	var id [6]byte
	rand.Read(id[:])
	return fmt.Sprintf("from %s (%s) with LMTP id %s", s.conn.Hostname(), s.conn.Conn().RemoteAddr(), hex.EncodeToString(id[:]))
}
