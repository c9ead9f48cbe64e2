package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"bascule/internal/config"
	"bascule/maildir/disk"
)

// preflight looks at the directories before anything is made in them, so that the complaint is about the cause: a disk that is not
// mounted must not become an empty store, and a missing right is told before the first message comes.
func preflight(cfg config.Config) error {
	info, err := os.Stat(cfg.DataDir)
	if err != nil {
		return Explain(err, cfg.DataDir)
	}
	if !info.IsDir() {
		return &Problem{cfg.DataDir + " is not a directory", "set data_dir", nil}
	}
	if err := disk.HasMarker(disk.OS, cfg.DataDir); errors.Is(err, disk.ErrNoMarker) {
		return &Problem{cfg.DataDir + " holds no store (its marker file is missing)", "mount its disk; or, for a new store, run bascule init", err}
	} else if err != nil {
		return Explain(err, cfg.DataDir)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 && owner.Uid != 0 {
		// What root makes the server's user cannot change: the store would break at the next delivery.
		return &Problem{fmt.Sprintf("%s belongs to user %d, and this is root", cfg.DataDir, owner.Uid),
			fmt.Sprintf("run as its owner (setpriv --reuid %d --regid %d --clear-groups ..., or docker's --user)", owner.Uid, owner.Gid), nil}
	}
	dirs := []string{cfg.DataDir, cfg.Run()}
	if cfg.IndexDir != "" {
		if _, err := os.Stat(cfg.IndexDir); err != nil {
			return Explain(err, cfg.IndexDir)
		}
		dirs = append(dirs, cfg.IndexDir)
	}
	if err := os.MkdirAll(cfg.Run(), 0o700); err != nil {
		return Explain(err, cfg.Run())
	}
	for _, dir := range dirs {
		if err := writable(dir); err != nil {
			return Explain(err, dir)
		}
	}
	return nil
}

// writable makes and removes a file in dir.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".bascule-write-test-*")
	if err != nil {
		// The temporary name would only confuse.
		var pe *fs.PathError
		if errors.As(err, &pe) {
			pe.Path = dir
		}
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}
