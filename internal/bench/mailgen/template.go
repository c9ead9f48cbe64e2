package mailgen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Templates makes templates in a directory, each when it is first asked for.
type Templates struct {
	Dir string
	Own func(path string) error // gives a file to whoever the servers' mail belongs to
}

func (t Templates) path(k Kind) string { return filepath.Join(t.Dir, k.String()) }

// FactsPath is the file for LoadFacts.
func (t Templates) FactsPath(k Kind) string { return t.path(k) + ".facts" }

// Make makes sure that there are at least n messages of a kind.
func (t Templates) Make(k Kind, n int) error {
	if old, err := os.Stat(t.FactsPath(k)); err == nil && old.Size() >= int64(12*n) {
		return nil
	}
	if err := os.MkdirAll(t.path(k), 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	facts := make(Facts, n)
	for i := range n {
		k.Message(&b, i)
		facts[i] = factOf(b.Bytes())
		path := t.file(k, i)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		content := b.Bytes()
		if k.Foreign {
			content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(path, Date(i), Date(i)); err != nil {
			return err
		}
		if err := t.Own(path); err != nil {
			return err
		}
	}
	return facts.save(t.FactsPath(k))
}

// file is where message i of a template lies; no directory gets very large.
func (t Templates) file(k Kind, i int) string {
	if i%1000 == 0 {
		os.Mkdir(filepath.Join(t.path(k), fmt.Sprint(i/1000)), 0o755)
	}
	return filepath.Join(t.path(k), fmt.Sprint(i/1000), fmt.Sprint(i))
}

// Name is the file name of message i in a mailbox.
func (k Kind) Name(i int, octets uint32) string {
	at := Date(i)
	if k.Foreign {
		return fmt.Sprintf("%d.%d_%d.mx:2,%s", at.Unix(), i, i%5, Flags(i))
	}
	return fmt.Sprintf("%d.M%dP7Q%d.bench,S=%d,W=%d:2,%s", at.Unix(), i%1000000, i, octets, octets, Flags(i))
}
