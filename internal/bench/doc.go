// Package bench measures Bascule beside Dovecot on one machine: same mail, same loads, same promise (fsync before the OK), in turns.
//
// How a run goes (run.go, cell.go): for each load and each of its three sizes both servers get a new directory with generated
// configuration, accounts and mail; both are started on free ports of the loopback; each account is opened twice, so that caches and
// indexes are there; the disk is left to settle; then the load runs against ours, Dovecot's, ours, Dovecot's. Each single run is a process of its own,
// the generator, which connects, measures and checks the answers, and prints a Sample. So the generator's memory and garbage
// are nobody's but its own, and a hanging load can be killed.
//
// Invariants:
//
//   - A wrong answer is an error, never a number: every load checks counts, sums of octets or identifiers against what mailgen knows.
//   - What a load does before and after Gen.Measure is not measured.
//   - Processor time and memory are those of all processes of the server (package proc).
//   - Where more is worse (latency, memory), the ratio is turned round: a ratio above 1 always means that ours is better.
//
// To add a load: a file load_*.go with its Load values, and a line in the table in load.go.
//
// Files: load.go (what a load is, the table), run.go, cell.go (the plan), gen.go, worker.go (the generator), server.go, bascule.go, dovecot.go
// (what is measured), sample.go, stats.go (numbers), report.go, table.go, markdown.go (results), machine.go, limits.go, load_*.go.
package bench
