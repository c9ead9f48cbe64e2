package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// pieces decodes src handed over in pieces of the given size, into buffers of another.
func pieces(src []byte, in, out int) (got []byte, err error) {
	var d Decoder
	buf := make([]byte, out)
	for {
		piece := src[:min(in, len(src))]
		n, taken, err := d.Decode(buf, piece)
		got = append(got, buf[:n]...)
		src = src[taken:]
		if err != nil {
			return got, err
		}
		if n == 0 && taken < len(piece) {
			return got, fmt.Errorf("neither full nor finished: %d of %d written, %d of %d taken", n, len(buf), taken, len(piece))
		}
		if n == 0 && len(src) == 0 {
			return got, nil
		}
	}
}

func sample(r *rand.Rand, size int) []byte {
	words := strings.Fields("FETCH (UID 17 FLAGS \\Seen) BODY[] {314} the quick brown fox jumps over a lazy dog \r\n * OK")
	var b bytes.Buffer
	for b.Len() < size {
		if r.IntN(8) == 0 {
			for range r.IntN(300) {
				b.WriteByte(byte(r.Uint32()))
			}
		}
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.Bytes()
}

func TestDecodesWhatTheLibraryEncodes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
		for _, size := range []int{0, 1, 100, 5000, 200_000} {
			plain := sample(r, size)
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			for rest := plain; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(size))
				w.Write(rest[:n])
				w.Flush()
				rest = rest[n:]
			}
			w.Close()
			for _, in := range []int{1, 3, 1000, 1 << 20} {
				for _, out := range []int{1, 7, 4096} {
					got, err := pieces(b.Bytes(), in, out)
					if err != io.EOF || !bytes.Equal(got, plain) {
						t.Fatalf("level %d, %d octets by %d into %d: %d octets, %v", level, size, in, out, len(got), err)
					}
				}
			}
		}
	}
}

// TestGivesOutEverythingAtOnce: after the octets of a flush of any kind, and even of none, what they say is there.
func TestGivesOutEverythingAtOnce(t *testing.T) {
	var d Decoder
	var w Bits
	buf := make([]byte, 100)
	// The fixed code, literals only, written by hand: what zlib's partial flush ends is a block whose end is not at an octet's.
	for _, line := range []string{"a NOOP\r\n", "b CAPABILITY\r\n", "c LOGOUT\r\n"} {
		w.Fixed(line)
		w.PartialFlush()
		n, _, err := d.Decode(buf, w.Rest())
		if err != nil || string(buf[:n]) != line {
			t.Fatalf("got %q, %v; want %q", buf[:n], err, line)
		}
	}
}

func TestTheWindowGrowsWithTheStream(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	decode := func(d *Decoder) {
		buf := make([]byte, 4096)
		for src := b.Bytes(); ; {
			n, taken, err := d.Decode(buf, src)
			if err != nil {
				t.Fatal(err)
			}
			if src = src[taken:]; n < len(buf) && len(src) == 0 {
				break
			}
		}
		b.Reset()
	}
	var d Decoder
	w.Write(make([]byte, 1000))
	w.Flush()
	decode(&d)
	if n := len(d.window.ring); n != 1024 {
		t.Errorf("1000 octets of history are kept in %d", n)
	}
	w.Write(make([]byte, 1<<20))
	w.Flush()
	decode(&d)
	if n := len(d.window.ring); n != maxWindow {
		t.Errorf("a long history is kept in %d", n)
	}
	if d.t != nil {
		t.Error("tables are kept between blocks")
	}
}

func TestRefusesWhatIsCorrupt(t *testing.T) {
	for _, src := range []string{
		"\x07",                     // a block of the kind that there is not
		"\x01\x05\x00\x00\x00",     // lengths that are not each other's complement
		"\x03\x02\x00\x00",         // a distance before the beginning (fixed code)
		"\xfd\xff\xff\xff\xff\xff", // too many literals
	} {
		got, err := pieces([]byte(src), 1, 10)
		_, want := io.ReadAll(flate.NewReader(strings.NewReader(src)))
		if want == nil {
			t.Errorf("%x: the library takes it", src)
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x: %q, %v", src, got, err)
		}
	}
}

// FuzzDecode compares with the library: the same octets, and the same verdict, however the input is cut.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, level := range []int{flate.HuffmanOnly, 0, 1, 6} {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, level)
		w.Write(sample(r, 500))
		w.Flush()
		w.Write(sample(r, 500))
		w.Close()
		f.Add(b.Bytes(), uint8(3), uint8(5))
	}
	f.Fuzz(func(t *testing.T, src []byte, in, out uint8) {
		got, err := pieces(src, 1+int(in), 1+int(out))
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(src)), 1<<20))
		if len(got) > 1<<20 {
			got = got[:1<<20]
		}
		switch {
		case wantErr == nil && len(want) < 1<<20 && err != io.EOF:
			t.Fatalf("the library ends, we: %v", err)
		case wantErr == nil && !bytes.Equal(got, want), !bytes.HasPrefix(got, want) && !bytes.HasPrefix(want, got):
			t.Fatalf("got %q, the library %q", got, want)
		}
		var corrupt flate.CorruptInputError
		if errors.As(wantErr, &corrupt) && err == io.EOF {
			t.Fatalf("the library says %v, we take it", wantErr)
		}
	})
}
