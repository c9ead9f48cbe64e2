package disk

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// WatchOptions are the settings of a Watcher.
type WatchOptions struct {
	// Poll is how often directories are looked at that the kernel cannot watch; 0 means 3 seconds.
	Poll time.Duration
	// ForcePolling does without inotify altogether.
	ForcePolling bool
	// Log is told once when polling becomes necessary; nil means slog.Default.
	Log *slog.Logger
}

// Watcher tells when files appear in, leave or are renamed in directories (new/ and cur/ of folders). It carries no data: a
// wake says "look again", several changes may give one, and where the kernel lost count everybody is woken. One
// Watcher per process: a user has few inotify instances (128 by default). Where there are no watches left, or the file
// system does not report what other hosts do, it looks at modification times every few seconds instead.
//
// Safe for concurrent use.
type Watcher struct {
	poll time.Duration
	log  *slog.Logger
	fsn  *fsnotify.Watcher // nil: polling only
	stop chan struct{}
	done sync.WaitGroup
	said sync.Once

	fallbacks, overflows atomic.Int64

	// mu protects the fields below and the watches of fsn. No wake is called while it is held.
	mu      sync.Mutex
	dirs    map[string]*watched
	polled  int // how many of dirs are polled
	polling bool
	closed  bool
}

// watched is a directory with everybody who wants to know about it. Watcher.mu protects it.
type watched struct {
	wakes  map[*func()]struct{}
	polled bool
	// plain says that it is polled only because it does not exist: once it does, the kernel may watch it.
	plain bool
	last  dirState
}

// dirState is what polling compares.
type dirState struct {
	mtime int64
	inode uint64
}

// NewWatcher begins to watch. It never fails: what the kernel cannot do is polled.
func NewWatcher(o WatchOptions) *Watcher {
	w := &Watcher{poll: o.Poll, log: o.Log, stop: make(chan struct{}), dirs: make(map[string]*watched)}
	if w.poll <= 0 {
		w.poll = 3 * time.Second
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	if o.ForcePolling {
		return w
	}
	fsn, err := fsnotify.NewWatcher()
	if err != nil {
		w.fallback("", err)
		return w
	}
	w.fsn = fsn
	w.done.Add(1)
	go w.events()
	return w
}

// Fallbacks counts directories that had to be polled because the kernel could not watch them, since the start.
func (w *Watcher) Fallbacks() int64 { return w.fallbacks.Load() }

// Overflows counts how often the kernel lost count and everybody was woken.
func (w *Watcher) Overflows() int64 { return w.overflows.Load() }

// Polled is the number of directories that are polled at present.
func (w *Watcher) Polled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.polled
}

// Add has wake called after every change in dir until cancel is called, which may be done more than once. A wake that was
// on its way may still arrive after cancel. wake must not block; it may call Add and cancel.
//
// The kernel watches the directory itself, not its path: who renames a folder cancels its watches first and adds them
// under the new path afterwards.
func (w *Watcher) Add(dir string, wake func()) (cancel func()) {
	dir = filepath.Clean(dir)
	key := &wake
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dirs[dir]
	if d == nil {
		d = &watched{wakes: make(map[*func()]struct{})}
		w.dirs[dir] = d
		w.begin(dir, d)
	}
	d.wakes[key] = struct{}{}
	return func() { w.remove(dir, d, key) }
}

func (w *Watcher) remove(dir string, d *watched, key *func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(d.wakes, key)
	if len(d.wakes) > 0 || w.dirs[dir] != d {
		return
	}
	delete(w.dirs, dir)
	if d.polled {
		w.polled--
	} else if w.fsn != nil && !w.closed {
		w.fsn.Remove(dir) // fails if the directory is gone, and the watch with it
	}
}

// begin asks the kernel, or polls. Called with mu held.
func (w *Watcher) begin(dir string, d *watched) {
	if w.closed {
		return
	}
	err := w.kernelWatch(dir)
	if err == nil {
		return
	}
	d.polled, d.plain = true, errors.Is(err, fs.ErrNotExist)
	d.last = stateOf(dir)
	w.polled++
	if !d.plain && !errors.Is(err, errForced) {
		w.fallback(dir, err)
	}
	if !w.polling {
		w.polling = true
		w.done.Add(1)
		go w.pollAll()
	}
}

var (
	errForced = errors.New("polling is forced")
	errRemote = errors.New("the file system does not report changes by other hosts")
)

func (w *Watcher) kernelWatch(dir string) error {
	if w.fsn == nil {
		return errForced
	}
	if remoteFS(dir) {
		return errRemote
	}
	return w.fsn.Add(dir)
}

func (w *Watcher) fallback(dir string, err error) {
	w.fallbacks.Add(1)
	w.said.Do(func() {
		w.log.Warn("cannot watch directories, polling instead", "dir", dir, "every", w.poll, "err", err)
	})
}

// Close ends all watching; no wake is called after it returned.
func (w *Watcher) Close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	close(w.stop)
	w.mu.Unlock()
	if w.fsn != nil {
		w.fsn.Close()
	}
	w.done.Wait()
}
