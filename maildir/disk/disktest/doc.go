// Package disktest has file systems for tests of everything that writes to disk.
//
// FaultFS lets the n-th call fail, or ends the "process" there; run a scenario once to learn Count and then once for
// every n. RecordFS notes what is done to a directory and builds from any beginning of it the states in which a power failure may
// leave that directory: what was synced is there, the rest may or may not be.
//
// Files: fault.go, variants.go; record.go (recording), replay.go, model.go (which states are possible).
package disktest
