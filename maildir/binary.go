package maildir

import (
	"context"
	"io"
	"time"

	"bascule/internal/message"
	"bascule/maildir/disk"
)

// A message that may hold NULs (a literal8) is stored with its binary parts in base64: what is served of it is text
// for every client and both protocols, and FETCH BINARY gives the octets back. Bytes as they came would not be the same again,
// since bare LF and NUL have other forms on the wire.

// encodeBinary replaces a message in tmp/ by one without binary parts, if it has any. NULs elsewhere are ErrBinary.
func (a *Account) encodeBinary(ctx context.Context, f *folder, now time.Time, s *spooled) error {
	if err := a.rewriteBinary(ctx, f, now, s); err != nil {
		return err
	}
	if s.facts.Kind&message.NUL != 0 {
		return ErrBinary
	}
	return nil
}

func (a *Account) rewriteBinary(ctx context.Context, f *folder, now time.Time, s *spooled) error {
	var raw disk.File
	err := a.inFolder(ctx, f, func(dir string) (err error) {
		raw, err = a.dir.Open(disk.TmpPlace(dir, s.unique))
		return err
	})
	if err != nil {
		return err
	}
	defer raw.Close()
	var changed bool
	encoded, err := a.fillTmp(ctx, f, now, func(w io.Writer) (err error) {
		changed, err = message.EncodeBinary(w, raw, s.facts.Disk)
		return err
	})
	if err != nil {
		return err
	}
	if !changed {
		encoded.in.Abort()
		return nil
	}
	s.in.Abort()
	s.in, s.unique, s.facts = encoded.in, encoded.unique, encoded.facts
	return nil
}
