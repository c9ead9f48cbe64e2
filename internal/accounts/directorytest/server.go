package directorytest

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// ServerDir makes a directory with files for a server that a test starts. Its path is
// short, unlike t.TempDir's, since that of a socket may have 107 octets.
func ServerDir(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "src")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// FreePort is a port of 127.0.0.1 that nobody had a moment ago, for servers that
// cannot choose one themselves.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
