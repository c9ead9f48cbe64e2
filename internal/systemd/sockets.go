package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstSocket is the descriptor of the first socket that is passed (SD_LISTEN_FDS_START).
const firstSocket = 3

// maxSockets bounds what LISTEN_FDS may claim.
const maxSockets = 256

// Sockets takes over the listening sockets that were passed to this process, by their names (FileDescriptorName= of the socket unit).
// The variables are taken out of the environment, so that a second call, or a child, finds none. Not for use by several goroutines.
func Sockets() (map[string][]net.Listener, error) {
	defer func() {
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			os.Unsetenv(name)
		}
	}()
	names, err := passed(os.Getenv, os.Getpid())
	if err != nil {
		return nil, err
	}
	sockets := map[string][]net.Listener{}
	for i, name := range names {
		fd := firstSocket + i
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), name)
		l, err := net.FileListener(f)
		f.Close() // the listener has a descriptor of its own
		if err != nil {
			return nil, fmt.Errorf("systemd: socket %q (descriptor %d) is none to listen at: %w", name, fd, err)
		}
		sockets[name] = append(sockets[name], l)
	}
	return sockets, nil
}

// passed reads the variables and gives the sockets' names in the order of their descriptors; none when they are meant for another process.
func passed(getenv func(string) string, pid int) ([]string, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > maxSockets {
		return nil, fmt.Errorf("systemd: LISTEN_FDS is %q, a number up to %d is wanted", getenv("LISTEN_FDS"), maxSockets)
	}
	if n == 0 {
		return nil, nil
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	if len(names) != n {
		return nil, fmt.Errorf("systemd: %d sockets were passed with the names %q: every socket needs a FileDescriptorName", n, getenv("LISTEN_FDNAMES"))
	}
	return names, nil
}
