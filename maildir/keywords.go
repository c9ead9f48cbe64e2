package maildir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}

// flagBits is the bits of flag names in a folder, whose missing keywords are made, and
// how many keywords it has. \Recent is ignored (RFC 9051 §2.3.2: clients cannot set it).
func (a *Account) flagBits(ctx context.Context, f *folder, names []string) (bits Flags, keywords int, err error) {
	a.mu.Lock()
	bits, missing, err := f.parseFlags(names)
	keywords = len(f.row.Keywords)
	a.mu.Unlock()
	if err != nil || len(missing) == 0 {
		return bits, keywords, err
	}
	err = a.write(ctx, func(w *writing) error {
		c := w.change(f)
		bits, err = c.flagBits(w, names)
		keywords = len(c.row.Keywords)
		return err
	})
	return bits, keywords, err
}

// parseFlags looks names up; a.mu is held.
func (f *folder) parseFlags(names []string) (Flags, []string, error) {
	s := Snapshot{keywords: f.row.Keywords}
	bits, unknown := s.ParseFlags(names)
	var missing []string
	for _, k := range unknown {
		if strings.EqualFold(k, `\Recent`) {
			continue
		}
		if !validKeyword(k) {
			return 0, nil, fmt.Errorf("%w: %.40q", ErrBadKeyword, k)
		}
		if !containsFold(missing, k) {
			missing = append(missing, k)
		}
	}
	return bits, missing, nil
}

// flagBits is Account.flagBits inside a change: it makes missing keywords.
func (c *change) flagBits(w *writing, names []string) (Flags, error) {
	at := folder{row: c.row}
	bits, missing, err := at.parseFlags(names)
	if err != nil || len(missing) == 0 {
		return bits, err
	}
	if len(c.row.Keywords)+len(missing) > MaxKeywords {
		return 0, fmt.Errorf("%w: %d", ErrTooManyKeywords, MaxKeywords)
	}
	letters := len(c.row.Keywords) < 26
	for _, k := range missing {
		bits |= keywordBit(len(c.row.Keywords))
		c.row.Keywords = append(slices.Clip(c.row.Keywords), k)
	}
	if letters {
		// The letters must mean something before a file carries them.
		if err := c.mirrorKeywords(w); err != nil {
			return 0, err
		}
	}
	return bits, nil
}
