package server

import (
	"runtime"
	"testing"
)

// A burst is given back once it is over, not while it lasts, and only once.
func TestMemoryIsGivenBackAfterABurst(t *testing.T) {
	k := newKeeper()
	k.collect()
	if k.due() {
		t.Error("due without a burst")
	}
	released := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapReleased
	}
	before := released()
	burst := make([]byte, 64<<20)
	for i := 0; i < len(burst); i += 4096 {
		burst[i] = 1
	}
	runtime.KeepAlive(burst)
	burst = nil
	if k.due() {
		t.Error("due while the burst lasts")
	}
	if !k.due() {
		t.Fatal("not due after the burst")
	}
	during := released()
	k.collect()
	if after := released(); after < during+(32<<20) {
		t.Errorf("%d MiB were released before, %d in the burst, %d after it", before>>20, during>>20, after>>20)
	}
	if k.due() {
		t.Error("due again although nothing happened")
	}
	k.drop(64 << 20)
	if !k.due() {
		t.Error("not due although much was let go of")
	}
	k.collect()
	if k.due() {
		t.Error("due again for what was let go of before")
	}
}
