package netserve

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/inflate"
)

// deflate compresses text, with a sync flush behind it.
func deflate(t testing.TB, text string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	w.Flush()
	return b.Bytes()
}

// compressor is one way for a client to compress: it returns what there is to send of a line now.
type compressor func(line string) []byte

// compressors are the two ways of zlib to flush that clients use. Behind a partial flush the stream stands within an octet, and no stored
// block tells a reader that it has all.
func compressors(t *testing.T) map[string]compressor {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	var bits inflate.Bits
	return map[string]compressor{
		"sync": func(line string) []byte {
			b.Reset()
			io.WriteString(w, line)
			w.Flush()
			return bytes.Clone(b.Bytes())
		},
		"partial": func(line string) []byte {
			bits.Fixed(line)
			bits.PartialFlush()
			return bits.Rest()
		},
	}
}

// TestCompressedCommandsAreAnswered sends one command after the other, each when the one before was answered, and then several at once, cut into
// pieces anywhere: nothing may stay inside waiting for what comes later.
func TestCompressedCommandsAreAnswered(t *testing.T) {
	for name, compress := range compressors(t) {
		t.Run(name, func(t *testing.T) {
			_, addr := start(t, Config{Handler: echo})
			c := dial(t, addr)
			c.send("compress\r\n")
			c.expect("go ahead")
			c.r = bufio.NewReader(flate.NewReader(c.r))
			r := rand.New(rand.NewPCG(1, 1))
			pieces := func(p []byte) {
				for len(p) > 0 {
					n := 1 + r.IntN(min(len(p), 5))
					if _, err := c.Conn.Write(p[:n]); err != nil {
						t.Fatal(err)
					}
					p = p[n:]
				}
			}
			for i := range 200 {
				pieces(compress(fmt.Sprintf("a%d NOOP\r\n", i)))
				c.expect(fmt.Sprintf("got a%d NOOP", i))
			}
			for i := 0; i < 200; i += 3 {
				pieces(compress(fmt.Sprintf("b%d\r\nc%d\r\nd%d\r\n", i, i, i)))
				for _, l := range "bcd" {
					c.expect(fmt.Sprintf("got %c%d", l, i))
				}
			}
			pieces(compress("half a li"))
			pieces(compress("ne\r\nquit\r\n"))
			c.expect("got half a line")
			c.expect("bye")
		})
	}
}

// TestCompressedWakeLosesNothing wakes the reader at every point of a compressed stream.
func TestCompressedWakeLosesNothing(t *testing.T) {
	const lines = 500
	got := make(chan string, lines)
	wakes := make(chan int, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.ReadLine(100)
		c.Writer().WriteString("go ahead\n")
		if err := c.Compress(); err != nil {
			t.Error(err)
		}
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.Wake()
				}
			}
		}()
		n := 0
		for i := 0; i < lines; {
			var line []byte
			var err error
			if i%2 == 0 {
				err = c.WaitReadable(0)
			}
			if err == nil {
				line, err = c.ReadLine(100)
			}
			if err == ErrWoken {
				n++
				continue
			}
			if err != nil {
				got <- err.Error()
				break
			}
			got <- string(line)
			i++
		}
		wakes <- n
	}})
	c := dial(t, addr)
	c.send("compress\r\n")
	c.expect("go ahead")
	compress := compressors(t)["partial"]
	go func() {
		for i := range lines {
			p := compress(fmt.Sprintf("line number %d\r\n", i))
			c.Conn.Write(p[:i%len(p)])
			c.Conn.Write(p[i%len(p):])
		}
	}()
	for i := range lines {
		if g, want := <-got, fmt.Sprintf("line number %d", i); g != want {
			t.Fatalf("line %d: got %q", i, g)
		}
	}
	if n := <-wakes; n == 0 {
		t.Fatal("the reader was never woken: the test tested nothing")
	}
}

// TestCompressionTakesFilesToo: what would go by sendfile is compressed as well, and large answers are read as they were written.
func TestCompressionTakesFilesToo(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	content := []byte(strings.Repeat("From: somebody\r\nSubject: the same thing again\r\n", 3000))
	for range 50_000 {
		content = append(content, byte(r.Uint32()))
	}
	path := filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	sent := make(chan int64, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		if err := c.Compress(); err != nil {
			t.Error(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		c.Writer().WriteString("begin ")
		io.Copy(c.Writer(), f)
		c.Writer().WriteString("end\n")
		c.Flush()
		_, out := c.Counters()
		sent <- out
	}})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	want := "begin " + string(content) + "end\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(flate.NewReader(nc), got); err != nil || string(got) != want {
		t.Fatalf("got %d octets that differ, %v", len(got), err)
	}
	out := <-sent
	t.Logf("%d octets crossed as %d", len(want), out)
	if out > 70_000 {
		t.Errorf("%d octets crossed as %d", len(want), out)
	}
}

