package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"bascule/maildir"
)

// Problem is an error for the operator: one line that names the thing and the remedy.
type Problem struct {
	What   string
	Remedy string
	Err    error
}

func (p *Problem) Error() string {
	if p.Remedy == "" {
		return p.What
	}
	return p.What + ": " + p.Remedy
}

func (p *Problem) Unwrap() error { return p.Err }

// Explain turns errors of the system into Problems, as far as a remedy is known. path is what was worked on.
func Explain(err error, path string) error {
	var known *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, maildir.ErrNoMarker):
		return &Problem{path + " holds no store (its marker file is missing)",
			"mount its disk; or, for a new store, run bascule init", err}
	case errors.Is(err, fs.ErrPermission):
		what, give := pathOf(err, path), "-R "
		if !strings.HasPrefix(what, path) {
			path, give = what, "" // a file elsewhere, such as a key or a secret
		}
		return &Problem{forbidden(what),
			fmt.Sprintf("give it to that user (chown %s%d:%d %s), or run as its owner", give, os.Geteuid(), os.Getegid(), path), err}
	case errors.Is(err, fs.ErrNotExist):
		return &Problem{pathOf(err, path) + " is not there", "mount its disk or make the directory; or, for a new store, run bascule init", err}
	case errors.Is(err, syscall.EROFS):
		return &Problem{pathOf(err, path) + " is on a read-only file system", "mount it for writing", err}
	case errors.Is(err, syscall.ENOSPC):
		return &Problem{"no space left for " + pathOf(err, path), "make room", err}
	}
	return err
}

func pathOf(err error, path string) string {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path != "" {
		return pe.Path
	}
	return path
}

// explainListen does the same for listeners.
func explainListen(err error, key, address string) error {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return &Problem{fmt.Sprintf("cannot listen at %s: another program does already", address),
			fmt.Sprintf("end it, or change listeners.%s", key), err}
	case errors.Is(err, fs.ErrPermission):
		return &Problem{fmt.Sprintf("cannot listen at %s: no right to", address),
			fmt.Sprintf("use a port above 1023 in listeners.%s, or give the program CAP_NET_BIND_SERVICE (port is %s)", key, port), err}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return &Problem{fmt.Sprintf("cannot listen at %s: this machine does not have the address", address),
			fmt.Sprintf("change listeners.%s", key), err}
	}
	return &Problem{fmt.Sprintf("cannot listen at %s: %s", address, strings.TrimPrefix(err.Error(), "netserve: ")), "check listeners." + key, err}
}
