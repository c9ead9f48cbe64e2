package gate

import (
	"crypto/tls"
	"net/netip"
	"time"
)

// Protocol is one of the two that pass the gate.
type Protocol string

const (
	POP3 Protocol = "pop3"
	IMAP Protocol = "imap"
)

// name is the protocol as people write it.
func (p Protocol) name() string {
	if p == POP3 {
		return "POP3"
	}
	return "IMAP"
}

// Client is a connection that may want to log in. The front end fills it in and
// sets TLS when that begins; the gate only reads it.
type Client struct {
	Protocol      Protocol
	Remote, Local netip.AddrPort
	TLS           *tls.ConnectionState // nil in clear text
	ProxyTLS      string               // version of TLS that ends at a trusted proxy ("TLSv1.3"); empty without
	Via           netip.AddrPort       // the trusted webmail that speaks for Remote (Gate.SpeaksFor); zero without
	ConnID        string               // for the log

	// Kick asks the connection to end a session that the gate handed out. It is
	// called from any goroutine, at most twice (notice and end), and must not block.
	Kick func(Eviction)

	// Trace gives emit the lines of the wire, masked, from the client's next command on; nil ends that. It is called from any goroutine and
	// must not block. May be nil.
	Trace func(emit func(from string, line []byte))
}

// secure says whether a password may cross the connection as it is: nobody else
// can read it, or it does not leave the host.
func (c *Client) secure() bool {
	peer := c.Remote
	if c.Via.IsValid() {
		peer = c.Via
	}
	return c.encrypted() || peer.Addr().Unmap().IsLoopback()
}

// encrypted says whether the client speaks TLS, to us or to a trusted proxy.
func (c *Client) encrypted() bool { return c.TLS != nil || c.ProxyTLS != "" }

// Code classes refusals; each protocol has a table of its own words for them.
type Code int

const (
	Auth        Code = iota + 1 // wrong name or password; the only one that clients should ask a new password for
	Privacy                     // not without TLS
	SysTemp                     // something is broken here; later it may work
	SysPerm                     // the account may not: protocol off, suspended
	LoginDelay                  // too soon after the last logins
	Limit                       // too many connections
	Unavailable                 // too many attempts, or the server is stopping; later
)

func (c Code) String() string {
	return [...]string{"?", "auth", "privacy", "systemp", "sysperm", "login-delay", "limit", "unavailable"}[max(0, min(int(c), 7))]
}

// Refusal is the error of every login that the gate refused. Text is one line of
// UTF-8 for the client; it never tells more than the client may know.
type Refusal struct {
	Code      Code
	Text      string
	Throttled bool // refused unseen, because of earlier failures
}

func (r *Refusal) Error() string { return "gate: " + r.Code.String() + ": " + r.Text }

func refuse(code Code, text string) *Refusal { return &Refusal{Code: code, Text: text} }

func authFailed() *Refusal { return refuse(Auth, "Authentication failed") }

func broken() *Refusal { return refuse(SysTemp, "Internal error, try again later") }

// Reason of an eviction.
type Reason string

const (
	Withdrawn Reason = "withdrawn" // the protocol was switched off
	Suspended Reason = "suspended"
	Deleted   Reason = "deleted" // the account is gone
	Kicked    Reason = "kicked"  // by an operator
)

// Eviction tells a session that it has to end.
type Eviction struct {
	Reason Reason
	Text   string // one line for the client
	// Now: at once, after what runs. Otherwise the session may finish what it is
	// about until Deadline, when an eviction with Now follows.
	Now      bool
	Deadline time.Time
}
