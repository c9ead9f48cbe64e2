package maildir

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"bascule/internal/message"
	"bascule/maildir/disk"
)

// DeliverOptions of one delivery.
type DeliverOptions struct {
	Flags    []string
	Internal time.Time // zero: now
	// CRLF turns bare LF into CRLF, for senders that read text files. Without it the
	// bytes are kept as they come.
	CRLF bool
	// Create makes the mailbox if it is missing.
	Create bool
}

// Delivered tells where a message went.
type Delivered struct {
	UIDValidity uint32
	UID         UID
	Size        int64 // bytes on disk
}

// Deliver adds a message to a mailbox. When it returns nil, the message is on disk. It
// is never blocked by the POP3 lock. ErrOverQuota, ErrDiskFull and ErrNoMailbox are the caller's to
// answer; r has been read to its end only if the error is another one or nil.
func (a *Account) Deliver(ctx context.Context, mailbox string, r io.Reader, o DeliverOptions) (Delivered, error) {
	f, err := a.folderOf(ctx, mailbox, o.Create)
	if err != nil {
		return Delivered{}, err
	}
	if o.CRLF {
		r = message.NewCRLFReader(r)
	}
	in, err := a.spool(ctx, f, Incoming{R: r, Flags: o.Flags, Internal: o.Internal})
	if err != nil {
		return Delivered{}, a.orNoMailbox(f, err)
	}
	defer in.abort()
	if err := a.addOne(ctx, f, in); err != nil {
		return Delivered{}, a.orNoMailbox(f, err)
	}
	return Delivered{in.uidValidity, in.uid, in.facts.Disk}, nil
}

// orNoMailbox is err, or ErrNoMailbox if the folder was deleted meanwhile, perhaps by
// another process: then it is its files that are missing.
func (a *Account) orNoMailbox(f *folder, err error) error {
	if !isMissing(err) {
		return err
	}
	a.read(context.Background(), func(tx) error {
		if f.gone {
			err = fmt.Errorf("%w: %s", ErrNoMailbox, f.row.Name)
		}
		return nil
	})
	return err
}

// folderOf finds a folder, making it if asked to.
func (a *Account) folderOf(ctx context.Context, name string, create bool) (*folder, error) {
	f, err := a.findFolder(ctx, name)
	if err == nil || !create {
		return f, err
	}
	if _, err := a.CreateMailbox(ctx, name, nil); err != nil {
		return nil, err
	}
	return a.findFolder(ctx, name)
}

// Incoming is a message to be added.
type Incoming struct {
	R        io.Reader
	Size     int64 // as announced; 0 if not known
	Flags    []string
	Internal time.Time // zero: now
	// Binary says that parts may be binary, with NULs (RFC 3516 §4.4): these are stored in base64. NULs elsewhere are ErrBinary.
	Binary bool
}

// spooled is a message on its way in: its bytes are in tmp/ and synced.
type spooled struct {
	in       *disk.Incoming
	facts    message.Facts
	internal time.Time
	flags    []string

	unique string // the file's name in tmp/
	base   string
	tail   string // set when its flags have their bits
	bits   Flags
	sub    disk.Sub

	published bool
	since     uint64 // the folder's modseq before that

	uid         UID
	uidValidity uint32
}

// spooling has the buffers of fillTmp.
var spooling = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

// spool writes a message into the folder's tmp/, durably.
func (a *Account) spool(ctx context.Context, f *folder, m Incoming) (*spooled, error) {
	if err := a.hasRoom(); err != nil {
		return nil, err
	}
	now := a.store.opts.Now()
	s, err := a.fillTmp(ctx, f, now, func(w io.Writer) error {
		_, err := io.Copy(w, readerOf(ctx, m.R))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("maildir: add message: %w", full(err))
	}
	if m.Binary {
		err = a.encodeBinary(ctx, f, now, s)
	}
	s.internal, s.flags = m.Internal, m.Flags
	if s.internal.IsZero() {
		s.internal = now
	}
	if err == nil {
		s.in.SetTime(s.internal)
		err = a.inFolder(ctx, f, func(dir string) error {
			s.in.FolderIs(dir)
			return s.in.Sync()
		})
	}
	if err != nil {
		s.in.Abort()
		return nil, fmt.Errorf("maildir: add message: %w", full(err))
	}
	s.base = disk.WithSizes(s.unique, s.facts.Disk, s.facts.Wire)
	return s, nil
}

// fillTmp makes a file in tmp/ of what fill writes, not yet durable, and finds out what its bytes are.
func (a *Account) fillTmp(ctx context.Context, f *folder, now time.Time, fill func(io.Writer) error) (*spooled, error) {
	var in *disk.Incoming
	err := a.inFolder(ctx, f, func(dir string) (err error) {
		in, err = a.dir.Create(dir, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	var scan message.Scanner
	out := spooling.Get().(*bufio.Writer)
	out.Reset(io.MultiWriter(in, &scan))
	defer func() {
		out.Reset(nil)
		spooling.Put(out)
	}()
	err = fill(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		in.Abort()
		return nil, err
	}
	return &spooled{in: in, unique: in.Unique(), facts: scan.Facts()}, nil
}

// dirOf is the folder's present directory.
func (a *Account) dirOf(f *folder) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.gone {
		return "", ErrNoMailbox
	}
	return f.row.Dir, nil
}

// inFolder runs fn with the folder's directory. Another process may be renaming the folder: what is missing then is
// looked for once more where it is now, while nobody can rename it. A folder that is deleted is ErrNoMailbox. a.mu is
// not held.
func (a *Account) inFolder(ctx context.Context, f *folder, fn func(dir string) error) error {
	dir, err := a.dirOf(f)
	if err != nil {
		return err
	}
	if err = fn(dir); !isMissing(err) && !errors.Is(err, disk.ErrGone) {
		return err
	}
	return a.write(context.WithoutCancel(ctx), func(*writing) error {
		if f.gone {
			return ErrNoMailbox
		}
		if f.row.Dir == dir {
			return err
		}
		return fn(f.row.Dir)
	})
}

func (s *spooled) abort() {
	if s != nil {
		s.in.Abort()
	}
}

// ctxReader stops reading when ctx ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func readerOf(ctx context.Context, r io.Reader) io.Reader { return ctxReader{ctx, r} }

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
