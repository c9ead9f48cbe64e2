package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Incoming is a message being written into a folder's tmp/. Used by one goroutine. It ends with Commit, Publish or Abort; Abort
// after the others does nothing, so it can be deferred.
type Incoming struct {
	m      *Maildir
	folder string
	unique string
	file   File
	size   int64
	mtime  time.Time
	synced bool
	closed bool
	done   bool
}

// Create begins a message in the folder's tmp/ under a unique name. A missing tmp/ is made; a missing folder is
// fs.ErrNotExist.
func (m *Maildir) Create(folder string, now time.Time) (*Incoming, error) {
	in := &Incoming{m: m, folder: folder, unique: m.namer.Unique(now)}
	var err error
	in.file, err = m.fs.Create(in.tmpPath(), filePerm)
	if errors.Is(err, fs.ErrNotExist) {
		if err = m.needFolder(folder); err == nil {
			if err = m.makeSubs(m.Dir(folder), Tmp); err == nil {
				in.file, err = m.fs.Create(in.tmpPath(), filePerm)
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("disk: create message in %q: %w", folder, err)
	}
	return in, nil
}

// needFolder keeps tmp/ or new/ from being made in something that is no folder (any more).
func (m *Maildir) needFolder(folder string) error {
	_, err := m.fs.Stat(m.Path(folder, Cur))
	return err
}

func (in *Incoming) tmpPath() string { return in.m.Path(in.folder, Tmp) + "/" + in.unique }

// Unique is the message's unique name, without sizes; the file in tmp/ is called so.
func (in *Incoming) Unique() string { return in.unique }

// Size is the number of bytes written so far.
func (in *Incoming) Size() int64 { return in.size }

// Write writes message data as it shall stand on disk.
func (in *Incoming) Write(p []byte) (int, error) {
	n, err := in.file.Write(p)
	in.size += int64(n)
	in.synced = false
	return n, err
}

// ReadAt reads back what was written, where the file allows it.
func (in *Incoming) ReadAt(p []byte, off int64) (int, error) { return in.file.ReadAt(p, off) }

// SetTime says which modification time the file is to get (INTERNALDATE); zero leaves the time of writing.
func (in *Incoming) SetTime(t time.Time) { in.mtime = t }

// Folder is the directory of the folder that the message was written or published into, as far as the caller knew.
func (in *Incoming) Folder() string { return in.folder }

// FolderIs tells that the folder has been renamed since Create, and tmp/ with it.
func (in *Incoming) FolderIs(folder string) { in.folder = folder }

// Sync makes contents and modification time durable and closes the file. Nothing can be written after.
func (in *Incoming) Sync() error {
	if in.synced {
		return nil
	}
	if !in.mtime.IsZero() {
		if err := in.m.fs.Chtimes(in.tmpPath(), in.mtime); err != nil {
			return fmt.Errorf("disk: sync message in %q: %w", in.folder, err)
		}
	}
	err := in.file.Sync()
	in.closed = true
	if cerr := in.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("disk: sync message in %q: %w", in.folder, err)
	}
	in.synced = true
	return nil
}

// Publish syncs the message and gives it its final name in new/ or cur/ of its folder, which is not yet durable: Sync of that
// subdirectory makes it so. A name that is taken is ErrExists and the message stays in tmp/. A missing new/ is made.
func (in *Incoming) Publish(sub Sub, file string) error {
	if err := in.Sync(); err != nil {
		return err
	}
	to := Place{Folder: in.folder, Sub: sub, File: file}
	if err := in.m.publish(in.tmpPath(), to); err != nil {
		// Without a rename flag in the kernel the link may be made and the unlink refused.
		if same, serr := in.m.sameFile(in.tmpPath(), in.m.PathOf(to)); serr == nil && same {
			in.m.fs.Remove(in.m.PathOf(to))
		}
		return fmt.Errorf("disk: publish message in %q: %w", in.folder, err)
	}
	in.done = true
	return nil
}

// Commit is Publish and Sync: when it returns nil, the message is durable under its final name. When it fails,
// the final name is not there, as far as that could still be arranged.
func (in *Incoming) Commit(sub Sub, file string) error {
	if err := in.Publish(sub, file); err != nil {
		return err
	}
	if err := in.m.Sync(in.folder, sub); err != nil {
		// The sender will be told "no" and send again: without this the message would be there twice.
		in.m.fs.Remove(in.m.PathOf(Place{in.folder, sub, file}))
		return err
	}
	return nil
}

// Abort removes the file from tmp/ unless it was published. Errors leave it to SweepTmp.
func (in *Incoming) Abort() {
	if !in.closed {
		in.closed = true
		in.file.Close()
	}
	if !in.done {
		in.done = true
		in.m.fs.Remove(in.tmpPath())
	}
}

// Published tells that an intent log has taken the file out of tmp/, so that Abort does not touch it.
func (in *Incoming) Published() { in.done = true }
