package systemd

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPassed(t *testing.T) {
	for _, tc := range []struct {
		pid, fds, names string
		want            []string
		bad             bool
	}{
		{"", "", "", nil, false},
		{"41", "2", "a:b", nil, false}, // another process's
		{"42", "0", "", nil, false},
		{"42", "2", "imap:imaps", []string{"imap", "imaps"}, false},
		{"42", "2", "imap:imap", []string{"imap", "imap"}, false},
		{"42", "2", "imap", nil, true},
		{"42", "1", "", []string{""}, false}, // no listener has this name: the server refuses it
		{"42", "-1", "", nil, true},
		{"42", "99999999", "", nil, true},
		{"42", "x", "", nil, true},
	} {
		env := map[string]string{"LISTEN_PID": tc.pid, "LISTEN_FDS": tc.fds, "LISTEN_FDNAMES": tc.names}
		got, err := passed(func(k string) string { return env[k] }, 42)
		if !slices.Equal(got, tc.want) || (err != nil) != tc.bad {
			t.Errorf("%+v: %q, %v", tc, got, err)
		}
	}
}

func TestNotify(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Notify(Ready); err != nil {
		t.Error(err)
	}
	for _, name := range []string{filepath.Join(t.TempDir(), "s"), "@bascule-notify-test-" + filepath.Base(t.TempDir())} {
		address := name
		if rest, ok := strings.CutPrefix(name, "@"); ok {
			address = "\x00" + rest
		}
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("NOTIFY_SOCKET", name)
		if err := Notify(Reloading()); err != nil {
			t.Error(err)
		}
		b := make([]byte, 200)
		n, err := l.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), "RELOADING=1\nMONOTONIC_USEC=") {
			t.Errorf("%q, %v", b[:n], err)
		}
		l.Close()
		if err := Notify(Ready); err == nil {
			t.Error("nobody listens, and that was no error")
		}
	}
}
