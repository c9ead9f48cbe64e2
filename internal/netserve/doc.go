// Package netserve carries bytes for the protocols: it accepts connections, speaks TLS and the PROXY protocol, bounds lines and
// waits, wakes a blocked reader, and drains when the server stops. It knows no mail.
//
// Invariants:
//
//   - One goroutine per connection: the handler's. Only it reads and writes. Other goroutines may call Wake, CloseAfter, Abort and
//     the read-only methods (ID, Remote, Counters, Unresponsive), and Visit, whose part writes in the handler's place while the
//     connection rests: a rest does not end during a visit, so there is one who writes at any time.
//   - Wake loses no input: what had arrived is read by the next call, also in the middle of a line and under TLS.
//   - Before a read blocks, pending output is flushed. So replies to pipelined commands leave together, and a forgotten Flush cannot
//     make both sides wait for each other.
//   - A waiting connection holds no buffer: WaitReadable gives both back to a pool after a short linger.
//   - After StartTLS nothing that was sent in clear text is ever read as a command (the STARTTLS injection, CVE-2011-0411).
//   - Every read and every write has a deadline, renewed for each piece, so a peer that stops reading holds nothing for ever.
//   - Compressed or not, the invariants above hold: a wake loses nothing, and what the buffers gave out can be read by the client.
//
// Files: server.go (listeners, accept loop, drain), limit.go (connections per address before login), conn.go (identity, closing),
// read.go (lines, waiting, waking), write.go (buffered output, sendfile), pieces.go
// (buffers for what cannot use that), starttls.go, compress.go (DEFLATE), proxy.go, proxy_v2.go (PROXY protocol),
// socket_linux.go (keepalive, TCP_USER_TIMEOUT, TCP_INFO), trace.go (masked wire trace), watching.go (switching it on in the middle of a session), certificate.go (key pairs that reload),
// certdir.go (those found in a directory), certshelf.go (which one a client is shown), certconfig.go (what a handshake demands), selfsigned.go.
package netserve
