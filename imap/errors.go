package imap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"bascule/imap/wire"
	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/maildir"
)

// A replyError is an error that already says what the client is to read. Its text is English, from the
// catalogue of internal/language or the operator's own.
type replyError struct {
	kind kind
	code string // response code without brackets; "" for none (RFC 9051 §7.1, RFC 5530)
	text string
}

type kind uint8

const (
	kindOK kind = iota
	kindNo
	kindBad
	kindBye // ends the connection
)

var kindNames = [...]string{"OK", "NO", "BAD", "BYE"}

func (e *replyError) Error() string {
	return fmt.Sprintf("%s [%s] %s", kindNames[e.kind], e.code, e.text)
}

// no makes the error for a command that cannot be done.
func no(code, text string) error { return &replyError{kindNo, code, text} }

// bad makes the error for a command that makes no sense.
func bad(text string) error { return &replyError{kind: kindBad, text: text} }

// bye makes the error that ends the connection after an untagged BYE.
func bye(code, text string) error { return &replyError{kindBye, code, text} }

// Errors that several commands share.
var (
	errReadOnly  = no("READ-ONLY", "The mailbox is selected read-only")
	errNoMessage = bad("No message has this sequence number")
	// RFC 9586 §3.1
	errUIDRequired = &replyError{kindBad, "UIDREQUIRED", "Sequence numbers cannot be used after ENABLE UIDONLY"}
	errClientGone  = errors.New("imap: the client is gone")
)

// domainReplies is the one table from the errors of other packages to replies.
var domainReplies = []struct {
	err   error
	reply replyError
}{
	{wire.ErrLineTooLong, replyError{kindBad, "", "Command line too long"}},
	{wire.ErrLiteralTooBig, replyError{kindNo, "TOOBIG", "Literal too big"}},
	{wire.ErrUTF7, replyError{kindBad, "", "Mailbox name is not valid modified UTF-7"}},
	{wire.ErrDesync, replyError{kindBye, "", "Too much to skip; the connection would be out of step"}},
	{errOutOfStep, replyError{kindBye, "", "The mailbox changed; please connect again"}},
	{maildir.ErrNoMailbox, replyError{kindNo, "NONEXISTENT", "No such mailbox"}},
	{maildir.ErrNoRight, replyError{kindNo, "NOPERM", "You do not have the right to do this"}},
	{gate.ErrNotAdmin, replyError{kindNo, "NOPERM", "You are no administrator of this"}},
	{accounts.ErrForeign, replyError{kindNo, "CANNOT", "This setting is kept where the accounts come from; change it there"}},
	{maildir.ErrMailboxExists, replyError{kindNo, "ALREADYEXISTS", "Mailbox already exists"}},
	{maildir.ErrGone, replyError{kindNo, "EXPUNGEISSUED", "Some of the messages are gone"}},
	{maildir.ErrOverQuota, replyError{kindNo, "OVERQUOTA", "Quota exceeded"}},
	{maildir.ErrDiskFull, replyError{kindNo, "UNAVAILABLE", "The server's disk is full; please tell its administrators"}},
	{maildir.ErrInUse, replyError{kindNo, "INUSE", "A POP3 session has the mailbox for itself; try again later"}},
	{maildir.ErrTooManyKeywords, replyError{kindNo, "LIMIT", "The mailbox has as many keywords as it can hold"}},
	{maildir.ErrBadName, replyError{kindNo, "CANNOT", "Invalid mailbox name"}},
	{maildir.ErrOwnerRights, replyError{kindNo, "CANNOT", "The owner has all rights, always"}},
	{maildir.ErrTooManyGrants, replyError{kindNo, "LIMIT", "The mailbox's list of rights is full"}},
	{maildir.ErrBadIdentifier, replyError{kindNo, "CANNOT", "Nobody can have this name"}},
	{maildir.ErrInbox, replyError{kindNo, "CANNOT", "INBOX cannot be deleted"}},
	{maildir.ErrTooManyEntries, replyError{kindNo, "METADATA TOOMANY", "There is no room for so many entries"}},
	{accounts.ErrTooManyAnnotations, replyError{kindNo, "METADATA TOOMANY", "There is no room for so many entries"}},
	{maildir.ErrTooManyMailboxes, replyError{kindNo, "LIMIT", "The account has as many mailboxes as it may have"}},
	{maildir.ErrUIDsExhausted, replyError{kindNo, "LIMIT", "The mailbox cannot take any more messages"}},
	{maildir.ErrBadKeyword, replyError{kindNo, "CANNOT", "A flag cannot be stored here"}},
	{maildir.ErrBinary, replyError{kindNo, "UNKNOWN-CTE", "NUL can be stored only in parts whose Content-Transfer-Encoding is binary"}},
	{maildir.ErrNoMarker, replyError{kindNo, "UNAVAILABLE", "The mail store is not available"}},
	{maildir.ErrReplaced, replyError{kindBye, "UNAVAILABLE", "The mailbox was removed or restored; please connect again"}},
	{maildir.ErrClosed, replyError{kindNo, "UNAVAILABLE", "The mail store is closing"}},
	{context.Canceled, replyError{kindNo, "UNAVAILABLE", "The session is ending"}},
	{context.DeadlineExceeded, replyError{kindNo, "UNAVAILABLE", "The server is too busy; try again later"}},
}

// refusalCodes says how each reason to refuse a login reads (RFC 5530 §3).
var refusalCodes = map[gate.Code]string{
	gate.Auth:        "AUTHENTICATIONFAILED",
	gate.Privacy:     "PRIVACYREQUIRED",
	gate.SysTemp:     "UNAVAILABLE",
	gate.SysPerm:     "CONTACTADMIN",
	gate.LoginDelay:  "LIMIT",
	gate.Limit:       "LIMIT",
	gate.Unavailable: "UNAVAILABLE",
}

// replyFor turns what a handler returned into a reply. What nobody foresaw is
// logged, and the client reads nothing of our insides.
func (c *conn) replyFor(r *request, err error) replyError {
	var reply *replyError
	var syntax *wire.SyntaxError
	var refusal *gate.Refusal
	switch {
	case errors.As(err, &reply):
		return *reply
	case errors.As(err, &syntax):
		return replyError{kindBad, "", "Syntax error: " + syntax.Text}
	case errors.As(err, &refusal):
		return replyError{kindNo, refusalCodes[refusal.Code], refusal.Text}
	}
	for i := range domainReplies {
		if errors.Is(err, domainReplies[i].err) {
			return domainReplies[i].reply
		}
	}
	r.internal = true
	c.log.Error("command failed", slog.String("cmd", r.row.verb), slog.Any("err", err))
	return replyError{kindNo, "SERVERBUG", "Internal error; it has been logged as " + c.nc.ID()}
}
