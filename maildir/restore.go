package maildir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"bascule/maildir/disk"
)

// ErrHasMail says that an account has a Maildir, which a restore would have to replace.
var ErrHasMail = errors.New("maildir: the account has a Maildir already")

// Restore gives an account that has no Maildir the one in a tar archive, as Backup or tar made it: flags, keywords, UIDs,
// UIDLs and subscriptions are those of the archive, so no mail program downloads anything again. All of it or nothing; when
// it returns nil it is durable. ErrHasMail if there is a Maildir, ErrBadArchive if the archive is none of a Maildir.
func (s *Store) Restore(ctx context.Context, address string, r io.Reader) (Archived, error) {
	done, err := s.restore(ctx, address, r)
	if err != nil {
		return Archived{}, fmt.Errorf("maildir: restore %s: %w", address, err)
	}
	return done, nil
}

func (s *Store) restore(ctx context.Context, address string, r io.Reader) (done Archived, err error) {
	if err := s.checkMarker(); err != nil {
		return done, err
	}
	place := disk.AccountDir(s.opts.DataDir, address)
	target := disk.MaildirDir(place)
	if _, err := os.Lstat(target); err == nil {
		return done, ErrHasMail
	} else if !isMissing(err) {
		return done, err
	}
	if err := disk.MkdirAll(s.opts.FS, place); err != nil {
		return done, err
	}
	work, err := workDir(place, "restore", s.opts.Now())
	if err != nil {
		return done, err
	}
	defer os.RemoveAll(work)
	if done, err = extract(ctx, r, work); err != nil {
		return done, err
	}
	if err := syncFileSystem(work); err != nil {
		return done, err
	}
	err = s.opts.FS.RenameNoReplace(disk.MaildirDir(work), target)
	if errors.Is(err, os.ErrExist) {
		return done, ErrHasMail // somebody has opened the account meanwhile
	}
	if err == nil {
		err = s.opts.FS.SyncDir(place)
	}
	return done, err
}

// syncFileSystem makes all files on dir's file system durable: one call instead of one a message.
func syncFileSystem(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// RestoreInto adds the messages of a tar archive to mailboxes below the mailbox under, which are made, while others use
// the account: with their flags, keywords and internal dates, as new messages. It stops at the first error, ErrOverQuota
// for example; what was added before stays, and Archived says how much that is. Folders without a name that clients could use are left out, as they are when
// an account is opened. ErrBadArchive if the archive is none of a Maildir.
func (a *Account) RestoreInto(ctx context.Context, r io.Reader, under string) (done Archived, err error) {
	if err = a.open(ctx); err == nil {
		done, err = a.restoreInto(ctx, r, under)
	}
	if err != nil {
		err = fmt.Errorf("maildir: restore into %s of %s: %w", under, a.address, err)
	}
	return done, err
}

func (a *Account) restoreInto(ctx context.Context, r io.Reader, under string) (done Archived, err error) {
	work, err := a.workDir("restore")
	if err != nil {
		return done, err
	}
	defer os.RemoveAll(work)
	if _, err := extract(ctx, r, work); err != nil {
		return done, err
	}
	src, err := disk.Open(a.store.opts.FS, a.store.namer, disk.MaildirDir(work))
	if err != nil {
		return done, err
	}
	list, err := src.Folders()
	if err != nil {
		return done, err
	}
	enc, _ := disk.DetectEncoding(list.Dirs)
	for _, dir := range list.Dirs {
		name, err := disk.FolderName(dir, enc)
		if err != nil {
			a.log.Warn("a folder's directory has no name that clients could use; it is not restored", "dir", dir)
			continue
		}
		if err := a.restoreFolder(ctx, src, dir, under+"/"+name, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

// restoredAtOnce is how many messages one commit adds: their files are open meanwhile.
const restoredAtOnce = 100

func (a *Account) restoreFolder(ctx context.Context, src *disk.Maildir, dir, name string, done *Archived) error {
	l, err := src.Scan(dir)
	if err != nil || len(l.Entries) == 0 {
		return err
	}
	keywords, _, err := src.ReadKeywords(dir)
	if err != nil {
		return err
	}
	if _, err := a.CreateMailbox(ctx, name, nil); err != nil && !errors.Is(err, ErrMailboxExists) {
		return err
	}
	m, err := a.Mailbox(ctx, name)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := inOrder(src, dir, l.Entries); err != nil {
		return err
	}
	for from := 0; from < len(l.Entries); from += restoredAtOnce {
		batch := l.Entries[from:min(from+restoredAtOnce, len(l.Entries))]
		n, err := m.appendFiles(ctx, src, dir, batch, &keywords)
		if err != nil {
			return err
		}
		done.Messages += len(batch)
		done.Bytes += n
	}
	return nil
}

// inOrder sorts messages by the UIDs that they had; those without come last, as they arrived.
func inOrder(src *disk.Maildir, dir string, list []disk.Entry) error {
	uids := map[string]uint32{}
	old, err := src.ReadUIDList(dir)
	if err != nil && !isMissing(err) {
		return err
	}
	if err == nil {
		for _, r := range old.Records {
			uids[r.Base] = r.UID
		}
	}
	slices.SortFunc(list, func(a, b disk.Entry) int {
		// Zero, which is none, wraps to the highest.
		if c := cmp.Compare(uids[a.Base()]-1, uids[b.Base()]-1); c != 0 {
			return c
		}
		return disk.CompareArrival(a.Base(), b.Base())
	})
	return nil
}

// appendFiles adds messages of another Maildir in one commit.
func (m *Mailbox) appendFiles(ctx context.Context, src *disk.Maildir, dir string, list []disk.Entry, keywords *disk.Keywords) (bytes int64, err error) {
	p := m.BeginAppend()
	defer p.Close()
	for _, e := range list {
		n, err := p.addFile(ctx, src, disk.Place{Folder: dir, Sub: e.Sub, File: e.File}, flagNames(e.Name().Flags, keywords))
		if err != nil {
			return 0, err
		}
		bytes += n
	}
	_, err = p.Commit(ctx)
	return bytes, err
}

func (p *Appending) addFile(ctx context.Context, src *disk.Maildir, at disk.Place, flags []string) (int64, error) {
	file, err := src.Open(at)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), p.Add(ctx, Incoming{R: file, Size: st.Size(), Flags: flags, Internal: st.ModTime()})
}

// flagNames are the flags that letters in a file name mean.
func flagNames(letters string, keywords *disk.Keywords) (names []string) {
	for i := range len(letters) {
		for _, s := range systemFlags {
			if s.letter == letters[i] {
				names = append(names, s.name)
			}
		}
		if k := keywords.Keyword(letters[i]); k != "" {
			names = append(names, k)
		}
	}
	return names
}
