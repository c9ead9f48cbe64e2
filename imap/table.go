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

// numbered tells whether the command names messages by sequence numbers: it has a UID form, and more than EXPUNGE has, which names none.
func (row *command) numbered() bool {
	return !row.uid && row.verb != "EXPUNGE" && commands["UID "+row.verb] != nil
}

// table is the list of all commands. The capabilities that promise them are in capability.go.
var table = []command{
	// verb, states, uid, seq, touch, handler
	{"CAPABILITY", anyState, false, false, noTouch, (*conn).cmdCapability},
	{"NOOP", anyState, false, false, noTouch, (*conn).cmdNoop},
	{"LOGOUT", anyState, false, false, noTouch, (*conn).cmdLogout},
	{"ID", anyState, false, false, noTouch, (*conn).cmdID},
	{"LANGUAGE", anyState, false, false, noTouch, (*conn).cmdLanguage},

	{"STARTTLS", stateNotAuth, false, false, noTouch, (*conn).cmdStartTLS},
	{"AUTHENTICATE", stateNotAuth, false, false, noTouch, (*conn).cmdAuthenticate},
	{"LOGIN", stateNotAuth, false, false, noTouch, (*conn).cmdLogin},

	{"ENABLE", loggedIn, false, false, noTouch, (*conn).cmdEnable},
	{"COMPRESS", loggedIn, false, false, noTouch, (*conn).cmdCompress},
	{"UNAUTHENTICATE", loggedIn, false, false, noTouch, (*conn).cmdUnauthenticate},
	{"SELECT", loggedIn, false, false, maildir.TouchRead, (*conn).cmdSelect},
	{"EXAMINE", loggedIn, false, false, maildir.TouchRead, (*conn).cmdSelect},
	{"CREATE", loggedIn, false, false, noTouch, (*conn).cmdCreate},
	{"DELETE", loggedIn, false, false, noTouch, (*conn).cmdDelete},
	{"RENAME", loggedIn, false, false, noTouch, (*conn).cmdRename},
	{"SUBSCRIBE", loggedIn, false, false, noTouch, (*conn).cmdSubscribe},
	{"UNSUBSCRIBE", loggedIn, false, false, noTouch, (*conn).cmdSubscribe},
	{"LIST", loggedIn, false, false, noTouch, (*conn).cmdList},
	{"XLIST", loggedIn, false, false, noTouch, (*conn).cmdXList},
	{"LSUB", loggedIn, false, false, noTouch, (*conn).cmdLsub},
	{"NAMESPACE", loggedIn, false, false, noTouch, (*conn).cmdNamespace},
	{"STATUS", loggedIn, false, false, noTouch, (*conn).cmdStatus},
	{"APPEND", loggedIn, false, false, noTouch, (*conn).cmdAppend},
	{"ESEARCH", loggedIn, false, false, maildir.TouchRead, (*conn).cmdESearch},
	{"NOTIFY", loggedIn, false, false, noTouch, (*conn).cmdNotify},
	{"IDLE", loggedIn, false, false, noTouch, (*conn).cmdIdle},
	{"SETACL", loggedIn, false, false, noTouch, (*conn).cmdSetACL},
	{"DELETEACL", loggedIn, false, false, noTouch, (*conn).cmdDeleteACL},
	{"GETACL", loggedIn, false, false, noTouch, (*conn).cmdGetACL},
	{"LISTRIGHTS", loggedIn, false, false, noTouch, (*conn).cmdListRights},
	{"MYRIGHTS", loggedIn, false, false, noTouch, (*conn).cmdMyRights},
	{"GETMETADATA", loggedIn, false, false, noTouch, (*conn).cmdGetMetadata},
	{"SETMETADATA", loggedIn, false, false, noTouch, (*conn).cmdSetMetadata},
	{"GETQUOTA", loggedIn, false, false, noTouch, (*conn).cmdGetQuota},
	{"GETQUOTAROOT", loggedIn, false, false, noTouch, (*conn).cmdGetQuotaRoot},
	{"SETQUOTA", loggedIn, false, false, noTouch, (*conn).cmdSetQuota},

	{"GENURLAUTH", loggedIn, false, false, noTouch, (*conn).cmdGenURLAuth},
	{"RESETKEY", loggedIn, false, false, noTouch, (*conn).cmdResetKey},
	{"URLFETCH", loggedIn, false, false, noTouch, (*conn).cmdURLFetch},

	{"CHECK", stateSelected, false, false, noTouch, (*conn).cmdNoop},
	{"CLOSE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdClose},
	{"UNSELECT", stateSelected, false, false, noTouch, (*conn).cmdUnselect},
	{"EXPUNGE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdExpunge},
	{"SEARCH", stateSelected, false, true, maildir.TouchRead, (*conn).cmdSearch},
	{"CANCELUPDATE", stateSelected, false, false, noTouch, (*conn).cmdCancelUpdate},
	{"SORT", stateSelected, false, true, maildir.TouchRead, (*conn).cmdSort},
	{"THREAD", stateSelected, false, true, maildir.TouchRead, (*conn).cmdThread},
	{"FETCH", stateSelected, false, true, maildir.TouchRead, (*conn).cmdFetch},
	{"STORE", stateSelected, false, true, maildir.TouchFlags, (*conn).cmdStore},
	{"COPY", stateSelected, false, false, maildir.TouchRead, (*conn).cmdCopy},
	{"MOVE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdMove},
	{"REPLACE", stateSelected, false, false, maildir.TouchRemove, (*conn).cmdReplace},

	{"UID EXPUNGE", stateSelected, true, false, maildir.TouchRemove, (*conn).cmdExpunge},
	{"UID SEARCH", stateSelected, true, false, maildir.TouchRead, (*conn).cmdSearch},
	{"UID SORT", stateSelected, true, false, maildir.TouchRead, (*conn).cmdSort},
	{"UID THREAD", stateSelected, true, false, maildir.TouchRead, (*conn).cmdThread},
	{"UID FETCH", stateSelected, true, false, maildir.TouchRead, (*conn).cmdFetch},
	{"UID STORE", stateSelected, true, false, maildir.TouchFlags, (*conn).cmdStore},
	{"UID COPY", stateSelected, true, false, maildir.TouchRead, (*conn).cmdCopy},
	{"UID MOVE", stateSelected, true, false, maildir.TouchRemove, (*conn).cmdMove},
	{"UID REPLACE", stateSelected, true, false, maildir.TouchRemove, (*conn).cmdReplace},
}

// Verbs lists the commands, for metrics.
func Verbs() []string {
	verbs := make([]string, len(table))
	for i := range table {
		verbs[i] = table[i].verb
	}
	return verbs
}

// commands finds the row of a verb in upper case; a UID form has "UID " before its verb.
var commands map[string]*command

func init() {
	commands = make(map[string]*command, len(table))
	for i := range table {
		commands[table[i].verb] = &table[i]
	}
}
