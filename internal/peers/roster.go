package peers

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	saySuffix = ".say"
	askSuffix = ".ask"

	// maxPeers bounds how many processes are spoken to.
	maxPeers = 1024

	// settle is how long after a directory's time of change a listing of it
	// can be trusted. File systems stamp changes with a coarse clock, so a
	// second change soon after the first may leave the time as it was.
	settle = 100 * time.Millisecond
)

// roster is the list of the other processes, as last read from the directory.
type roster struct {
	peers   map[string]*peer
	changed time.Time // the directory's time when it was read
	sure    bool      // no change can hide behind that time
}

// peer is another process. What stands in waiting could not be sent yet.
type peer struct {
	name    string
	addr    unix.SockaddrUnix
	waiting map[string]struct{} // frames
	missed  bool                // tell it that it missed something
}

func (p *peer) behind() bool { return p.missed || len(p.waiting) > 0 }

// forget makes the next refresh read the directory.
func (r *roster) forget() { r.sure = false }

// refresh reads the directory again if it may have changed since the last
// time. It costs one fstat if it has not.
func (r *roster) refresh(h *home, self string) error {
	info, err := h.file.Stat()
	if err != nil {
		return err
	}
	if r.sure && info.ModTime().Equal(r.changed) {
		return nil
	}
	now := time.Now()
	d, err := os.Open(h.dir)
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil {
		return err
	}
	old := r.peers
	r.peers = make(map[string]*peer, len(names))
	for _, n := range names {
		name, ok := strings.CutSuffix(n, saySuffix)
		if !ok || name == self || strings.HasPrefix(name, ".") || len(r.peers) == maxPeers {
			continue
		}
		if p := old[name]; p != nil {
			r.peers[name] = p // with what it still has to be told
			continue
		}
		r.peers[name] = &peer{name: name, addr: unix.SockaddrUnix{Name: h.address(n)}}
	}
	r.changed = info.ModTime()
	r.sure = now.Sub(r.changed) > settle || now.Before(r.changed.Add(-settle))
	return nil
}

// bury removes what a dead process left behind.
func (r *roster) bury(h *home, p *peer) {
	delete(r.peers, p.name)
	os.Remove(h.path(p.name + saySuffix))
	os.Remove(h.path(p.name + askSuffix))
}

// unborn is how old an unfinished socket must be to be taken for one that
// nobody will finish.
const unborn = time.Minute

// sweep removes what processes left that were killed while they joined.
func (h *home) sweep() {
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		return
	}
	known := make(map[string]bool, len(entries))
	for _, e := range entries {
		known[e.Name()] = true
	}
	for _, e := range entries {
		name := e.Name()
		base, isAsk := strings.CutSuffix(name, askSuffix)
		isSay := strings.HasSuffix(name, saySuffix)
		hidden := strings.HasPrefix(name, ".") && (isAsk || isSay)
		alone := isAsk && !known[base+saySuffix]
		if !hidden && !alone {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unborn {
			os.Remove(h.path(name))
		}
	}
}

// Peers lists the names of the other processes in the directory. Some may be
// dead without anybody having noticed.
func (p *Post) Peers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if err := p.roster.refresh(p.home, p.name); err != nil {
		p.log.Warn("reading the list of peers failed", "error", err)
	}
	names := make([]string, 0, len(p.roster.peers))
	for n := range p.roster.peers {
		names = append(names, n)
	}
	return names
}
