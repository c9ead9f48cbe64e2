// Package server puts the parts together: it is what "what is this program?" is answered by.
//
// Invariants:
//
//   - Everything is made in open.go (what lies under the front ends, shared with the command line) and in assemble.go (the front ends),
//     in one readable order, and closed in the reverse one.
//   - Nothing is served before every listener is open and the data directory has proved to be a store.
//   - A start that fails says one line: what is wrong, with which thing, and what helps (problem.go).
//   - Several processes on one data directory are safe at any time, whatever they serve: a lone "serve", one process per front end, and
//     the command line beside them. That is why locks and nudges go between processes unless the configuration says "memory".
//   - A command that must reach all processes names those that did not answer.
//
// Files: open.go, assemble.go, policy.go (settings of accounts to rules of the store), run.go (start, drain, reload), logging.go,
// problem.go, preflight.go, metrics.go, http.go (what is read from outside), admin.go (questions between processes), roll.go (which processes there are).
package server
