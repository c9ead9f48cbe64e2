package notify_test

import (
	"os"
	"path/filepath"
	"testing"

	"bascule/internal/notify"
	"bascule/internal/notify/notifytest"
)

func inProcess(testing.TB) (a, b notify.Bus) {
	bus := notify.NewInProcess()
	return bus, bus
}

func interprocess(t testing.TB) (a, b notify.Bus) {
	dir := t.TempDir()
	var buses [2]notify.Bus
	for i := range buses {
		bus, err := notify.NewInterprocess(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		buses[i] = bus
	}
	return buses[0], buses[1]
}

func TestInProcess(t *testing.T)    { notifytest.Run(t, inProcess) }
func TestInterprocess(t *testing.T) { notifytest.Run(t, interprocess) }

func BenchmarkInProcess(b *testing.B)    { notifytest.Benchmark(b, inProcess) }
func BenchmarkInterprocess(b *testing.B) { notifytest.Benchmark(b, interprocess) }

func TestStats(t *testing.T) {
	a, b := interprocess(t)
	defer a.Close()
	defer b.Close()
	woken := make(chan struct{}, 1)
	defer b.Subscribe("t", func() { woken <- struct{}{} })()
	a.Publish("t")
	<-woken
	if s := a.(notify.Counter).Stats(); s.Published != 1 || s.Sent == 0 || s.Dropped != 0 {
		t.Errorf("publisher's %+v", s)
	}
	if s := b.(notify.Counter).Stats(); s.Woken != 1 || s.Received == 0 || s.Missed != 0 {
		t.Errorf("receiver's %+v", s)
	}
}

// What a killed process left in the directory is neither an error nor kept.
func TestNewcomerAfterOthersLeft(t *testing.T) {
	dir := t.TempDir()
	a, err := notify.NewInterprocess(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for range 3 {
		b, err := notify.NewInterprocess(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		woken := make(chan struct{}, 8)
		b.Subscribe("t", func() { woken <- struct{}{} })
		a.Publish("t")
		<-woken
		b.Close()
		a.Publish("t")
	}
	if got, _ := filepath.Glob(filepath.Join(dir, "*")); len(got) != 1 {
		t.Errorf("in the directory: %q", got)
	}
}

func TestNewInterprocessFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := notify.NewInterprocess(file, nil); err == nil {
		b.Close()
		t.Error("a file was taken for a directory")
	}
}
