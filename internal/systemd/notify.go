package systemd

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Ready, Stopping: the states of a service that Notify tells.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
)

// Notify tells the starter of the service's state. Nothing happens when nobody asked for it; the error is for the log.
func Notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	if name[0] == '@' {
		name = "\x00" + name[1:] // the abstract name space
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("systemd: notify: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("systemd: notify: %w", err)
	}
	return nil
}

// Reloading is the state between a request to reload and the next Ready, with the time that systemd wants beside it.
func Reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}
