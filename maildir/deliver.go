package maildir

import (
	"bufio"
	"context"
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
// is never blocked by the POP3 lock. ErrOverQuota and ErrNoMailbox are the caller's to
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

// spooling has the buffers of spool.
var spooling = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

// spool writes a message into the folder's tmp/, durably.
func (a *Account) spool(ctx context.Context, f *folder, m Incoming) (*spooled, error) {
	dir, err := a.dirOf(f)
	if err != nil {
		return nil, err
	}
	now := a.store.opts.Now()
	in, err := a.dir.Create(dir, now)
	if err != nil {
		return nil, fmt.Errorf("maildir: add message: %w", err)
	}
	s := &spooled{in: in, internal: m.Internal, flags: m.Flags, unique: in.Unique()}
	if s.internal.IsZero() {
		s.internal = now
	}
	var scan message.Scanner
	out := spooling.Get().(*bufio.Writer)
	out.Reset(io.MultiWriter(in, &scan))
	defer func() {
		out.Reset(nil)
		spooling.Put(out)
	}()
	_, err = io.Copy(out, readerOf(ctx, m.R))
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		in.SetTime(s.internal)
		err = in.Sync()
	}
	if err != nil {
		in.Abort()
		return nil, fmt.Errorf("maildir: add message: %w", err)
	}
	s.facts = scan.Facts()
	s.base = disk.WithSizes(s.unique, s.facts.Disk, s.facts.Wire)
	return s, nil
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
