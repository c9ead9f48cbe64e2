package maildir

import (
	"errors"
	"fmt"
	"time"

	"bascule/locking"
)

var (
	// ErrNoMarker: the data directory lacks the store's marker file. Its disk may not
	// be mounted; nothing was made.
	ErrNoMarker = errors.New("maildir: no store here")
	// ErrNoMailbox: there is no mailbox of this name (or it is just a level above others).
	ErrNoMailbox = errors.New("maildir: no such mailbox")
	// ErrMailboxExists: the name is taken.
	ErrMailboxExists = errors.New("maildir: mailbox exists")
	// ErrBadName: no mailbox can have this name.
	ErrBadName = errors.New("maildir: bad mailbox name")
	// ErrInbox: INBOX cannot be deleted.
	ErrInbox = errors.New("maildir: INBOX cannot be deleted")
	// ErrTooManyMailboxes: the account has as many as it may have.
	ErrTooManyMailboxes = errors.New("maildir: too many mailboxes")
	// ErrGone: the message, or the mailbox that was open, does not exist any more.
	ErrGone = errors.New("maildir: expunged")
	// ErrNoRight: the user, who may know that the mailbox is there, may not do this in it.
	ErrNoRight = errors.New("maildir: no right")
	// ErrOverQuota: the change would exceed the account's quota; nothing was changed.
	ErrOverQuota = errors.New("maildir: over quota")
	// ErrDiskFull: the disk, or a quota of its file system, has no room for the change, or less than is to be left (Options.MinFree);
	// nothing was changed.
	ErrDiskFull = errors.New("maildir: disk is full")
	// ErrInUse: a POP3 session has the maildrop. The error is an *InUseError.
	ErrInUse = errors.New("maildir: maildrop in use")
	// ErrBadKeyword: a flag that cannot be stored: malformed, or one too many.
	ErrBadKeyword = errors.New("maildir: keyword cannot be stored")
	// ErrTooManyKeywords: the mailbox has MaxKeywords already.
	ErrTooManyKeywords = errors.New("maildir: too many keywords")
	// ErrBinary: a message has NULs where no part is called binary, so they could not be kept.
	ErrBinary = errors.New("maildir: NUL outside of binary parts")
	// ErrClosed: the account or store was closed.
	ErrClosed = errors.New("maildir: closed")
	// ErrReplaced is the ErrClosed of an account that another program has removed or restored while this process had it open. What
	// sessions know of it is worth nothing; new ones find what is there now.
	ErrReplaced = fmt.Errorf("%w, as the account was removed or restored", ErrClosed)
	// ErrUIDsExhausted: the mailbox has given out all 2^32-2 UIDs.
	ErrUIDsExhausted = errors.New("maildir: UIDs are exhausted")
)

// InUseError says who has the maildrop.
type InUseError struct {
	Holder locking.Holder
	Age    time.Duration
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("maildir: maildrop in use by %s session %s for %s", e.Holder.Protocol, e.Holder.Session, e.Age.Round(time.Second))
}

// Is makes errors.Is(err, ErrInUse) true.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }
