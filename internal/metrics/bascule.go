package metrics

import "time"

// Results of commands.
var results = []string{"ok", "no", "bad", "io", "server", "panic"}

// Protocol is the label of what differs by protocol.
var Protocol = Label{"protocol", []string{"pop3", "imap", "lmtp"}}

// Metrics are the numbers that the parts count themselves. What can be asked for (sessions, connections, the bus) is added by package
// server.
type Metrics struct {
	Registry
	Store Store

	logins       *Counter
	loginsTLS    *Counter
	imapCommands *Histogram
	pop3Commands *Histogram
	recipients   *Counter
	deliveries   *Histogram
	deleted      *Counter
}

// Store is what package maildir counts. Its zero value counts nothing.
type Store struct {
	LockWait *Histogram // protocol, result: granted, refused, ended
	Scan     *Histogram // kind: new, all
	Commit   *Histogram
	Parsed   *Counter // source: index, file
	Damaged  *Counter
	Texts    *Counter
	Quota    *Counter
}

// LoginTLS counts a login that succeeded by its version of TLS.
func (m *Metrics) LoginTLS(protocol, version string) { m.loginsTLS.Add(1, protocol, version) }

// New makes the table. The verbs are those that the front ends know; others count as "other".
func New(imapVerbs, pop3Verbs []string) *Metrics {
	m := &Metrics{}
	result := Label{"result", results}
	m.logins = m.Counter("bascule_logins_total", "Logins by protocol, result and reason.", Label{"protocol", []string{"pop3", "imap"}},
		Label{"result", []string{"ok", "failed", "refused", "error"}},
		Label{"reason", []string{"none", "auth", "throttled", "privacy", "systemp", "sysperm", "login-delay", "limit", "unavailable"}})
	m.loginsTLS = m.Counter("bascule_logins_tls_total", "Successful logins by version of TLS; the log names the accounts with 1.0 and 1.1.",
		Label{"protocol", []string{"pop3", "imap"}}, Label{"version", []string{"none", "1.0", "1.1", "1.2", "1.3"}})
	m.imapCommands = m.Histogram("bascule_imap_command_seconds", "Time from a command's first octet to its answer, with what its literals took to come.",
		Label{"cmd", imapVerbs}, result)
	m.pop3Commands = m.Histogram("bascule_pop3_command_seconds", "Time from a command's line to the end of its answer.", Label{"cmd", pop3Verbs}, result)
	m.recipients = m.Counter("bascule_lmtp_recipients_total", "Recipients by what became of their message.",
		Label{"result", []string{"delivered", "temporary", "no-user", "deferred", "rejected", "over-quota", "malformed", "unavailable", "no-space", "broken"}})
	m.deliveries = m.Histogram("bascule_lmtp_delivery_seconds", "Time to receive and store a message for one recipient.")
	m.deleted = m.Counter("bascule_deleted_messages_total", "Messages removed for good by sessions.", Label{"protocol", []string{"pop3", "imap"}})
	m.Store = Store{
		LockWait: m.Histogram("bascule_lock_wait_seconds", "Waits for a mailbox that another session has: granted, refused, or ended by the client or the server.",
			Label{"protocol", []string{"pop3", "imap"}}, Label{"result", []string{"granted", "refused", "ended"}}),
		Scan:    m.Histogram("bascule_scan_seconds", "Readings of a mailbox's directories: of new/ only, or of all names.", Label{"kind", []string{"new", "all"}}),
		Commit:  m.Histogram("bascule_index_write_seconds", "Changes of an account's index, their wait for other writers and their commit included."),
		Parsed:  m.Counter("bascule_parsed_total", "Parsed headers that were asked for, by where they came from.", Label{"source", []string{"index", "file"}}),
		Damaged: m.Counter("bascule_index_damaged_total", "Indexes that were found damaged, kept aside and made anew."),
		Texts:   m.Counter("bascule_texts_indexed_total", "Messages whose texts were taken into a text index."),
		Quota:   m.Counter("bascule_quota_refusals_total", "Messages refused because an account was full."),
	}
	return m
}

// Login counts a login; reason is gate's: "ok", or why not.
func (m *Metrics) Login(protocol, reason string) {
	result := "refused"
	switch reason {
	case "ok":
		result, reason = "ok", "none"
	case "auth":
		result = "failed"
	case "systemp":
		result = "error"
	}
	m.logins.Add(1, protocol, result, reason)
}

// IMAPCommand counts a command of IMAP.
func (m *Metrics) IMAPCommand(verb, result string, took time.Duration) {
	m.imapCommands.Observe(took, verb, result)
}

// POP3Command counts a command of POP3.
func (m *Metrics) POP3Command(verb, result string, took time.Duration) {
	m.pop3Commands.Observe(took, verb, result)
}

// Recipient counts what became of a message for one recipient; took is 0 if it was refused before it was sent.
func (m *Metrics) Recipient(result string, took time.Duration) {
	m.recipients.Add(1, result)
	if took > 0 {
		m.deliveries.Observe(took)
	}
}

// Deleted counts messages that a session removed.
func (m *Metrics) Deleted(protocol string, n int) { m.deleted.Add(n, protocol) }
