// Package client speaks IMAP, POP3 and LMTP for the load generator: as little work per octet as can be, so that the server is measured
// and not the generator, and yet enough understanding to notice a wrong answer.
//
// What it does not do: build values from responses. A response line is handed to the caller as the octets that came, with its literals
// cut out, counted and summed (CRC-32C, which the processor computes); message bodies are never kept.
//
// A connection belongs to one goroutine. Every command has a deadline, after which it fails: a server that hangs ends the run.
//
// Files: conn.go (connections), imap.go (commands and response lines), imap_commands.go (the ones that need more than a line), pop3.go,
// lmtp.go, scram.go (the client's side of SCRAM-SHA-256).
package client
