package proc

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	s, ok := parse([]byte("12 (a) b (c) S 7 1 1 0 -1 4 1 2 3 4 100 20 3 1 20 0 1 0 5 6 7\n"))
	if !ok || s.parent != 7 || s.cpu != 1240*time.Millisecond {
		t.Errorf("got %+v, %v", s, ok)
	}
	for _, bad := range []string{"", "12 a S 7", "12 (a) S 7 1", "1 (a) S 1 1 1 0 -1 4 1 2 3 4 x 20 3 1"} {
		if _, ok := parse([]byte(bad)); ok {
			t.Errorf("accepted %q", bad)
		}
	}
}

// The time of a child that was waited for counts as its parent's.
func TestTreeCountsEndedChildren(t *testing.T) {
	before, err := Tree(os.Getpid())
	if err != nil {
		t.Skip(err)
	}
	c := exec.Command("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
	if err := c.Run(); err != nil {
		t.Skip(err)
	}
	after, err := Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used := after.CPU - before.CPU; used < c.ProcessState.UserTime()/2 {
		t.Errorf("the child used %v, seen %v", c.ProcessState.UserTime(), used)
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	n, err := Memory(os.Getpid())
	if err != nil {
		t.Skip(err)
	}
	if n < 1<<20 || n > 1<<34 {
		t.Errorf("%d octets", n)
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("found a process that cannot be")
	}
}
