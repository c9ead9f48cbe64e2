package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEncoder(t *testing.T) {
	long := strings.Repeat("x", maxQuoted+1)
	for _, tt := range []struct {
		write func(e *Encoder)
		want  string
	}{
		{func(e *Encoder) { e.Untagged().Number(4).SP().Atom("EXISTS").CRLF() }, "* 4 EXISTS\r\n"},
		{func(e *Encoder) { e.Number64(1<<63 - 1) }, "9223372036854775807"},
		{func(e *Encoder) { e.String("").SP().NString("").SP().NString("a") }, `"" NIL "a"`},
		{func(e *Encoder) { e.String(`a "b" \c`) }, `"a \"b\" \\c"`},
		{func(e *Encoder) { e.String("a\r\nb") }, "{4}\r\na\r\nb"},
		{func(e *Encoder) { e.String("a\x00") }, "{2}\r\na\x80"},
		{func(e *Encoder) { e.String("\u00e4") }, "{2}\r\n\u00e4"},
		{func(e *Encoder) { e.QuotedUTF8 = true; e.String("\u00e4").String("\xff") }, "\"\u00e4\"{1}\r\n\xff"},
		{func(e *Encoder) { e.String(long) }, "{1001}\r\n" + long},
		{func(e *Encoder) { e.AString("a]b").SP().AString("a b").SP().AString("nil").SP().AString("") }, `a]b "a b" "nil" ""`},
		{func(e *Encoder) { e.Mailbox("Entwürfe").SP().Mailbox("a&b") }, `"Entw&APw-rfe" "a&-b"`},
		{func(e *Encoder) { e.UTF8Names, e.QuotedUTF8 = true, true; e.Mailbox("Entwürfe&") }, `"Entwürfe&"`},
		{func(e *Encoder) { e.Quoted("a\r\nb\u00e4") }, `"a  b?"`},
		{func(e *Encoder) { e.Text("bad\r\n* BYE\x00\x7f \u00e4\u2028") }, "bad  * BYE   ??"},
		{func(e *Encoder) { e.QuotedUTF8 = true; e.Text("\u00e4\u2028\u0085\xff") }, "\u00e4??\ufffd"},
		{func(e *Encoder) { e.Status("a", "NO", "INUSE", "") }, "a NO [INUSE] Done\r\n"},
		{func(e *Encoder) { e.Status("*", "OK", "", "[x]") }, "* OK  [x]\r\n"},
		{func(e *Encoder) { e.FlagList([]string{`\Seen`, "a b", `\*`, `\x(`}).FlagList(nil) }, `(\Seen a_b \* \x_)()`},
		{func(e *Encoder) {
			e.BeginList()
			e.Item().Atom("A")
			e.Item().BeginList()
			e.Item().Atom("B")
			e.Item().Number(1)
			e.EndList()
			e.Item().BeginList().EndList().EndList()
		}, "(A (B 1) ())"},
		{func(e *Encoder) { e.List(3, func(i int) { e.Number(uint32(i)) }) }, "(0 1 2)"},
		{func(e *Encoder) { e.DateTime(time.Date(2024, 2, 1, 3, 4, 5, 0, time.FixedZone("", -5*3600))) }, `"01-Feb-2024 03:04:05 -0500"`},
		{func(e *Encoder) { e.DateTime(time.Date(12024, 2, 1, 3, 4, 5, 0, time.UTC)) }, `"01-Jan-1970 00:00:00 +0000"`},
		{func(e *Encoder) { e.NumSet(NumSet{Saved: true}).SP().Ranges(Ranges{{1, 3}, {5, 5}}) }, "$ 1:3,5"},
		{func(e *Encoder) { e.Literal([]byte("a\x00")).Literal8([]byte("a\x00")) }, "{2}\r\na\x80~{2}\r\na\x00"},
		{func(e *Encoder) { e.LiteralHeader(3).Stream(strings.NewReader("abcdef"), 3).Atom(")") }, "{3}\r\nabc)"},
		{func(e *Encoder) {
			e.Section(Section{Part: []uint32{1, 2}, Text: "HEADER.FIELDS", Fields: []string{"A", "b c"}})
		}, `[1.2.HEADER.FIELDS (A "b c")]`},
	} {
		var b bytes.Buffer
		e := NewEncoder(&b)
		tt.write(e)
		if e.Offset() != int64(len(tt.want)) || b.Len() != 0 {
			t.Errorf("%q: offset %d, written early %q", tt.want, e.Offset(), &b)
		}
		if err := e.Flush(); err != nil || b.String() != tt.want {
			t.Errorf("got %q %v, want %q", &b, err, tt.want)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	var b bytes.Buffer
	e := NewEncoder(&b)
	e.QuotedUTF8 = true
	e.Text(strings.Repeat("\u00e4", 5000)).Quoted(strings.Repeat("a", 5000))
	if err := e.Flush(); err != nil || b.Len() > 2*maxText+2 || !strings.HasSuffix(strings.TrimRight(b.String(), `a"`), "\u00e4") {
		t.Error(b.Len(), err)
	}
}

// writes notes each Write.
type writes struct {
	sizes []int
	fail  error
	flush int
}

func (w *writes) Write(p []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	w.sizes = append(w.sizes, len(p))
	return len(p), nil
}

func (w *writes) Flush() error { w.flush++; return w.fail }

func TestFewWrites(t *testing.T) {
	w := new(writes)
	e := NewEncoder(w)
	total := 0
	for i := range 10_000 {
		e.Untagged().Number(uint32(i)).SP().Atom("EXPUNGE").CRLF()
	}
	total = int(e.Offset())
	if err := e.Flush(); err != nil || w.flush != 1 {
		t.Fatal(err, w.flush)
	}
	if len(w.sizes) > total/flushAt+1 {
		t.Errorf("%d writes for %d bytes", len(w.sizes), total)
	}
	if e.own != nil || e.buf != nil {
		t.Error("an idle encoder keeps its buffer")
	}
}

// One response alone must not grow the buffer for ever.
func TestLongResponse(t *testing.T) {
	w := new(writes)
	e := NewEncoder(w)
	e.Untagged().BeginList()
	for range 100_000 {
		e.Item().Number(123456)
		if len(e.buf) > 3*flushAt {
			t.Fatalf("%d bytes gathered", len(e.buf))
		}
	}
	e.EndList().CRLF()
	total := 0
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.sizes {
		total += n
	}
	if total != len("* (")+100_000*7-1+len(")\r\n") || int64(total) != e.Offset() {
		t.Errorf("%d bytes written, offset %d", total, e.Offset())
	}
}

func TestEncoderError(t *testing.T) {
	w := &writes{fail: io.ErrClosedPipe}
	e := NewEncoder(w)
	for range 10_000 {
		e.Untagged().Atom("a response that goes nowhere").CRLF()
	}
	if len(e.buf) > flushAt+100 {
		t.Errorf("%d bytes gathered for a dead client", len(e.buf))
	}
	e.LiteralHeader(1<<20).Stream(strings.NewReader(""), 1<<20)
	if !errors.Is(e.Flush(), io.ErrClosedPipe) || !errors.Is(e.Err(), io.ErrClosedPipe) {
		t.Error(e.Err())
	}
	e.Reset(new(writes))
	if e.Untagged().Flush() != nil {
		t.Error(e.Err())
	}
}

// A literal that cannot be sent whole must break the connection: the client counts bytes.
func TestStreamShort(t *testing.T) {
	for _, size := range []int64{10, inlineLiteral + 10} {
		var b bytes.Buffer
		e := NewEncoder(&b)
		e.LiteralHeader(size).Stream(strings.NewReader("abc"), size).Atom(")").CRLF()
		if err := e.Flush(); !errors.Is(err, ErrShortLiteral) {
			t.Errorf("%d: %v", size, err)
		}
		if strings.Contains(b.String(), ")") {
			t.Errorf("%d: sent %q after the gap", size, &b)
		}
	}
}

// readFrom notes whether a body came by ReadFrom, which is how a socket sends a file without copying.
type readFrom struct {
	bytes.Buffer
	from []io.Reader
}

func (w *readFrom) ReadFrom(r io.Reader) (int64, error) {
	w.from = append(w.from, r)
	return w.Buffer.ReadFrom(r)
}

func TestStreamFile(t *testing.T) {
	body := strings.Repeat("0123456789", 10_000)
	name := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var w readFrom
	e := NewEncoder(&w)
	e.Untagged().LiteralHeader(50_000).Stream(f, 50_000).Atom(")").CRLF()
	if err := e.Flush(); err != nil || w.String() != "* {50000}\r\n"+body[:50_000]+")\r\n" {
		t.Errorf("%d bytes, %v", w.Len(), err)
	}
	if len(w.from) != 1 {
		t.Fatalf("%d calls of ReadFrom", len(w.from))
	}
	if l, ok := w.from[0].(*io.LimitedReader); !ok || l.R != io.Reader(f) {
		t.Errorf("the socket got a %T, from which it cannot sendfile", w.from[0])
	}
}

// What the encoder writes, the decoder reads: strings of all kinds survive.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{"", "a", "NIL", `"\`, "a\r\nb", "\u00e4", "\xff", strings.Repeat("x", 2000)} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, utf8 bool) {
		var b bytes.Buffer
		e := NewEncoder(&b)
		e.QuotedUTF8 = utf8
		e.String(s).SP().AString(s).SP().Quoted(s).SP().Flag("x"+s).SP().Mailbox(s).CRLF().Status("*", "OK", "", s)
		if err := e.Flush(); err != nil {
			t.Fatal(err)
		}
		wire := b.String()
		d := NewDecoder(bufio.NewReader(&b))
		d.SetLimits(Limits{Line: 1 << 30, String: 1 << 30, Strings: 1 << 30, Drain: 1 << 30, Depth: 1})
		d.QuotedUTF8 = utf8
		d.Continue = func(int64, bool, bool) error { return nil }
		if err := d.Begin(); err != nil {
			t.Fatal(err)
		}
		var s1, s2, s3, flag, box string
		if !d.ExpectString(&s1) || !d.ExpectSP() || !d.ExpectAString(&s2) || !d.ExpectSP() || !d.ExpectQuoted(&s3) || !d.ExpectSP() ||
			!d.ExpectFlag(&flag) || !d.ExpectSP() || !d.ExpectMailbox(&box) || !d.ExpectCRLF() {
			t.Fatalf("%q: %v", wire, d.Err())
		}
		want := strings.ReplaceAll(s, "\x00", "\x80")
		if s1 != want || s2 != want {
			t.Fatalf("%q came back as %q and %q", s, s1, s2)
		}
		if strings.ToValidUTF8(s, "") == s && box != s {
			t.Fatalf("mailbox %q came back as %q", s, box)
		}
		line, err := d.ReadLine(2000)
		if err != nil || d.Begin() != nil {
			t.Fatalf("status: %q %v", line, err)
		}
		if d.Peek(); d.IOErr() != io.EOF {
			t.Fatalf("%q: more than one line", wire)
		}
	})
}
