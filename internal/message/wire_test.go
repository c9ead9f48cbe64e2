package message

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var wireSamples = []struct {
	name, disk, wire, pop3 string
	kind                   Kind
	lines                  int64
}{
	{"pure", "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n", Known, 3},
	{"lf", "A: b\n\nx\n", "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n", Known | BareLF, 3},
	{"mixed", "A: b\r\n\nx\r\n", "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n", Known | BareLF, 3},
	{"lone cr", "A: b\r\n\r\nx\ry\r\n", "A: b\r\n\r\nx\ry\r\n", "A: b\r\n\r\nx\ry\r\n", Known | BareCR, 3},
	{"crcrlf", "A: b\r\n\r\r\n\r\n", "A: b\r\n\r\r\n\r\n", "A: b\r\n\r\r\n\r\n", Known | BareCR, 3},
	{"only cr", "\r\r\r", "\r\r\r", "\r\r\r\r\n\r\n", Known | BareCR | NoFinalEOL | NoEOH, 0},
	{"nul", "A: \x00\r\n\r\n", "A: \x80\r\n\r\n", "A: \x80\r\n\r\n", Known | NUL, 2},
	{"dots", ".\r\n\r\n.\r\n..\r\nx.\r\n", ".\r\n\r\n.\r\n..\r\nx.\r\n", "..\r\n\r\n..\r\n...\r\nx.\r\n", Known | LeadingDot, 5},
	{"dot behind lone cr", "A\r\n\r\n\r.\r\n", "A\r\n\r\n\r.\r\n", "A\r\n\r\n\r.\r\n", Known | BareCR, 3},
	{"unended", "A: b\r\n\r\nx", "A: b\r\n\r\nx", "A: b\r\n\r\nx\r\n", Known | NoFinalEOL, 2},
	{"unended with cr", "A: b\r\n\r\nx\r", "A: b\r\n\r\nx\r", "A: b\r\n\r\nx\r\r\n", Known | NoFinalEOL | BareCR, 2},
	{"header only", "A: b\r\n", "A: b\r\n", "A: b\r\n\r\n", Known | NoEOH, 1},
	{"header only, unended", "A: b", "A: b", "A: b\r\n\r\n", Known | NoEOH | NoFinalEOL, 0},
	{"header only, lf and dot", ".A\n", ".A\r\n", "..A\r\n\r\n", Known | NoEOH | BareLF | LeadingDot, 1},
	{"empty", "", "", "\r\n", Known | NoEOH, 0},
	{"begins with the empty line", "\r\nx\r\n", "\r\nx\r\n", "\r\nx\r\n", Known, 2},
	{"eight bit", "A: \xe4\r\n\r\n", "A: \xe4\r\n\r\n", "A: \xe4\r\n\r\n", Known | EightBit, 2},
}

