// Package wire is the IMAP codec: it reads commands and writes responses (RFC 9051 §9, RFC 3501 §9, RFC 7888,
// RFC 3516). It knows grammar only: no state of a session, no mailbox, no socket.
//
// What always holds:
//
//   - The decoder never reads a byte beyond the command it was asked for, so pipelined commands stay in the reader.
//   - After Resync the next byte is the first of the next command, or the answer was ErrDesync or the
//     reader's error, and the connection must close. The bytes of a literal are never taken for a command, whatever
//     went wrong before them and wherever.
//   - What a client can make the decoder keep in memory is bounded by Limits.
//   - Nothing is expanded: "1:*" stays two numbers.
//   - What the encoder writes is one well-formed line whatever the strings hold; only Atom, Raw and Special trust the caller.
//
// A command loop:
//
//	for {
//		if err := dec.Begin(); err != nil { return err }
//		if dec.CRLF() { continue }                    // Apple Mail sends stray empty lines
//		if dec.ExpectTag(&tag) && dec.ExpectSP() && dec.ExpectVerb(&verb) {
//			handle(tag, verb)                         // reads arguments up to ExpectCRLF, then acts
//		}
//		answer(tag, dec.Err())
//		if err := dec.Resync(); err != nil { return err } // ErrDesync: say BYE
//	}
//
// Files:
//
//	errors.go    the sentinels and SyntaxError
//	chars.go     character classes, the words that cost no allocation
//	decoder.go   Decoder, Limits, Begin, the sticky error, reading of bytes
//	elements.go  SP, CRLF, tag, atom, keyword, flag, list
//	strings.go   quoted, string, astring, nstring, mailbox names
//	numbers.go   numbers and sets, read
//	dates.go     date and date-time, read
//	section.go   section and partial of FETCH
//	literal.go   announcements of literals, literals as strings and as readers
//	resync.go    Resync, the scanner for literals at line ends, ReadLine
//	encoder.go   Encoder, its buffer, lists
//	values.go    strings, texts, flags, dates, written
//	bodies.go    literals, written and streamed
//	numset.go    NumSet: a set as a client sent it
//	ranges.go    Ranges: a set sorted and merged; SetBuilder
//	utf7.go      modified UTF-7
//	match.go     LIST patterns
package wire
