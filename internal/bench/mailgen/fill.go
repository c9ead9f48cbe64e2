package mailgen

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Fill links the first n messages of a kind into cur of a Maildir.
func (t Templates) Fill(maildir string, k Kind, n int) error {
	if n == 0 {
		return nil
	}
	if err := t.Make(k, n); err != nil {
		return err
	}
	facts, err := LoadFacts(t.FactsPath(k), n)
	if err != nil {
		return err
	}
	for i, f := range facts {
		if err := os.Link(t.file(k, i), filepath.Join(maildir, "cur", k.Name(i, f.Octets))); err != nil {
			return err
		}
	}
	return nil
}

var dropped atomic.Int64

// Drop puts a new message into new/ of a Maildir, by way of tmp/, as another program would.
func Drop(maildir string, message []byte, own func(path string) error) error {
	name := fmt.Sprintf("%d.M%dP%dQ%d.bench", Date(1<<20).Unix(), dropped.Add(1), os.Getpid(), dropped.Load())
	tmp := filepath.Join(maildir, "tmp", name)
	if err := os.WriteFile(tmp, message, 0o644); err != nil {
		return err
	}
	if err := own(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(maildir, "new", name))
}
