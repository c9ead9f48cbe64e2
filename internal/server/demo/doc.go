// Package demo makes the sample mail of "bascule demo": a few dozen messages of all kinds that mail programs have to cope with, made by
// code and the same at each call. Their order and their bytes are part of tests.
//
// Files: messages.go (the list), parts.go (headers, bodies and multiparts), pixels.go (an attachment that can be looked at), populate.go (puts
// them into accounts).
package demo
