package disk

import (
	"fmt"
	"strings"
)

// FolderDir gives the directory of a folder by its canonical name: "INBOX" is "", "A/B" is ".A.B". It refuses, with ErrBadName,
// what has no directory: empty levels, ".", "..", control characters, bytes that are no UTF-8, names whose directory
// would pass 255 bytes, INBOX in another case (the caller makes names canonical) and directories that other servers use
// for themselves. FolderName is its inverse: different names never share a directory.
func FolderDir(name string, e Encoding) (string, error) {
	if name == "INBOX" {
		return "", nil
	}
	// Neither encoding makes a name shorter than half its UTF-8; the exact bound follows below.
	if len(name) > 2*maxFileName {
		return "", fmt.Errorf("disk: folder name of %d bytes: %w", len(name), ErrBadName)
	}
	if reservedName(name) {
		return "", fmt.Errorf("disk: folder name %q: %w", name, ErrBadName)
	}
	var dir strings.Builder
	for level := range strings.SplitSeq(name, "/") {
		s, err := e.encodeLevel(level)
		if err != nil {
			return "", fmt.Errorf("disk: folder name %q: %w", name, err)
		}
		dir.WriteByte('.')
		dir.WriteString(s)
	}
	if dir.Len() > maxFileName {
		return "", fmt.Errorf("disk: folder name %q: %d bytes on disk: %w", name, dir.Len(), ErrBadName)
	}
	return dir.String(), nil
}

// FolderName gives the canonical name of a folder's directory. A directory that FolderDir would not have given (a stray
// ".INBOX", empty levels, an encoding that is not the account's) is ErrBadName: it cannot be shown and has to be reported.
func FolderName(dir string, e Encoding) (string, error) {
	if dir == "" {
		return "INBOX", nil
	}
	if dir[0] != '.' || len(dir) > maxFileName {
		return "", fmt.Errorf("disk: folder directory %q: %w", dir, ErrBadName)
	}
	levels := strings.Split(dir[1:], ".")
	for i, s := range levels {
		var err error
		if levels[i], err = e.decodeLevel(s); err != nil {
			return "", fmt.Errorf("disk: folder directory %q: %w", dir, err)
		}
	}
	name := strings.Join(levels, "/")
	if reservedName(name) {
		return "", fmt.Errorf("disk: folder directory %q: %w", dir, ErrBadName)
	}
	return name, nil
}

// reservedName says whether a name other than INBOX is taken: INBOX in any case is the root, and Dovecot keeps folders that
// it is deleting under a name of its own.
func reservedName(name string) bool {
	return strings.EqualFold(name, "INBOX") || strings.HasPrefix(name, "DOVECOT-TRASHED")
}
