// Package metrics is what a process counts about itself: instruments that cost an atomic addition, and the one table of all
// numbers (bascule.go). It imports nothing of the module and nothing of Prometheus; package web shows the numbers in its format.
//
// Invariants:
//
//   - The number of series is fixed when the table is made: every label lists its values, and any other value counts as "other".
//     So no account, address, mailbox or client can become a label.
//   - Counting allocates nothing and takes no lock. An instrument that is nil counts nothing, so the parts need not ask.
//   - What others count already (open sessions, the bus, the watcher) is read when it is asked for, not copied.
//
// Files: registry.go (families, reading them), counter.go, histogram.go (instruments), bascule.go (the table).
package metrics
