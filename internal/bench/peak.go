package bench

import (
	"time"

	"bascule/internal/bench/proc"
)

// peak looks at a server's memory while a load runs.
type peak struct {
	pid     int
	highest int64
	stop    chan struct{}
	stopped chan struct{}
}

func startPeak(pid int) *peak {
	p := &peak{pid: pid, stop: make(chan struct{}), stopped: make(chan struct{})}
	go p.run()
	return p
}

func (p *peak) run() {
	defer close(p.stopped)
	pause := 300 * time.Millisecond
	for {
		select {
		case <-p.stop:
			return
		case <-time.After(pause):
		}
		// Adding up a thousand processes takes a while: looking must not become a load of its own.
		pause = max(pause, 50*p.look())
	}
}

// look returns how long it took.
func (p *peak) look() time.Duration {
	start := time.Now()
	if n, err := proc.Memory(p.pid); err == nil {
		p.highest = max(p.highest, n)
	}
	return time.Since(start)
}

// end looks a last time, while the load's connections are still open, and gives the highest value.
func (p *peak) end() int64 {
	close(p.stop)
	<-p.stopped
	p.look()
	return p.highest
}
