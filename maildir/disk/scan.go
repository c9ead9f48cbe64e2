package disk

import (
	"errors"
	"fmt"
	"io/fs"
)

// Entry is a message file that a scan found.
type Entry struct {
	File string // as in the directory
	base int32  // length of the base name
	Sub  Sub    // New or Cur
}

// Base is the message's identity.
func (e Entry) Base() string { return e.File[:e.base] }

// Name is the file name taken apart.
func (e Entry) Name() Name {
	n, _ := ParseName(e.File)
	return n
}

// Listing is what a scan of a folder found.
type Listing struct {
	// Times were read before the directories: what changes during the scan makes the next Times differ.
	Times Times
	// Entries are the message files of new/, then of cur/, in no order within each. One base name may be there
	// twice: renamed from new/ to cur/ during the scan, or two names of one file. A file that another program renames during
	// the scan may be missing: only a second look proves it gone.
	Entries []Entry
	// Ignored counts names that cannot be messages.
	Ignored int
}

// Scan lists the messages of a folder without a stat of any. A missing new/ counts as empty; a missing cur/ is
// fs.ErrNotExist.
func (m *Maildir) Scan(folder string) (Listing, error) {
	var l Listing
	var err error
	if l.Times, err = m.Times(folder); err != nil {
		return Listing{}, err
	}
	// new/ before cur/: mail moves from new/ to cur/, so what is renamed meanwhile is found twice rather than never.
	news, err := m.fs.ReadDirNames(m.Path(folder, New))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Listing{}, fmt.Errorf("disk: scan %q: %w", folder, err)
	}
	curs, err := m.fs.ReadDirNames(m.Path(folder, Cur))
	if err != nil {
		return Listing{}, fmt.Errorf("disk: scan %q: %w", folder, err)
	}
	l.Entries = make([]Entry, 0, len(news)+len(curs))
	l.add(New, news)
	l.add(Cur, curs)
	return l, nil
}

// ScanNew lists the messages of new/ alone, at a cost that does not depend on what cur/ holds. A missing cur/ is
// fs.ErrNotExist, as for Scan.
func (m *Maildir) ScanNew(folder string) (Listing, error) {
	var l Listing
	var err error
	if l.Times, err = m.Times(folder); err != nil {
		return Listing{}, err
	}
	news, err := m.fs.ReadDirNames(m.Path(folder, New))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Listing{}, fmt.Errorf("disk: scan %q: %w", folder, err)
	}
	l.add(New, news)
	return l, nil
}

func (l *Listing) add(sub Sub, files []string) {
	for _, file := range files {
		if !isMessage(file) {
			l.Ignored++
			continue
		}
		l.Entries = append(l.Entries, Entry{File: file, base: int32(len(BaseOf(file))), Sub: sub})
	}
}

// Find looks for the present name of a message whose file is not where it was: another program may have renamed
// it. It reads the directories; found is false if it is in neither, which only a second call proves.
func (m *Maildir) Find(folder, base string) (place Place, found bool, err error) {
	for _, sub := range []Sub{New, Cur} {
		names, err := m.fs.ReadDirNames(m.Path(folder, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Place{}, false, fmt.Errorf("disk: find %s: %w", base, err)
		}
		for _, file := range names {
			if BaseOf(file) == base && isMessage(file) {
				return Place{folder, sub, file}, true, nil
			}
		}
	}
	return Place{}, false, nil
}
