package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// keeper gives memory back to the system when a burst is over. The runtime would keep for minutes what a burst took, and collects
// only when the heap has doubled: ten thousand connections that had logged in and idled kept 235 MiB, and 156 after this; a single
// first login takes 19 MiB for its argon2id hash. While the server is at work this does nothing.
type keeper struct {
	samples   []metrics.Sample
	allocated uint64       // octets allocated since the start, at the last tick
	collected uint64       // the same, when memory was last given back
	dropped   atomic.Int64 // octets that were let go of since then
}

const (
	// keeperTick is between looks, of some µs each.
	keeperTick = time.Second / 2
	// keeperCalm is how many octets a calm server allocates in a tick at most: ten thousand idle connections with their signs of life
	// need a tenth of it.
	keeperCalm = 512 << 10
	// keeperLeast is how much must have been allocated since the last time, so that a collection is worth its cost, and keeperShare
	// which share of the live heap (collecting costs in proportion to it): the runtime itself collects after all of it.
	keeperLeast = 8 << 20
	keeperShare = 4
)

func newKeeper() *keeper {
	k := &keeper{samples: []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}}
	k.allocated, _ = k.look()
	return k
}

func (k *keeper) look() (allocated, live uint64) {
	metrics.Read(k.samples)
	return k.samples[0].Value.Uint64(), k.samples[1].Value.Uint64()
}

// run ticks until stop.
func (k *keeper) run(stop <-chan struct{}) {
	t := time.NewTicker(keeperTick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if k.due() {
				k.collect()
			}
		case <-stop:
			return
		}
	}
}

// drop notes that somebody has let go of so many octets of the heap, which nothing that is allocated would tell. Any goroutine may call it.
func (k *keeper) drop(octets int64) { k.dropped.Add(octets) }

// due tells whether a burst is over.
func (k *keeper) due() bool {
	allocated, live := k.look()
	calm := allocated-k.allocated < keeperCalm
	k.allocated = allocated
	return calm && allocated-k.collected+uint64(k.dropped.Load()) >= max(keeperLeast, live/keeperShare)
}

// collect runs beside the server's work. Pools let go of their buffers after two collections.
func (k *keeper) collect() {
	k.dropped.Store(0)
	runtime.GC()
	debug.FreeOSMemory()
	k.allocated, _ = k.look()
	k.collected = k.allocated
}
