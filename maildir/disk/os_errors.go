package disk

import (
	"errors"
	"syscall"
)

// cannotLink says whether a hard link was refused for a reason that a copy does not have: too many links, another
// device, a file system without links, or one that protects other users' files.
func cannotLink(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMLINK, syscall.EXDEV, syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
