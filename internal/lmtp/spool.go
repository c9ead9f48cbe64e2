package lmtp

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// inMemory is the size up to which a message for several recipients is held in memory.
const inMemory = 256 << 10

// spool holds one message so that it can be read once for each recipient, by several goroutines at once.
type spool struct {
	data bytes.Buffer
	file *os.File // what did not fit; its name is gone already
	size int64
}

// newSpool reads r to its end. Its error is r's, unchanged, or one of the file.
func newSpool(r io.Reader, dir string) (*spool, error) {
	s := &spool{}
	n, err := io.CopyN(&s.data, r, inMemory)
	s.size = n
	if err == io.EOF {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if s.file, err = os.CreateTemp(dir, "bascule-lmtp-*"); err != nil {
		return nil, fmt.Errorf("lmtp: spool: %w", err)
	}
	// Without a name, nothing is left behind however the process ends.
	if err := os.Remove(s.file.Name()); err != nil {
		s.close()
		return nil, fmt.Errorf("lmtp: spool: %w", err)
	}
	n, err = io.Copy(s.file, r)
	s.size += n
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// reader gives the message from its beginning; readers are independent of each other.
func (s *spool) reader() io.Reader {
	head := bytes.NewReader(s.data.Bytes())
	if s.file == nil {
		return head
	}
	return io.MultiReader(head, io.NewSectionReader(s.file, 0, s.size-int64(s.data.Len())))
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
}
