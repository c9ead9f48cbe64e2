package wire

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func writeFetch(e *Encoder, seq, uid uint32, flags []string) {
	e.Untagged().Number(seq).Atom(" FETCH (UID ").Number(uid).Atom(" FLAGS ").FlagList(flags).Atom(")").CRLF()
}

func BenchmarkFetchFlags(b *testing.B) {
	e := NewEncoder(io.Discard)
	flags := []string{`\Seen`, `\Answered`, "$Forwarded"}
	b.ReportAllocs()
	for i := range b.N {
		writeFetch(e, uint32(i), uint32(i)*3, flags)
		if i%100 == 0 {
			e.Flush()
		}
	}
}

// The hot path of the server must not allocate, whatever else changes.
func TestFetchDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget")
	}
	e := NewEncoder(io.Discard)
	flags := []string{`\Seen`, "$Forwarded"}
	when := time.Date(2024, 2, 1, 3, 4, 5, 0, time.UTC)
	n := testing.AllocsPerRun(100, func() {
		writeFetch(e, 4, 7, flags)
		e.Untagged().BeginList().Item().String("a b").Item().DateTime(when).Item().NIL().EndList().CRLF()
		e.Flush()
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// benchDecode reads the command again and again.
func benchDecode(b *testing.B, cmd string, read func(d *Decoder) bool) {
	r := strings.NewReader(cmd)
	br := bufio.NewReader(r)
	d := NewDecoder(br)
	d.SetLimits(AfterLogin())
	b.ReportAllocs()
	b.SetBytes(int64(len(cmd)))
	for b.Loop() {
		r.Reset(cmd)
		br.Reset(r)
		var tag, verb string
		if err := d.Begin(); err != nil {
			b.Fatal(err)
		}
		if !d.ExpectTag(&tag) || !d.ExpectSP() || !d.ExpectVerb(&verb) || !read(d) || !d.ExpectCRLF() {
			b.Fatal(d.Err())
		}
		if err := d.Resync(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeNoop(b *testing.B) {
	benchDecode(b, "A001 NOOP\r\n", func(*Decoder) bool { return true })
}

func BenchmarkDecodeFetch(b *testing.B) {
	benchDecode(b, "A001 FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\r\n", func(d *Decoder) bool {
		var set NumSet
		var att string
		return d.ExpectSP() && d.ExpectNumSet(&set) && d.ExpectSP() && d.ExpectList(func() bool { return d.ExpectAtt(&att) })
	})
}

// A list of 250,000 UIDs, every second one: nothing can be joined.
func BenchmarkDecodeLongSet(b *testing.B) {
	var set SetBuilder
	for n := uint32(1); set.Ranges().Len() < 250_000; n += 2 {
		set.Add(n)
	}
	benchDecode(b, "A001 X "+set.String()+"\r\n", func(d *Decoder) bool {
		var s NumSet
		return d.ExpectSP() && d.ExpectNumSet(&s) && len(s.Resolve(1<<20)) == 250_000
	})
}

func BenchmarkLiteralReader(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	benchDecode(b, "A001 APPEND {1048576+}\r\n"+string(body)+"\r\n", func(d *Decoder) bool {
		l := d.ExpectSP() && d.ExpectLiteral() != nil && d.lit.Accept() == nil
		_, err := d.lit.WriteTo(io.Discard)
		return l && err == nil
	})
}

func BenchmarkMatch(b *testing.B) {
	p := CompilePattern("%/*/%x", '/')
	b.ReportAllocs()
	for b.Loop() {
		p.Match("Archive/2024/January/Invoices")
	}
}
