package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// markerFile marks a data directory as one of ours.
const markerFile = "bascule-store"

// WriteMarker makes the data directory with its marker durably. It is written once, when a store is created; what is there
// already is kept.
func WriteMarker(f FS, dataDir string) error {
	if err := MkdirAll(f, filepath.Clean(dataDir)); err != nil {
		return fmt.Errorf("disk: create store: %w", err)
	}
	if err := HasMarker(f, dataDir); !errors.Is(err, ErrNoMarker) {
		return err
	}
	return WriteFileAtomic(f, filepath.Join(dataDir, markerFile), []byte("bascule mail store 1\n"))
}

// HasMarker returns nil if the data directory carries the marker and ErrNoMarker if not. A server that started on an
// empty mount point would tell every client that its mail is gone, and clients would believe it.
func HasMarker(f FS, dataDir string) error {
	_, err := f.Stat(filepath.Join(dataDir, markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: %s: %w", dataDir, ErrNoMarker)
	}
	if err != nil {
		return fmt.Errorf("disk: look for the store's marker: %w", err)
	}
	return nil
}
