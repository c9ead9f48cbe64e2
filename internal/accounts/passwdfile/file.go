// Package passwdfile takes accounts from a passwd file in Dovecot's format, read
// again when it changes.
//
// Invariants:
//
//   - What is served is always one whole version of the file. Writers should put a
//     new one in place by renaming; a version written in place that still changes
//     is read again at the next look.
//   - A line that cannot be read is left out with a line in the log; it never makes
//     another account unusable.
//   - A file that is not there or cannot be read is a source that is down, not one
//     without accounts.
//
// Files: file.go (the file and its changes), line.go (one line).
package passwdfile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"bascule/internal/accounts"
)

// maxFile bounds the file, in octets; about half a million accounts.
const maxFile = 64 << 20

// settled is how old a file must be for its time to tell that it did not change:
// times have a granularity, and two writes can have one time.
const settled = 2 * time.Second

// Options of New.
type Options struct {
	Path          string
	DefaultDomain string // completes users without "@"; empty: their lines are left out
	Log           *slog.Logger
}

// File is the source. Its methods may be called from any goroutine.
type File struct {
	opts Options

	// mu protects the fields below.
	mu      sync.Mutex
	seen    os.FileInfo // of the version that was read
	read    time.Time   // when
	digest  string
	entries map[accounts.Address]accounts.Entry
}

var _ accounts.Source = (*File)(nil)

// New makes a source; the file is read when it is first asked for.
func New(o Options) *File {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &File{opts: o}
}

func (f *File) Name() string { return "the passwd file " + f.opts.Path }

func (f *File) Close() error { return nil }

// Find is Source's.
func (f *File) Find(_ context.Context, a accounts.Address) (accounts.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return accounts.Entry{}, err
	}
	e, ok := f.entries[a]
	if !ok {
		return accounts.Entry{}, accounts.ErrNotFound
	}
	return e, nil
}

// Changes is Source's: a digest of the file.
func (f *File) Changes(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.refresh()
	return f.digest, err
}

// refresh reads the file if it is another one than before. f.mu is held.
func (f *File) refresh() error {
	info, err := os.Stat(f.opts.Path)
	if err != nil {
		return err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.Size() == f.seen.Size() && info.ModTime().Equal(f.seen.ModTime()) &&
		f.read.Sub(info.ModTime()) > settled {
		return nil
	}
	file, err := os.Open(f.opts.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return err
	}
	now := time.Now()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return fmt.Errorf("%s is larger than %d octets", f.opts.Path, maxFile)
	}
	f.seen, f.read = info, now
	sum := sha256.Sum256(data)
	if digest := hex.EncodeToString(sum[:]); digest != f.digest {
		f.digest, f.entries = digest, f.parse(data)
	}
	return nil
}

// parse reads all lines; of two with one name the first counts, as in Dovecot.
func (f *File) parse(data []byte) map[accounts.Address]accounts.Entry {
	entries := map[accounts.Address]accounts.Entry{}
	scanner := bufio.NewScanner(bytes.NewReader(data))
	scanner.Buffer(nil, 1<<20)
	n := 0
	for scanner.Scan() {
		n++
		a, e, err := parseLine(scanner.Text(), f.opts.DefaultDomain)
		if _, twice := entries[a]; err == nil && twice {
			err = errors.New("the name is there twice")
		}
		switch {
		case errors.Is(err, errNothing):
		case err != nil:
			f.opts.Log.Warn("a line of the passwd file is left out", "file", f.opts.Path, "line", n, "err", err)
		default:
			entries[a] = e
		}
	}
	if err := scanner.Err(); err != nil {
		f.opts.Log.Warn("the rest of the passwd file is left out", "file", f.opts.Path, "line", n+1, "err", err)
	}
	return entries
}
