// Package message reads stored mail the way IMAP and POP3 need it: what its bytes are, what it
// looks like on the wire, its part tree, its envelope, and its text for a search.
//
// Invariants:
//
//   - No message is refused. Parse fails only when its reader does; whatever is malformed or beyond a
//     limit degrades to a leaf part whose bytes can still be fetched.
//   - Offsets count octets of the wire form (lines end with CRLF). They lie inside the message, a
//     part's header precedes its body, children lie inside their parent's body in order.
//   - The wire form is fixed by the stored bytes alone: bare LF becomes CRLF, NUL becomes 0x80, a
//     lone CR stays. Facts.Wire is its exact length, whoever computes it.
//   - Time is linear in the message and memory is bounded by Limits, whatever the message holds.
//   - Strings of envelopes and part fields hold no CR, LF or NUL: a reply built from them cannot be broken
//     by what a sender wrote. They are otherwise raw (encoded words and 8-bit kept).
//   - Nothing here keeps global state that changes; values may be read by several goroutines, while a
//     Scanner, Parser or reader belongs to one.
//
// Files:
//
//	facts.go      Kind, Facts                    what the stored bytes are
//	scan.go       Scanner                        Facts in one pass
//	wire.go       NewWireReader, NewCRLFReader   stored bytes to wire bytes
//	pop3.go       WritePOP3, WritePOP3Top        the multi-line form of RETR and TOP
//	header.go     Fields, FilterHeader, Unfold   raw header fields
//	parse.go      Parse, Parser                  the part tree, from a stream
//	boundary.go   (the open multiparts)          which line ends which part
//	part.go       Part, Parsed, Section          the tree and its IMAP part numbers
//	mime.go       (one part's Content-* fields)  what they say, and what stands in for them
//	params.go     Param, DecodeParam             parameters and their tokens
//	continuations.go (name*0, name*1)            RFC 2231 §3
//	envelope.go   Envelope                       the ENVELOPE item
//	address.go    Address                        address lists, however broken
//	phrase.go     (words inside addresses)       quotes, comments, local parts
//	limits.go     Limits                         what one message may cost
//	blob.go       MarshalBinary, BlobEnvelope    the form kept in an index row
//	blobenc.go, blobdec.go                       its strings and numbers
//	transfer.go   DecodeTransfer                 base64 and quoted-printable
//	binary.go     EncodeBinary                   binary parts in base64
//	charset.go    DecodeCharset                  any charset to UTF-8
//	words.go      DecodeHeader                   RFC 2047
//	fold.go       Fold                           comparison form for SEARCH
//	needle.go     Needle, Haystack               a text in texts that are not folded yet
//	searchtext.go SearchText                     which texts of a message SEARCH looks into
//	date.go       ParseDate                      the Date field, however odd
//	subject.go    BaseSubject                    RFC 5256 §2.1
//	msgid.go      MessageIDs                     references between messages
package message
