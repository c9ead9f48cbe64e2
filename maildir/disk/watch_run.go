package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// events passes on what the kernel reports.
func (w *Watcher) events() {
	defer w.done.Done()
	for {
		select {
		case ev, ok := <-w.fsn.Events:
			if !ok {
				return
			}
			w.event(ev)
		case err, ok := <-w.fsn.Errors:
			if !ok {
				return
			}
			// An overflow, or an error that leaves open what was missed: everybody looks.
			w.overflows.Add(1)
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.log.Warn("watching directories", "err", err)
			}
			w.wakeAll()
		}
	}
}

// event wakes those who wait for a file's directory. Writes and changes of permissions say nothing about a Maildir.
func (w *Watcher) event(ev fsnotify.Event) {
	if !ev.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename) {
		return
	}
	w.wakeDir(filepath.Dir(ev.Name))
	if ev.Has(fsnotify.Remove | fsnotify.Rename) {
		w.lostDir(ev.Name)
	}
}

// lostDir handles the end of a watched directory itself: the kernel's watch is gone, so it is polled until it is there again.
func (w *Watcher) lostDir(dir string) {
	w.mu.Lock()
	d := w.dirs[dir]
	if d != nil && !d.polled {
		w.fsn.Remove(dir)
		w.begin(dir, d)
	}
	w.mu.Unlock()
	if d != nil {
		w.wakeDir(dir)
	}
}

func (w *Watcher) wakeDir(dir string) {
	w.mu.Lock()
	var wakes []*func()
	if d := w.dirs[dir]; d != nil {
		wakes = d.list(nil)
	}
	w.mu.Unlock()
	w.call(wakes)
}

func (w *Watcher) wakeAll() {
	w.mu.Lock()
	var wakes []*func()
	for _, d := range w.dirs {
		wakes = d.list(wakes)
	}
	w.mu.Unlock()
	w.call(wakes)
}

func (d *watched) list(to []*func()) []*func() {
	for k := range d.wakes {
		to = append(to, k)
	}
	return to
}

func (w *Watcher) call(wakes []*func()) {
	for _, k := range wakes {
		select {
		case <-w.stop:
			return
		default:
			(*k)()
		}
	}
}

// pollAll looks at the polled directories until there are none left.
func (w *Watcher) pollAll() {
	defer w.done.Done()
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		more, wakes := w.pollOnce()
		w.call(wakes)
		if !more {
			return
		}
	}
}

// pollOnce compares each polled directory with its last state. The stats are done without mu, since a slow disk must not hold
// up everybody who opens a mailbox.
func (w *Watcher) pollOnce() (more bool, wakes []*func()) {
	w.mu.Lock()
	paths := make([]string, 0, w.polled)
	for dir, d := range w.dirs {
		if d.polled {
			paths = append(paths, dir)
		}
	}
	if len(paths) == 0 {
		w.polling = false
		w.mu.Unlock()
		return false, nil
	}
	w.mu.Unlock()
	for _, dir := range paths {
		now := stateOf(dir)
		w.mu.Lock()
		if d := w.dirs[dir]; d != nil && d.polled {
			if d.plain && now != (dirState{}) && w.kernelWatch(dir) == nil {
				d.polled, d.plain = false, false
				w.polled--
				now = dirState{mtime: -1} // between the look and the watch something may have come
			}
			if now != d.last {
				d.last = now
				wakes = d.list(wakes)
			}
		}
		w.mu.Unlock()
	}
	return true, wakes
}

func stateOf(dir string) dirState {
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dirState{}
	}
	if err != nil {
		return dirState{mtime: -2} // unlike any other, so that an error that comes and goes is noticed
	}
	i := InfoOf(st)
	return dirState{mtime: i.MTime, inode: i.Inode}
}

// remoteFS says whether a directory is on a file system whose inotify reports only what this host does.
func remoteFS(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.V9FS_MAGIC,
		unix.CEPH_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		0x0BD00BD0 /* Lustre */, 0x01161970 /* GFS2 */, 0x7461636F /* OCFS2 */ :
		return true
	}
	return false
}
