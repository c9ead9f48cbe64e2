package maildir

import (
	"strings"

	"bascule/maildir/disk"
)

// strayed finds the files that a foreign program renamed between our last look and a
// change of ours. Without it the change would be lost: a removed message would come
// back as a new one, a flag that was set would be gone at the next scan.
//
// A directory is read at most once, and only when a file was not where its row said.
type strayed struct {
	a     *Account
	found map[string]map[string]disk.Entry // by folder and base name
	// hasRow says that the file belongs to a message again; nil where that cannot be.
	hasRow func(folder, base string) bool
}

// find gives the present place of the file that was at p.
func (s *strayed) find(p disk.Place) (disk.Place, bool, error) {
	if p.Sub == disk.Tmp {
		return p, false, nil
	}
	if s.found[p.Folder] == nil {
		l, err := s.a.dir.Scan(p.Folder)
		if err != nil && !isMissing(err) {
			return p, false, err
		}
		in := make(map[string]disk.Entry, len(l.Entries))
		for _, e := range l.Entries {
			in[e.Base()] = e
		}
		if s.found == nil {
			s.found = map[string]map[string]disk.Entry{}
		}
		s.found[p.Folder] = in
	}
	base := disk.BaseOf(p.File)
	e, ok := s.found[p.Folder][base]
	if !ok || s.hasRow != nil && s.hasRow(p.Folder, base) {
		return p, false, nil
	}
	return disk.Place{Folder: p.Folder, Sub: e.Sub, File: e.File}, true, nil
}

func (s *strayed) remove(op fileOp) error {
	if s == nil {
		return nil
	}
	now, ok, err := s.find(op.src)
	if err != nil || !ok {
		return err
	}
	return s.a.dir.Remove(now)
}

// rename does op to the file under the name that a stranger gave it: our flags are
// added to and taken from its flags, and the next scan takes over what came of it.
func (s *strayed) rename(op fileOp) error {
	if s == nil {
		return nil
	}
	now, ok, err := s.find(op.src)
	if err != nil || !ok {
		return err // gone: the next scan sees
	}
	to := op.dst
	to.File = mergedName(op.src.File, op.dst.File, now.File, op.src.Folder == op.dst.Folder)
	if err := s.a.dir.Rename(now, to); err != nil {
		return err
	}
	for _, f := range s.a.byID {
		if f.row.Dir == to.Folder {
			f.scanSoon = true
		}
	}
	return nil
}

// mergedName is the name dst with the flags of now, changed as from src to dst.
// Keyword letters mean something in one folder only.
func mergedName(src, dst, now string, keywords bool) string {
	from, _ := disk.ParseName(src)
	to, ok := disk.ParseName(dst)
	have, _ := disk.ParseName(now)
	if !ok {
		return dst
	}
	var letters strings.Builder
	for i := range len(have.Flags) {
		c := have.Flags[i]
		if !keywords && 'a' <= c && c <= 'z' {
			continue
		}
		if to.HasFlag(c) || !from.HasFlag(c) {
			letters.WriteByte(c)
		}
	}
	for i := range len(to.Flags) {
		if c := to.Flags[i]; !from.HasFlag(c) || !keywords && 'a' <= c && c <= 'z' {
			letters.WriteByte(c)
		}
	}
	return to.WithFlags(letters.String()).String()
}
