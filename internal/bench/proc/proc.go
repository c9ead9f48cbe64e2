package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of times in /proc/PID/stat; on Linux it is the same everywhere (USER_HZ).
const tick = 10 * time.Millisecond

type stat struct {
	parent int
	cpu    time.Duration // of itself and of the children it has waited for
}

// Usage is what a tree of processes has used so far.
type Usage struct {
	CPU       time.Duration
	Processes int // alive now
}

// Tree sums up a process and its descendants.
func Tree(root int) (Usage, error) {
	all, err := snapshot()
	if err != nil {
		return Usage{}, err
	}
	if _, ok := all[root]; !ok {
		return Usage{}, fmt.Errorf("proc: no process %d", root)
	}
	var u Usage
	for pid := range all {
		if within(all, pid, root) {
			u.CPU += all[pid].cpu
			u.Processes++
		}
	}
	return u, nil
}

// Memory sums up the proportional set sizes, in octets, of a process and its descendants.
func Memory(root int) (int64, error) {
	all, err := snapshot()
	if err != nil {
		return 0, err
	}
	var total int64
	for pid := range all {
		if !within(all, pid, root) {
			continue
		}
		n, err := pss(pid)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !ended(err) {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func within(all map[int]stat, pid, root int) bool {
	for pid > 1 {
		if pid == root {
			return true
		}
		pid = all[pid].parent
	}
	return false
}

// snapshot reads all processes. The ones that end meanwhile are left out.
func snapshot() (map[int]stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if s, ok := parse(b); ok {
			all[pid] = s
		}
	}
	return all, nil
}

// parse reads a line of proc(5): "pid (name) state ppid …", where the name may have anything in it.
func parse(b []byte) (stat, bool) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return stat{}, false
	}
	f := bytes.Fields(b[i+1:])
	if len(f) < 15 {
		return stat{}, false
	}
	var s stat
	s.parent, _ = strconv.Atoi(string(f[1]))
	for _, n := range f[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(string(n), 10, 64)
		if err != nil {
			return stat{}, false
		}
		s.cpu += time.Duration(ticks) * tick
	}
	return s, true
}

func pss(pid int) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(b, []byte("\nPss:"))
	if !ok {
		return 0, nil // a process that is ending has no memory any more
	}
	f := bytes.Fields(rest)
	if len(f) == 0 {
		return 0, nil
	}
	kib, err := strconv.ParseInt(string(f[0]), 10, 64)
	return kib << 10, err
}

// ended: the process went away between finding and reading it (ESRCH).
func ended(err error) bool { return errors.Is(err, syscall.ESRCH) }
