package netserve

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// A trace that is asked for in the middle of a literal begins with the next command: not a piece of mail gets into it.
func TestTraceBeginsWithTheNextCommand(t *testing.T) {
	inside, traced := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var lines []string
	_, addr := start(t, Config{Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0"}}, Handler: func(ctx context.Context, c *Conn) {
		emit := func(from string, line []byte) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, from+" "+string(line))
		}
		for i := range 3 {
			if c.WaitReadable(0) != nil {
				return
			}
			line, err := c.ReadLine(100)
			if err != nil {
				return
			}
			if i == 0 { // "a APPEND {10}"
				close(inside)
				<-traced
				c.TraceCommands(emit, false)
				io.ReadFull(c.Reader(), make([]byte, 12))
			}
			c.Writer().WriteString(string(line[:1]) + " OK\r\n")
			c.Flush()
			if i == 1 {
				c.TraceCommands(nil, false)
			}
		}
	}})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	in := bufio.NewScanner(nc)
	io.WriteString(nc, "a APPEND {10}\r\nsec")
	<-inside
	close(traced)
	io.WriteString(nc, "ret\r\nmm\r\n")
	for _, command := range []string{"b NOOP\r\n", "c NOOP\r\n", ""} {
		if !in.Scan() {
			t.Fatal("no answer")
		}
		io.WriteString(nc, command)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"C b NOOP", "S b OK"}; !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}
