package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Machine is where a benchmark ran.
type Machine struct {
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	FileSystem string `json:"filesystem"` // of the mail
	Sync       string `json:"sync"`       // what an fsync of a small file costs there
	Go         string `json:"go"`
}

func thisMachine(dir string) Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Processor: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal")}
	var uts syscall.Utsname
	if syscall.Uname(&uts) == nil {
		var b strings.Builder
		for _, c := range uts.Release {
			if c == 0 {
				break
			}
			b.WriteByte(byte(c))
		}
		m.Kernel = b.String()
	}
	if out, err := exec.Command("df", "--output=fstype", dir).Output(); err == nil {
		_, kind, _ := strings.Cut(string(out), "\n")
		m.FileSystem = strings.TrimSpace(kind)
	}
	if d, err := syncCost(dir); err == nil {
		m.Sync = fmt.Sprintf("%.2f ms", milliseconds(d))
	}
	return m
}

// field reads "name : value" of a file in /proc.
func field(path, name string) string {
	b, _ := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// syncCost is the mean of some fsyncs, each after 4 KiB more.
func syncCost(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const n = 50
	start := time.Now()
	for range n {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / n, nil
}
