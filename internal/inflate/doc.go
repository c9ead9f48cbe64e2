// Package inflate decodes DEFLATE (RFC 1951) from input that comes in pieces of any size.
//
// The decoders at hand read from an io.Reader and are finished by its first error. A mail session's reader ends a read when it is
// woken or a deadline passes, and a client that flushes only partly (zlib's Z_PARTIAL_FLUSH, which RFC 4978 lets it do) leaves no
// mark after which they would give out what they have: its command would stay inside while both sides wait. This
// decoder does no input or output at all: it is handed octets, gives out everything that they say, and goes on with the next ones.
//
// Invariants:
//
//   - Decode gives out all that can be known from the input so far. What it keeps back is less than one symbol.
//   - Decoding in pieces, and into buffers of any size, gives the same octets as decoding at once.
//   - A Decoder holds as much history as was decoded, at most 32 KiB, and between blocks nothing else.
//
// Files: decode.go (blocks and symbols), header.go (dynamic blocks), huffman.go (codes), window.go (history).
package inflate
