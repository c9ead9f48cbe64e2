package server

import (
	"os"
	"path/filepath"

	"bascule/internal/config"
)

// roll keeps the readable names of processes beside their sockets, so that one which does not answer can still be named. What a killed
// process left behind harms nobody: names are looked up only for sockets that somebody still holds open.
type roll struct {
	dir     string // of the names
	sockets string // of the sockets, see peers
}

func newRoll(cfg config.Config) roll {
	return roll{dir: filepath.Join(cfg.Run(), "processes"), sockets: adminDir(cfg)}
}

func (r roll) enter(socket, process string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	r.sweep()
	return os.WriteFile(filepath.Join(r.dir, socket), []byte(process+"\n"), 0o600)
}

// sweep removes the names whose sockets are gone.
func (r roll) sweep() {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(r.sockets, e.Name()+".say")); os.IsNotExist(err) {
			r.strike(e.Name())
		}
	}
}

func (r roll) strike(socket string) { os.Remove(filepath.Join(r.dir, socket)) }

// name is the readable name, or the socket's.
func (r roll) name(socket string) string {
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.Base(socket)))
	if err != nil || len(data) < 2 || len(data) > 256 {
		return socket
	}
	return string(data[:len(data)-1])
}
