package disk

import (
	"errors"
	"fmt"
	"io/fs"
)

// ACLFile holds who has which rights in a folder, in Dovecot's format: a line for each identifier.
const ACLFile = "dovecot-acl"

// ReadACL reads a folder's list of rights; "" if there is none.
func (m *Maildir) ReadACL(folder string) (string, error) {
	data, err := ReadSmallFile(m.fs, m.Dir(folder)+"/"+ACLFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("disk: read rights: %w", err)
	}
	return string(data), nil
}

// WriteACL replaces it, durably; "" removes it.
func (m *Maildir) WriteACL(folder, text string) error {
	path := m.Dir(folder) + "/" + ACLFile
	var err error
	if text != "" {
		err = WriteFileAtomic(m.fs, path, []byte(text))
	} else if err = m.fs.Remove(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err == nil {
		err = m.fs.SyncDir(m.Dir(folder))
	}
	if err != nil {
		return fmt.Errorf("disk: write rights: %w", err)
	}
	return nil
}
