package pop3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bascule/internal/gate"
	"bascule/maildir"
)

// refusal is a -ERR reply as an error.
type refusal struct {
	code  string // RFC 2449 §8 response code, may be empty
	text  string // ASCII, one line
	isBad bool   // counts towards the bad commands that end the session
}

func (r *refusal) Error() string { return "pop3: " + r.text }

// bad is a refusal of what a right client would not have sent.
func bad(text string) error { return &refusal{text: text, isBad: true} }

var (
	// errOver ends the session in good order; the reply has been written.
	errOver = errors.New("pop3: session is over")
	// errBroken ends the connection in the middle of a reply; nothing more is written.
	errBroken = errors.New("pop3: reply was cut short")
)

// codes are the words of RFC 2449, RFC 3206 and RFC 6856 for what the door says. Only Auth means that the password was wrong:
// clients ask their user for a new one then.
var codes = map[gate.Code]string{
	gate.Auth:        "AUTH",
	gate.Privacy:     "AUTH",
	gate.SysTemp:     "SYS/TEMP",
	gate.SysPerm:     "SYS/PERM",
	gate.LoginDelay:  "LOGIN-DELAY",
	gate.Limit:       "SYS/TEMP",
	gate.Unavailable: "SYS/TEMP",
}

// domainErrors turns errors of the store into replies.
var domainErrors = []struct {
	is error
	refusal
}{
	// Counted: some clients ask for such a message for ever, and only a new session shows them that it is gone.
	{maildir.ErrGone, refusal{code: "SYS/TEMP", text: "Message is gone", isBad: true}},
	{maildir.ErrReplaced, refusal{code: "SYS/TEMP", text: "The mailbox was removed or restored; connect again"}},
	{maildir.ErrClosed, refusal{code: "SYS/TEMP", text: "The mailbox was closed; try again later"}},
	{maildir.ErrDiskFull, refusal{code: "SYS/TEMP", text: "The server's disk is full; please tell its administrators"}},
	{maildir.ErrNoMarker, refusal{code: "SYS/TEMP", text: "The mail store is not there; try again later"}},
	{context.Canceled, refusal{code: "SYS/TEMP", text: "The server is stopping; try again later"}},
	{context.DeadlineExceeded, refusal{code: "SYS/TEMP", text: "This took too long; try again later"}},
}

// refusalFor finds the reply to an error. What nobody foresaw is logged and answered without its text: internals are not the
// client's to know.
func (c *conn) refusalFor(err error) *refusal {
	var (
		r     *refusal
		door  *gate.Refusal
		inUse *maildir.InUseError
	)
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &door):
		return &refusal{code: codes[door.Code], text: oneLine(door.Text), isBad: door.Code == gate.Auth}
	case errors.As(err, &inUse):
		return &refusal{code: "IN-USE", text: inUseText(inUse)}
	case errors.Is(err, maildir.ErrInUse):
		return &refusal{code: "IN-USE", text: "The mailbox is in use"}
	}
	if r := foreseen(err); r != nil {
		return r
	}
	c.log.Error("pop3 command failed", "err", err)
	return &refusal{code: "SYS/TEMP", text: "Internal error; the server's log has it under connection " + c.net.ID()}
}

// resultOf is the result of a command as it is counted.
func resultOf(err error) string {
	var (
		r    *refusal
		stop *stopError
		door *gate.Refusal
	)
	switch {
	case err == nil, errors.Is(err, errOver):
		return "ok"
	case errors.Is(err, errBroken), errors.As(err, &stop):
		return "io"
	case errors.As(err, &r):
		if r.isBad {
			return "bad"
		}
		return "no"
	case errors.As(err, &door), errors.Is(err, maildir.ErrInUse), foreseen(err) != nil:
		return "no"
	}
	return "server"
}

// foreseen is the refusal of domainErrors, or nil.
func foreseen(err error) *refusal {
	for i := range domainErrors {
		if errors.Is(err, domainErrors[i].is) {
			r := domainErrors[i].refusal
			return &r
		}
	}
	return nil
}

// inUseText names the holder by protocol and age: the same client's lost connection and a second program need different remedies.
func inUseText(e *maildir.InUseError) string {
	who := "Another session"
	if e.Holder.Protocol == "pop3" {
		who = "Another POP3 session"
	}
	return fmt.Sprintf("%s has the mailbox since %s", who, age(e.Age))
}

func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "a moment"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// oneLine keeps a configured or foreign text from breaking the reply in two.
func oneLine(text string) string {
	b := []byte(text)
	for i, ch := range b {
		if ch < 0x20 || ch == 0x7F {
			b[i] = ' '
		}
	}
	return string(b)
}
