package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestResync(t *testing.T) {
	for _, in := range []string{
		"junk\r\n",
		"junk\n",
		"\x00\xff\r\n",
		"a LOGIN x\r\n",
		"a \"unclosed {7+}\r\na QUIT\n\r\n",
		"a BAD(((( {9+}\r\nb LOGOUT\n {9+}\r\nc LOGOUT\n x\r\n",
		"a APPEND x {9+}\r\nb LOGOUT\n\r\n",
		"a APPEND x {9+}\nb LOGOUT\n\n",
		"a X ~{9+}\r\nb LOGOUT\n\r\n",
		"a X {0+}\r\n{9+}\r\nb LOGOUT\n\r\n",
		"a X {000000000000000000000000000000009+}\r\nb LOGOUT\n\r\n",
		"a X {{9+}\r\nb LOGOUT\n\r\n",
		"a X {5+}{9+}\r\nb LOGOUT\n\r\n",
		"a X {9+} \r\n",
		"a X {9}\r\n",
		"a X {9+}x\r\n",
		"a X {+}\r\n",
		"a X {9+}\r\r\n",
		"a X 9+}\r\n",
	} {
		// Wherever the decoder stops, the next command is found.
		for n := range len(in) {
			d := decode(in + "next")
			for i := 0; d.peekAny() && i < n; i++ {
				d.skip(1)
			}
			if r := rest(t, d); r != "next" {
				t.Errorf("%q stopped at %d: left %q", in, n, r)
				break
			}
		}
	}
}

// peekAny is peek, but false before a LF, which only lf may read.
func (d *Decoder) peekAny() bool {
	c, ok := d.peek()
	return ok && c != '\n'
}

func TestResyncGivesUp(t *testing.T) {
	limits := Limits{Line: 100, String: 100, Strings: 100, Drain: 50}
	for _, in := range []string{
		"a X {60+}\r\n",
		"a X {9223372036854775807+}\r\n",
		"a X {99999999999999999999999999+}\r\n",
		"a X {30+}\r\n" + strings.Repeat("x", 30) + " {30+}\r\n",
		strings.Repeat("x", 60) + "\r\n",
	} {
		d := decode(in + "a LOGOUT\r\n")
		d.SetLimits(limits)
		if err := d.Resync(); err != nil {
			t.Errorf("%q: Resync before the first byte: %v", in, err)
		}
		d.Peek()
		if err := d.Resync(); !errors.Is(err, ErrDesync) {
			t.Errorf("%q: %v", in, err)
		}
		var s string
		if d.Begin() == nil || d.ExpectTag(&s) || d.Resync() == nil || d.IOErr() == nil {
			t.Errorf("%q: the decoder goes on", in)
		}
	}
}

func TestReadLine(t *testing.T) {
	d := NewDecoder(bufio.NewReaderSize(strings.NewReader(
		"DONE\r\ndone\n\r\n12345\r\n123456\r\n"+strings.Repeat("x", 90)+"\r\nx{8+}\r\nb DONE\r\n\r\nnext"), 16))
	for _, want := range []string{"DONE", "done", "", "12345", "too long", "too long"} {
		got, err := d.ReadLine(5)
		if want == "too long" {
			if !errors.Is(err, ErrLineTooLong) {
				t.Errorf("%q %v", got, err)
			}
		} else if string(got) != want || err != nil {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
	}
	if line, err := d.ReadLine(10); err != nil || string(line) != "x{8+}" {
		t.Errorf("%q %v", line, err)
	}
	if _, err := d.ReadLine(10); !errors.Is(err, ErrDesync) {
		t.Errorf("the literal of a refused line can be read as a line: %v", err)
	}
	if r := rest(t, d); r != "next" {
		t.Errorf("left %q", r)
	}
}

// interruptedReader gives one byte at a time, and a deadline error before each.
type interruptedReader struct {
	s    string
	hold bool
}

func (r *interruptedReader) Read(p []byte) (int, error) {
	if r.hold = !r.hold; r.hold {
		return 0, os.ErrDeadlineExceeded
	}
	if r.s == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], r.s)
	r.s = r.s[n:]
	return n, nil
}

func TestReadLineInterrupted(t *testing.T) {
	d := NewDecoder(bufio.NewReader(&interruptedReader{s: "DONE\r\na NOOP\r\n"}))
	wakes := 0
	for {
		line, err := d.ReadLine(10)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			wakes++
			continue
		}
		if err != nil || string(line) != "DONE" || wakes != len("DONE\r\n") {
			t.Fatalf("%q %v after %d wakes", line, err, wakes)
		}
		break
	}
	d.Interrupted = func(error) bool { return false }
	if _, err := d.ReadLine(10); !errors.Is(err, os.ErrDeadlineExceeded) || d.IOErr() == nil {
		t.Errorf("not an interruption: %v", err)
	}
}

