package lmtp

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// cut is a connection that gives its octets in pieces of odd lengths.
type cut struct {
	net.Conn
	left []byte
	rng  *rand.Rand
}

func (c *cut) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left[:1+c.rng.IntN(min(len(c.left), 9))])
	c.left = c.left[n:]
	return n, nil
}

// Wherever the pieces of a message are cut and however it is read, it comes as a simple reader octet by octet would
// give it, and what follows it is left for the next command.
func TestDotsAcrossPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ended := 0
	for range 50000 {
		in := make([]byte, 1+rng.IntN(40))
		for i := range in {
			in[i] = "\r\n\r\n..a"[rng.IntN(7)]
		}
		want, left, whole := undotted(in)
		c := &cut{left: in, rng: rng}
		d := &dots{more: c.Read}
		if n := rng.IntN(len(in)); rng.IntN(2) == 0 {
			d.in, c.left = in[:n], in[n:] // read with the command
		}
		var got []byte
		var err error
		for err == nil {
			var n int
			p := make([]byte, 1+rng.IntN(20))
			n, err = d.Read(p)
			got = append(got, p[:n]...)
		}
		if whole != (err == io.EOF) || !whole && err != io.ErrUnexpectedEOF {
			t.Fatalf("%q: %v", in, err)
		}
		if !whole {
			continue // a CR that may be the beginning of its end is kept back
		}
		ended++
		if rest := string(d.in) + string(c.left); string(got) != want || rest != left {
			t.Fatalf("%q became %q and %q, not %q and %q", in, got, rest, want, left)
		}
	}
	if ended == 0 {
		t.Fatal("no message ended")
	}
}

// undotted is RFC 5321 §4.5.2 line by line.
func undotted(in []byte) (message, rest string, whole bool) {
	left := string(in)
	for {
		if after, ok := strings.CutPrefix(left, ".\r\n"); ok {
			return message, after, true
		}
		line, after, ok := strings.Cut(left, "\r\n")
		if !ok {
			return "", "", false
		}
		message += strings.TrimPrefix(line, ".") + "\r\n"
		left = after
	}
}
