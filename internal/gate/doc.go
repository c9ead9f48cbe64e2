// Package gate is the one door: every login of POP3 and IMAP passes it, and every
// open session is known to it. "May this account use POP3 now?" and "who is
// inside?" are answered here and nowhere else, so the switch lives here too.
//
// Invariants:
//
//   - A login registers its session first and reads the rule second; a switch
//     writes the rule first and looks at the sessions second. Whatever the order
//     of events, one of the two sees the other.
//   - The rule is read from the directory at every login, never remembered. Only
//     the proof of a password is, as a keyed MAC, and it dies with the password.
//   - What an account may do is said after a right password only; before it, all
//     that goes wrong is "authentication failed", after about the same time.
//   - Successes and refusals that are not about the password never count against
//     anybody. An account can be slowed down by strangers, but never locked, and
//     not for an address from which its owner logged in before.
//   - Kick is called for sessions that were handed out, never for a login that is
//     still being decided: that one is refused instead.
//   - Password hashes run on a bounded number of cores.
//
// Lock order: Gate.mu, then Session.mu. Neither is held while the directory, the
// store or Kick is called.
//
// Files: gate.go (options, background work), client.go (who knocks, refusals),
// admit.go (the decision), password.go, passcache.go, sasl.go, scram.go, external.go (proofs),
// throttle.go, score.go, logindelay.go (patience), session.go, registry.go (who
// is inside), speaksfor.go (whom a webmail stands for), tlsversion.go, visit.go (other people's mail), administer.go (what administrators change), removed.go (what they remove, for the log), trace.go (what they say), switch.go (the switch, eviction), hashmemory.go, clock.go.
package gate