var announced = regexp.MustCompile(`\{([0-9]+)\+\}\r?\n$`)

// commandEnd is the model of Resync: where the command that begins at s[0] ends, and -1 if s is too short
// for it. It is RFC 7888 §3 in a few lines.
func commandEnd(s []byte) int {
	at := 0
	for {
		lf := bytes.IndexByte(s[at:], '\n')
		if lf < 0 {
			return -1
		}
		line := s[at : at+lf+1]
		at += lf + 1
		m := announced.FindSubmatch(line)
		if m == nil {
			return at
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n > len(s)-at {
			return -1
		}
		at += n
	}
}

// play reads with the elements that the bytes of ops stand for, in whatever order.
func play(d *Decoder, ops []byte) {
	var s string
	var ok bool
	var n32 uint32
	var n64 uint64
	var set NumSet
	var section Section
	var partial Partial
	var flags []string
	for _, op := range ops {
		switch op % 26 {
		case 0:
			d.ExpectTag(&s)
		case 1, 2:
			d.SP()
		case 3:
			d.CRLF()
		case 4:
			d.AString(&s)
		case 5:
			d.Atom(&s)
		case 6:
			d.Keyword(&s)
		case 7:
			d.String(&s)
		case 8:
			d.NString(&s, &ok)
		case 9:
			d.Quoted(&s)
		case 10:
			d.ExpectMailbox(&s)
		case 11:
			d.ExpectListMailbox(&s)
		case 12:
			d.Number(&n32)
		case 13:
			d.Number64(&n64)
		case 14:
			d.NumSet(&set)
		case 15:
			d.ExpectSection(&section)
		case 16:
			d.Partial(&partial)
		case 17:
			d.ExpectFlags(&flags)
		case 18:
			d.List(func() bool { return d.ExpectAString(&s) })
		case 19:
			d.Special(op)
		case 20, 21, 22:
			l := d.Literal()
			if l == nil {
				continue
			}
			if op%26 != 20 && l.Accept() == nil {
				io.CopyN(io.Discard, l, int64(op))
			}
		case 23:
			if l := d.Literal(); l != nil && l.Accept() == nil {
				l.Discard()
			}
		case 24:
			d.Fail("the handler gave up")
		case 25:
			for d.SP() && d.AString(&s) {
			}
		}
	}
}

// FuzzResync reads arbitrary bytes as commands, with arbitrary elements, and compares where each ends with the model. No
// byte of a literal may be the first of a command.
func FuzzResync(f *testing.F) {
	f.Add([]byte("a LOGIN {3+}\r\nabc {4+}\r\na b\n\r\nb NOOP\r\n"), []byte("\x00\x01\x06\x01\x04"), false)
	f.Add([]byte("a APPEND x {20+}\r\nb LOGIN user secret\r\n\r\nc NOOP\r\n"), []byte("\x00\x01\x06\x01\x0a\x01\x15"), false)
	f.Add([]byte("a APPEND x {20}\r\nb LOGIN user secret\r\n\r\nc NOOP\r\n"), []byte("\x00\x01\x06\x01\x0a\x01\x14"), true)
	f.Add([]byte("{1+}\n{2+}\r\n\r\n\"{3+}\r\nabc\n"), []byte("\x19\x18"), true)
	f.Fuzz(func(t *testing.T, in, ops []byte, refuse bool) {
		d := NewDecoder(bufio.NewReaderSize(bytes.NewReader(in), 16))
		d.SetLimits(Limits{Line: 64, String: 32, Strings: 48, Drain: 1 << 30, Depth: 3})
		d.Continue = func(_ int64, nonSync, _ bool) error {
			if refuse || !nonSync {
				return errRefused
			}
			return nil
		}
		for at := 0; at < len(in); {
			if err := d.Begin(); err != nil {
				t.Fatalf("Begin at %d: %v", at, err)
			}
			n := min(len(ops), 12)
			play(d, ops[:n])
			ops = ops[n:]
			d.Peek() // a command nobody looked at is not skipped
			end := commandEnd(in[at:])
			err := d.Resync()
			if end < 0 {
				if err == nil {
					t.Fatalf("%q from %d: the command has no end and Resync found one", in, at)
				}
				return
			}
			if err != nil {
				t.Fatalf("%q from %d: %v", in, at, err)
			}
			left, err := d.br.Peek(d.br.Buffered())
			if err != nil {
				t.Fatal(err)
			}
			at += end
			// What the model says comes next is what the decoder would read next.
			if !bytes.HasPrefix(in[at:], left) {
				t.Fatalf("%q: next command should begin %q, decoder is before %q", in, in[at:], left)
			}
			if len(left) == 0 && at < len(in) {
				p, err := d.br.Peek(1)
				if err != nil || p[0] != in[at] {
					t.Fatalf("%q: next command should begin %q, decoder is before %q", in, in[at:], p)
				}
			}
		}
	})
}