// TestADecompressionBombIsALineTooLong: a thousand octets for one are bounded where all input is.
func TestADecompressionBombIsALineTooLong(t *testing.T) {
	ended := make(chan error, 1)
	in := make(chan int64, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.Compress()
		_, err := c.ReadLine(1000)
		n, _ := c.Counters()
		ended <- err
		in <- n
	}})
	// Made before the connection, whose deadline it may outlast on a busy machine; the server would wait for it in vain.
	bomb := deflate(t, strings.Repeat("a", 50<<20))
	c := dial(t, addr)
	go c.Conn.Write(bomb) // the server does not take all of it
	if err := <-ended; err != ErrFlood {
		t.Fatalf("ReadLine: %v, want ErrFlood", err)
	}
	if n := <-in; n > readBuffer {
		t.Errorf("%d octets of the bomb's %d were read", n, len(bomb))
	}
}

// TestTraceShowsCompressedCommandsWhole: an octet that was decoded to see whether there is more is shown too. A LOGIN without its tag is not
// known for one, and not masked.
func TestTraceShowsCompressedCommandsWhole(t *testing.T) {
	var trace strings.Builder
	done := make(chan struct{})
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		defer close(done)
		c.SetTrace(&trace, false)
		c.Writer().WriteString("* OK ready\n")
		if err := c.Compress(); err != nil {
			t.Error(err)
		}
		if _, err := c.ReadLine(readBuffer); err != nil {
			t.Error(err)
		}
		if c.Buffered() == 0 {
			t.Error("the second line is not there: the test tests nothing")
		}
		if line, err := c.ReadLine(100); err != nil || string(line) != "a LOGIN fred secret" {
			t.Errorf("%q, %v", line, err)
		}
	}})
	c := dial(t, addr)
	c.Conn.Write(deflate(t, "a "+strings.Repeat("x", readBuffer-4)+"\r\na LOGIN fred secret\r\n"))
	<-done
	if !strings.Contains(trace.String(), "a LOGIN ***") || strings.Contains(trace.String(), "secret") {
		t.Errorf("the trace shows: %q", trace.String()[max(0, trace.Len()-100):])
	}
}

func TestCompressionExcludesWhatComesTooLate(t *testing.T) {
	certs, _ := testCerts(t)
	done := make(chan bool)
	_, addr := start(t, Config{TLSConfig: certs.Config, Handler: func(ctx context.Context, c *Conn) {
		defer close(done)
		if err := c.Compress(); err != nil {
			t.Error(err)
		}
		if c.HasTLS() {
			t.Error("TLS is offered within compression")
		}
		if err := c.StartTLS(ctx); err != ErrNoTLS {
			t.Errorf("StartTLS: %v", err)
		}
		if err := c.Compress(); err != ErrCompressed {
			t.Errorf("a second Compress: %v", err)
		}
		if err := c.EndCompression(); err != nil || c.Compressed() || !c.HasTLS() {
			t.Errorf("after its end: %v", err)
		}
	}})
	dial(t, addr)
	<-done
}

// The end of the flush behind the last compressed line may come after the answer, cut anywhere: what follows it is plain.
func TestCompressionEndsInTwoPieces(t *testing.T) {
	for _, name := range []string{"sync", "partial"} {
		for _, line := range []string{"a UNAUTHENTICATE\r\n", "ab UNAUTHENTICATE\r\n", "abcd UNAUTHENTICATE\r\n"} {
			sent := compressors(t)[name](line)
			for cut := range len(sent) + 1 {
				var d inflate.Decoder
				plain := make([]byte, 100)
				if n, _, _ := d.Decode(plain, sent[:cut]); string(plain[:n]) != line {
					continue // the server cannot answer yet
				}
				ended, got := make(chan bool, 1), make(chan string, 1)
				_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
					c.Compress()
					c.ReadLine(100)
					c.EndCompression()
					ended <- true
					l, err := c.ReadLine(100)
					got <- fmt.Sprint(string(l), err)
				}})
				c := dial(t, addr)
				c.Conn.Write(sent[:cut])
				<-ended
				c.Conn.Write(sent[cut:])
				c.send("b LOGIN\r\n")
				if l := <-got; l != "b LOGIN<nil>" {
					t.Errorf("%s, %q cut after %d of %d octets: %q", name, line, cut, len(sent), l)
				}
			}
		}
	}
}

// BenchmarkDeflate is what compressing the answers of a session costs, and what it saves.
func BenchmarkDeflate(b *testing.B) {
	var lines strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&lines, "* %d FETCH (UID %d FLAGS (\\Seen) ENVELOPE (\"Mon, 7 Feb 1994 21:52:25 -0800\" \"Subject %d\" ((\"Fred\" NIL \"fred\" \"example.org\")) NIL))\r\n", i, i*3, i*7)
	}
	answer := []byte(lines.String())
	near, far := net.Pipe()
	go io.Copy(io.Discard, far)
	c := NewConn(near, "bench", nil)
	c.Compress()
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	var out int64
	for b.Loop() {
		_, before := c.Counters()
		c.Writer().Write(answer)
		c.Flush()
		_, after := c.Counters()
		out = after - before
	}
	b.ReportMetric(float64(out)/float64(len(answer)), "ratio")
}