func TestWireForms(t *testing.T) {
	for _, s := range wireSamples {
		t.Run(s.name, func(t *testing.T) {
			f := ScanBytes([]byte(s.disk))
			if f.Kind != s.kind || f.Lines != s.lines {
				t.Errorf("kind %v lines %d, want %v %d", f.Kind, f.Lines, s.kind, s.lines)
			}
			if got := readAll(t, NewWireReader(strings.NewReader(s.disk))); got != s.wire {
				t.Errorf("wire %q, want %q", got, s.wire)
			}
			var out strings.Builder
			if err := WritePOP3(&out, strings.NewReader(s.wire), f); err != nil || out.String() != s.pop3 {
				t.Errorf("pop3 %q %v, want %q", out.String(), err, s.pop3)
			}
			checkWireLaws(t, []byte(s.disk))
		})
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkWireLaws checks what holds for all bytes.
func checkWireLaws(t *testing.T, disk []byte) {
	t.Helper()
	f := ScanBytes(disk)
	var one Scanner
	for i := range disk {
		one.Write(disk[i : i+1])
	}
	if got := one.Facts(); got != f {
		t.Errorf("facts by pieces %+v, at once %+v", got, f)
	}
	wire := readAll(t, NewWireReader(bytes.NewReader(disk)))
	if int64(len(wire)) != f.Wire || int64(len(disk)) != f.Disk {
		t.Errorf("wire size %d, facts %+v", len(wire), f)
	}
	if slow := readAll(t, iotest.OneByteReader(NewWireReader(iotest.OneByteReader(bytes.NewReader(disk))))); slow != wire {
		t.Errorf("wire by single bytes %q, at once %q", slow, wire)
	}
	if got := string(WireBytes(disk)); got != wire {
		t.Errorf("WireBytes %q, reader %q", got, wire)
	}
	if f.Kind.Direct() != (wire == string(disk)) {
		t.Errorf("direct is %v", f.Kind.Direct())
	}
	again := ScanBytes([]byte(wire))
	if !again.Kind.Direct() || again.Wire != f.Wire || again.Lines != f.Lines || again.POP3Octets() != f.POP3Octets() {
		t.Errorf("wire form has facts %+v, disk %+v", again, f)
	}
	if got := readAll(t, NewCRLFReader(bytes.NewReader(disk))); strings.ReplaceAll(got, "\x00", "\x80") != wire {
		t.Errorf("crlf form %q, wire %q", got, wire)
	}

	// RETR: with facts and without them the same; taken apart by a client it is the message.
	var known, unknown strings.Builder
	if err := WritePOP3(&known, strings.NewReader(wire), f); err != nil {
		t.Fatal(err)
	}
	if err := WritePOP3(&unknown, iotest.OneByteReader(strings.NewReader(wire)), Facts{}); err != nil {
		t.Fatal(err)
	}
	if known.String() != unknown.String() {
		t.Errorf("with facts %q, without %q", known.String(), unknown.String())
	}
	sent := known.String()
	got := unstuff(t, sent)
	if int64(len(got)) != f.POP3Octets() {
		t.Errorf("%d octets sent, %d announced", len(got), f.POP3Octets())
	}
	if f.Kind.DirectPOP3() != (sent == string(disk)) {
		t.Errorf("DirectPOP3 is %v", f.Kind.DirectPOP3())
	}
	if rest, ok := strings.CutPrefix(got, wire); !ok || strings.Trim(rest, "\r\n") != "" {
		t.Errorf("client got %q of %q", got, wire)
	}
	if !strings.Contains("\r\n"+got, "\r\n\r\n") {
		t.Errorf("no end of header in %q", got)
	}

	// TOP: a header and n lines of what RETR sends.
	head := strings.Index("\r\n"+got, "\r\n\r\n") + 2
	for n := range int64(4) {
		var top strings.Builder
		if err := WritePOP3Top(&top, strings.NewReader(wire), n, f); err != nil {
			t.Fatal(err)
		}
		want := head
		for range n {
			if i := strings.IndexByte(got[want:], '\n'); i >= 0 {
				want += i + 1
			} else {
				want = len(got)
			}
		}
		if s := unstuff(t, top.String()); s != got[:want] {
			t.Errorf("TOP %d gives %q, want %q", n, s, got[:want])
		}
	}
	var all strings.Builder
	if err := WritePOP3Top(&all, strings.NewReader(wire), -1, f); err != nil || all.String() != sent {
		t.Errorf("TOP of all is %q, want %q", all.String(), sent)
	}
}

// unstuff reads the multi-line form as a client does.
func unstuff(t *testing.T, s string) string {
	t.Helper()
	if s != "" && !strings.HasSuffix(s, "\n") {
		t.Errorf("last line is not ended: %q", s)
	}
	var b strings.Builder
	for _, line := range strings.SplitAfter(s, "\n") {
		if line == ".\r\n" || line == ".\n" {
			t.Errorf("ends too early: %q", s)
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	return b.String()
}

func TestWirePiecesAcrossBuffers(t *testing.T) {
	for _, line := range []string{"\n", "x\n", "\r\n", ".\n", strings.Repeat("y", 63) + "\n", strings.Repeat("z", 40_000) + "\n", "\r", "\x00"} {
		checkWireLaws(t, []byte("A: b\n\n"+strings.Repeat(line, 80_000/len(line))))
	}
}

func TestWritePOP3Changed(t *testing.T) {
	f := ScanBytes([]byte("A: b\r\n\r\nbody\r\n"))
	for _, changed := range []string{"A: b\r\n\r\nbo", "A: b\r\n\r\nbody\r\nmore\r\n", ""} {
		if err := WritePOP3(io.Discard, strings.NewReader(changed), f); !errors.Is(err, ErrChanged) {
			t.Errorf("%q: %v", changed, err)
		}
	}
}

func TestWritePOP3Errors(t *testing.T) {
	broken := errors.New("broken")
	for _, f := range []Facts{{}, {Kind: Known | LeadingDot, Wire: 10}, {Kind: Known, Wire: 10}} {
		if err := WritePOP3(io.Discard, iotest.ErrReader(broken), f); !errors.Is(err, broken) {
			t.Errorf("read: %v", err)
		}
		if err := WritePOP3(failingWriter{broken}, strings.NewReader("0123456789"), f); !errors.Is(err, broken) {
			t.Errorf("write: %v", err)
		}
	}
	if _, err := io.ReadAll(NewWireReader(iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("wire reader: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestTopReadsNoFurther(t *testing.T) {
	r := io.MultiReader(strings.NewReader("A: b\r\n\r\nline\r\n"), iotest.ErrReader(errors.New("read too far")))
	var b strings.Builder
	if err := WritePOP3Top(&b, r, 1, Facts{}); err != nil || b.String() != "A: b\r\n\r\nline\r\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}

func FuzzWire(f *testing.F) {
	for _, s := range wireSamples {
		f.Add([]byte(s.disk))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkWireLaws(t, b) })
}
