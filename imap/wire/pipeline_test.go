package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// client is a well-behaved client that pipelines: it sends command after command without waiting, save behind
// the announcement of a synchronising literal. There it sends the literal when the server accepts it, and
// the next command when the server refuses the command (RFC 9051 §4.3).
type client struct {
	cmds  [][]part
	cmd   int // commands begun
	next  int // part of the current command to send next
	wait  bool
	out   bytes.Buffer // sent, not read
	sent  int          // bytes sent in all
	begun []int        // where each command begins
}

// part is a piece of a command up to, and with, the announcement of a synchronising literal, or up to its end.
type part struct {
	text string
	wait bool
}

func (c *client) send() {
	for !c.wait && c.cmd <= len(c.cmds) {
		if c.cmd == 0 || c.next == len(c.cmds[c.cmd-1]) {
			if c.cmd == len(c.cmds) {
				return
			}
			c.begun = append(c.begun, c.sent)
			c.cmd, c.next = c.cmd+1, 0
		}
		p := c.cmds[c.cmd-1][c.next]
		c.next++
		c.out.WriteString(p.text)
		c.sent += len(p.text)
		c.wait = p.wait
	}
}

// plus is what happens when the client sees "+".
func (c *client) plus() { c.wait = false }

// refused is what happens when it sees the answer of command n instead.
func (c *client) refused(n int) {
	if c.wait && c.cmd == n+1 {
		c.wait, c.next = false, len(c.cmds[c.cmd-1])
	}
}

func (c *client) Read(p []byte) (int, error) {
	c.send()
	if c.out.Len() == 0 && c.wait {
		return 0, errWouldBlock
	}
	return c.out.Read(p)
}

var errWouldBlock = errors.New("server reads what the client does not send")

// session makes commands out of fuzz data: text, literals of all four kinds whose bytes look like commands, in places where they
// belong and where they do not.
func session(data []byte) [][]part {
	bodies := []string{"", "x", "z9 LOGOUT\r\n", "z9 LOGIN u p {9+}\r\nz9 LOGOUT", "a\x00b", "{5}\r\n"}
	words := []string{"LOGIN", "(", ")", " ", "\"q\"", "\"", "1:*", "BODY[", "]", "\\Seen", "{3", "+}", "\x00", "atom", "~", " "}
	var cmds [][]part
	var cmd []part
	text := ""
	begin := func() { text = fmt.Sprintf("c%d ", len(cmds)) }
	begin()
	for _, b := range data {
		switch {
		case b < 0x20: // end of the command
			text += " \r\n" // the blank keeps random words from announcing a literal the client does not mean
			cmds = append(cmds, append(cmd, part{text: text}))
			cmd = nil
			begin()
		case b < 0x80:
			text += words[int(b)%len(words)]
		default:
			body := bodies[int(b>>2)%len(bodies)]
			if b&2 != 0 {
				text += "~"
			}
			if b&1 != 0 {
				text += fmt.Sprintf("{%d+}\r\n", len(body))
			} else {
				cmd = append(cmd, part{text: text + fmt.Sprintf("{%d}\r\n", len(body)), wait: true})
				text = ""
			}
			text += body
		}
	}
	return append(cmds, append(cmd, part{text: text + " \r\n"}))
}

// FuzzPipeline lets a client pipeline commands with literals against a decoder that reads arbitrary elements, and
// checks after each Resync that the decoder stands where the client began a command.
func FuzzPipeline(f *testing.F) {
	f.Add([]byte("\x20\x23\x88\x23\x89\x01\x2d\x23\x8a\x2d\x8b"), []byte("\x00\x01\x06\x01\x04\x01\x04\x03"), uint8(0))
	f.Add([]byte("\x20\x23\x88\x23\x89\x01\x2d\x23\x8a\x2d\x8b"), []byte("\x00\x01\x06\x01\x15\x01\x14\x03"), uint8(1))
	f.Add([]byte("\x25\x88\x88\x01\x2d\x2d\x8b"), []byte("\x00\x01\x07"), uint8(3))
	f.Fuzz(func(t *testing.T, data, ops []byte, refuse uint8) {
		c := &client{cmds: session(data[:min(len(data), 200)])}
		d := NewDecoder(bufio.NewReaderSize(c, 16))
		d.QuotedUTF8 = refuse&2 != 0
		d.LiteralMinus = refuse&4 != 0
		d.Continue = func(_ int64, nonSync, _ bool) error {
			if refuse&1 != 0 {
				return errRefused
			}
			if !nonSync {
				c.plus()
			}
			return nil
		}
		for n := 0; ; n++ {
			if err := d.Begin(); err != nil {
				t.Fatal(err)
			}
			if d.Peek(); d.IOErr() == io.EOF {
				if n != len(c.cmds) {
					t.Fatalf("read %d commands of %d", n, len(c.cmds))
				}
				return
			}
			at := c.sent - c.out.Len() - d.br.Buffered()
			if n >= len(c.begun) || at != c.begun[n] {
				t.Fatalf("command %d begins at %v, decoder reads it at %d", n, c.begun, at)
			}
			k := min(len(ops), 10)
			play(d, ops[:k])
			ops = ops[k:]
			if err := d.Resync(); err != nil {
				t.Fatalf("command %d, after %v: %v", n, d.Err(), err)
			}
			c.refused(n)
		}
	})
}
