package disk

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// bell is rung by wakes and waited for by tests.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

func (b bell) wait(t *testing.T, what string) {
	t.Helper()
	select {
	case <-b:
	case <-time.After(20 * time.Second):
		t.Fatalf("no wake after %s", what)
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// watchModes runs a test with the kernel's watches and without.
func watchModes(t *testing.T, test func(t *testing.T, w *Watcher)) {
	for name, force := range map[string]bool{"inotify": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			w := NewWatcher(WatchOptions{Poll: 2 * time.Millisecond, ForcePolling: force})
			defer w.Close()
			test(t, w)
		})
	}
}

func TestWatchWakes(t *testing.T) {
	watchModes(t, func(t *testing.T, w *Watcher) {
		dir, other := t.TempDir(), t.TempDir()
		a, b, c := newBell(), newBell(), newBell()
		defer w.Add(dir, a.ring)()
		cancelB := w.Add(dir+"/", b.ring)
		defer w.Add(other, c.ring)()
		touch(t, dir+"/1")
		a.wait(t, "a new file")
		b.wait(t, "a new file")
		if err := os.Rename(dir+"/1", dir+"/2"); err != nil {
			t.Fatal(err)
		}
		a.wait(t, "a rename")
		cancelB()
		cancelB()
		if err := os.Remove(dir + "/2"); err != nil {
			t.Fatal(err)
		}
		a.wait(t, "a removal")
		touch(t, other+"/1")
		c.wait(t, "a new file elsewhere")
		if w.Fallbacks() != 0 {
			t.Errorf("%d fallbacks", w.Fallbacks())
		}
	})
}

func TestWatchOfDirectoryThatComesAndGoes(t *testing.T) {
	watchModes(t, func(t *testing.T, w *Watcher) {
		dir := filepath.Join(t.TempDir(), "cur")
		b := newBell()
		defer w.Add(dir, b.ring)()
		for range 3 {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			b.wait(t, "the directory came")
			touch(t, dir+"/1")
			b.wait(t, "a new file")
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			b.wait(t, "the directory went")
			// Wait until the end of the directory itself was seen: then it is polled.
			for deadline := time.Now().Add(20 * time.Second); w.Polled() == 0; {
				if time.Now().After(deadline) {
					t.Fatal("the lost directory is not polled")
				}
				select {
				case <-b:
				case <-time.After(time.Millisecond):
				}
			}
			select {
			case <-b:
			default:
			}
		}
	})
}

func TestWatchFallsBackOnceNoisily(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	w := NewWatcher(WatchOptions{Poll: time.Millisecond, Log: slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))})
	defer w.Close()
	w.fallback("/a", errors.New("no space left on device"))
	w.fallback("/b", errors.New("no space left on device"))
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(log.String(), "\n"); n != 1 || w.Fallbacks() != 2 || !strings.Contains(log.String(), "polling") {
		t.Errorf("%d fallbacks, logged %q", w.Fallbacks(), log.String())
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestWatchOverflowWakesEverybody(t *testing.T) {
	w := NewWatcher(WatchOptions{})
	defer w.Close()
	if w.fsn == nil {
		t.Skip("no inotify instance to be had here")
	}
	a, b := newBell(), newBell()
	defer w.Add(t.TempDir(), a.ring)()
	defer w.Add(t.TempDir(), b.ring)()
	w.fsn.Errors <- fsnotify.ErrEventOverflow
	a.wait(t, "an overflow")
	b.wait(t, "an overflow")
	if w.Overflows() != 1 {
		t.Errorf("%d overflows", w.Overflows())
	}
}

func TestWatchCountsReferences(t *testing.T) {
	watchModes(t, func(t *testing.T, w *Watcher) {
		dir := t.TempDir()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					cancel := w.Add(dir, func() {})
					cancel()
				}
			})
		}
		wg.Wait()
		w.mu.Lock()
		left, polled := len(w.dirs), w.polled
		w.mu.Unlock()
		if left != 0 || polled != 0 || w.fsn != nil && len(w.fsn.WatchList()) != 0 {
			t.Fatalf("%d directories, %d polled are left", left, polled)
		}
		b := newBell()
		defer w.Add(dir, b.ring)()
		touch(t, dir+"/x")
		b.wait(t, "watching again")
	})
}

// A wake may add and cancel: it is called without the lock.
func TestWakeMayCancel(t *testing.T) {
	watchModes(t, func(t *testing.T, w *Watcher) {
		dir := t.TempDir()
		b := newBell()
		var once sync.Once
		ready := make(chan func(), 1)
		cancel := w.Add(dir, func() {
			once.Do(func() {
				(<-ready)()
				w.Add(dir, func() {})()
				b.ring()
			})
		})
		ready <- cancel
		touch(t, dir+"/x")
		b.wait(t, "a new file")
	})
}

func TestWatchAfterClose(t *testing.T) {
	w := NewWatcher(WatchOptions{Poll: time.Millisecond})
	cancel := w.Add(t.TempDir(), func() {})
	w.Close()
	w.Close()
	cancel()
	w.Add(t.TempDir(), func() {})()
}
