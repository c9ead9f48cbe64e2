package wire

import "errors"

var (
	// ErrLineTooLong means that a command, its literals left out, is longer than Limits.Line.
	// The rest of it is still in the stream; Resync skips it.
	ErrLineTooLong = errors.New("command line too long")
	// ErrLiteralTooBig means that a literal exceeds Limits.String, Limits.Strings, or the 4096 bytes that
	// LITERAL- allows (RFC 7888 §5). Its bytes were not read. APPEND answers it with [TOOBIG].
	ErrLiteralTooBig = errors.New("literal too big")
	// ErrDesync means that nobody knows any more where the next command begins. The connection must
	// be closed with BYE; reading on would take mail text for commands.
	ErrDesync = errors.New("command stream out of step")
	// ErrShortLiteral means that the source of a literal gave fewer bytes than were announced to
	// the peer. The connection must be closed; nothing sent after it could be understood.
	ErrShortLiteral = errors.New("literal source shorter than announced")
	// ErrUTF7 means that a mailbox name is not valid modified UTF-7.
	ErrUTF7 = errors.New("invalid modified UTF-7")
)

// SyntaxError says what the grammar expected and what stood there instead. The text holds only
// printable ASCII, so it can follow a BAD as it is.
type SyntaxError struct{ Text string }

func (e *SyntaxError) Error() string { return e.Text }
