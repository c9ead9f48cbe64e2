package imap

import "bascule/maildir"

// states is a set of connection states (RFC 9051 §3).
type states uint8

const (
	stateNotAuth states = 1 << iota
	stateAuth
	stateSelected
	stateLogout

	anyState = stateNotAuth | stateAuth | stateSelected
	loggedIn = stateAuth | stateSelected
)

// noTouch marks rows that do not enter the selected mailbox.
const noTouch = maildir.Touch(-1)

// A command is one row of the table: what must be known about a verb before and after its handler runs.
type command struct {
	verb   string
	states states
	// uid marks the UID form of a command, whose numbers are UIDs (RFC 9051 §6.4.9).
	uid bool
	// seq says that the command takes or gives sequence numbers, so that no EXPUNGE may be sent
	// before its tagged reply (RFC 9051 §7.5.1).
	seq bool
	// touch is what the command does to the selected mailbox, for the POP3 lock; the handler enters by it.
	touch maildir.Touch
	run   func(*conn, *request) error
}

// table is the list of all commands. The capabilities that promise them are in capability.go.
var table = []command{
	// verb, states, uid, seq, touch, handler
	{"CAPABILITY", anyState, false, false, noTouch, (*conn).cmdCapability},
	{"NOOP", anyState, false, false, noTouch, (*conn).cmdNoop},
	{"LOGOUT", anyState, false, false, noTouch, (*conn).cmdLogout},
	{"ID", anyState, false, false, noTouch, (*conn).cmdID},

	{"STARTTLS", stateNotAuth, false, false, noTouch, (*conn).cmdStartTLS},
	{"AUTHENTICATE", stateNotAuth, false, false, noTouch, (*conn).cmdAuthenticate},
	{"LOGIN", stateNotAuth, false, false, noTouch, (*conn).cmdLogin},

	{"ENABLE", loggedIn, false, false, noTouch, (*conn).cmdEnable},
	{"UNAUTHENTICATE", loggedIn, false, false, noTouch, (*conn).cmdUnauthenticate},
	{"SELECT", loggedIn, false, false, maildir.TouchRead, (*conn).cmdSelect},
	{"EXAMINE", loggedIn, false, false, maildir.TouchRead, (*conn).cmdSelect},
	{"CREATE", loggedIn, false, false, noTouch, (*conn).cmdCreate},
	{"DELETE", loggedIn, false, false, noTouch, (*conn).cmdDelete},
	{"RENAME", loggedIn, false, false, noTouch, (*conn).cmdRename},
	{"SUBSCRIBE", loggedIn, false, false, noTouch, (*conn).cmdSubscribe},
	{"UNSUBSCRIBE", loggedIn, false, false, noTouch, (*conn).cmdSubscribe},
	{"LIST", loggedIn, false, false, noTouch, (*conn).cmdList},
	{"LSUB", loggedIn, false, false, noTouch, (*conn).cmdLsub},
	{"NAMESPACE", loggedIn, false, false, noTouch, (*conn).cmdNamespace},
	{"STATUS", loggedIn, false, false, noTouch, (*conn).cmdStatus},
	{"APPEND", loggedIn, false, false, noTouch, (*conn).cmdAppend},
	{"IDLE", loggedIn, false, false, noTouch, (*conn).cmdIdle},
	{"GETQUOTA", loggedIn, false, false, noTouch, (*conn).cmdGetQuota},
	{"GETQUOTAROOT", loggedIn, false, false, noTouch, (*conn).cmdGetQuotaRoot},
	{"SETQUOTA", loggedIn, false, false, noTouch, (*conn).cmdSetQuota},

	{"CHECK", stateSelected, false, false, noTouch, (*conn).cmdNoop},
	{"CLOSE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdClose},
	{"UNSELECT", stateSelected, false, false, noTouch, (*conn).cmdUnselect},
	{"EXPUNGE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdExpunge},
	{"SEARCH", stateSelected, false, true, maildir.TouchRead, (*conn).cmdSearch},
	{"FETCH", stateSelected, false, true, maildir.TouchRead, (*conn).cmdFetch},
	{"STORE", stateSelected, false, true, maildir.TouchFlags, (*conn).cmdStore},
	{"COPY", stateSelected, false, false, maildir.TouchRead, (*conn).cmdCopy},
	{"MOVE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdMove},

	{"UID EXPUNGE", stateSelected, true, false, maildir.TouchRemove, (*conn).cmdExpunge},
	{"UID SEARCH", stateSelected, true, false, maildir.TouchRead, (*conn).cmdSearch},
	{"UID FETCH", stateSelected, true, false, maildir.TouchRead, (*conn).cmdFetch},
	{"UID STORE", stateSelected, true, false, maildir.TouchFlags, (*conn).cmdStore},
	{"UID COPY", stateSelected, true, false, maildir.TouchRead, (*conn).cmdCopy},
	{"UID MOVE", stateSelected, true, false, maildir.TouchRemove, (*conn).cmdMove},
}

// commands finds the row of a verb in upper case; a UID form has "UID " before its verb.
var commands map[string]*command

func init() {
	commands = make(map[string]*command, len(table))
	for i := range table {
		commands[table[i].verb] = &table[i]
	}
}
