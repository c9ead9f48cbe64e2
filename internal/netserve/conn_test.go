package netserve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	_, addr := start(t, Config{Handler: echo})
	c := dial(t, addr)
	c.send("one\r\ntwo\nthree\r\n" + strings.Repeat("x", 100) + "\r\n")
	c.expect("got one")
	c.expect("got two")
	c.expect("got three")
	c.expect("got " + strings.Repeat("x", 100))
	c.send(strings.Repeat("y", 101) + "\r\nafter\r\n")
	c.expect("too long")
	c.expect("got after")
	c.send(strings.Repeat("z", 6000) + "\r\nstill in step\r\n")
	c.expect("too long")
	c.expect("got still in step")
	c.send("\r\n")
	c.expect("got ")
	c.send("quit\r\nignored\r\n")
	c.expect("bye")
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Fatalf("after bye: %v, want EOF: unread input must not turn the goodbye into a reset", err)
	}
}

func TestEndlessLineEndsTheStream(t *testing.T) {
	ended := make(chan error, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		_, err := c.ReadLine(10)
		ended <- err
	}})
	c := dial(t, addr)
	go io.WriteString(c.Conn, strings.Repeat("a", 1<<20))
	if err := <-ended; err != ErrFlood {
		t.Fatalf("ReadLine: %v, want ErrFlood", err)
	}
}

// TestWakeLosesNothing wakes a connection again and again while a client sends numbered lines in odd pieces, in clear text and under
// TLS, so that wakes fall at every point: between lines, in the middle of one, in the middle of a TLS record.
func TestWakeLosesNothing(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			certs, clientTLS := testCerts(t)
			const lines = 2000
			got := make(chan string, lines)
			woken := make(chan int, 1)
			_, addr := start(t, Config{
				Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0", TLS: secure}}, TLSConfig: certs.Config,
				Handler: func(ctx context.Context, c *Conn) {
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
					wakes := 0
					for i := 0; i < lines; {
						if i%2 == 0 {
							if err := c.WaitReadable(0); err == ErrWoken {
								wakes++
								continue
							}
						}
						line, err := c.ReadLine(100)
						if err == ErrWoken {
							wakes++
							continue
						}
						if err != nil {
							got <- err.Error()
							break
						}
						got <- string(line)
						i++
					}
					woken <- wakes
				}})
			c := dial(t, addr)
			var w net.Conn = c
			if secure {
				// slowly forwards the records in small pieces, so that reads end inside of them
				near, far := net.Pipe()
				go trickle(c.Conn, far)
				tc := tls.Client(splice{near, c.Conn}, clientTLS)
				if err := tc.Handshake(); err != nil {
					t.Fatal(err)
				}
				w = tc
			}
			go func() {
				for i := range lines {
					s := fmt.Sprintf("line number %d\r\n", i)
					cut := i % len(s)
					io.WriteString(w, s[:cut])
					io.WriteString(w, s[cut:])
				}
			}()
			for i := range lines {
				if g, want := <-got, fmt.Sprintf("line number %d", i); g != want {
					t.Fatalf("line %d: got %q", i, g)
				}
			}
			if n := <-woken; n == 0 {
				t.Fatal("the reader was never woken: the test tested nothing")
			} else {
				t.Logf("%d wakes", n)
			}
		})
	}
}

// trickle copies in pieces of 7 octets.
func trickle(dst io.Writer, src io.Reader) {
	buf := make([]byte, 7)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// splice writes to one connection and reads from another.
type splice struct {
	net.Conn
	r net.Conn
}

func (s splice) Read(p []byte) (int, error)         { return s.r.Read(p) }
func (s splice) SetReadDeadline(time.Time) error    { return nil }
func (s splice) SetDeadline(d time.Time) error      { return nil }
func (s splice) SetWriteDeadline(d time.Time) error { return nil }

// TestWakeSparesLiterals: a read from Reader is not cut by Wake; the wake comes with the next wait.
func TestWakeSparesLiterals(t *testing.T) {
	result := make(chan string, 3)
	reading := make(chan *Conn, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		reading <- c
		buf := make([]byte, 10)
		_, err := io.ReadFull(c.Reader(), buf)
		result <- fmt.Sprintf("%s %v", buf, err)
		_, err = c.ReadLine(10)
		result <- fmt.Sprint(err)
		line, err := c.ReadLine(10)
		result <- fmt.Sprintf("%s %v", line, err)
	}})
	c := dial(t, addr)
	conn := <-reading
	c.send("01234")
	conn.Wake()
	c.send("56789")
	for _, want := range []string{"0123456789 <nil>", ErrWoken.Error()} {
		if got := <-result; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	c.send("line\r\n")
	if got := <-result; got != "line <nil>" {
		t.Fatalf("got %q", got)
	}
}

func TestStartTLSDropsClearText(t *testing.T) {
	certs, clientTLS := testCerts(t)
	_, addr := start(t, Config{Handler: echo, TLSConfig: certs.Config})
	c := dial(t, addr)
	// "injected" comes in one segment with the command: in the buffer when the command runs.
	c.send("starttls\r\ninjected\r\n")
	c.expect("go ahead")
	s := c.startTLS(clientTLS)
	s.send("protected\r\n")
	s.expect("got protected")
	s.send("starttls\r\n")
	s.expect("go ahead") // the handler says so, and StartTLS then refuses: TLS is active
	if _, err := s.r.ReadByte(); err == nil {
		t.Fatal("a second StartTLS was accepted")
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	states := make(chan bool, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		states <- c.HasTLS()
		if err := c.StartTLS(ctx); !errors.Is(err, ErrNoTLS) {
			t.Errorf("StartTLS: %v", err)
		}
	}})
	dial(t, addr)
	if <-states {
		t.Error("HasTLS without a certificate")
	}
}

func TestTimeouts(t *testing.T) {
	ends := make(chan error, 2)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.SetReadTimeout(20 * time.Millisecond)
		ends <- c.WaitReadable(0)
		c.SetReadTimeout(time.Hour)
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		ends <- c.WaitReadable(0)
	}})
	dial(t, addr)
	for range 2 {
		if err := <-ends; err != ErrTimeout {
			t.Fatalf("got %v, want ErrTimeout", err)
		}
	}
}

func TestWriteTimeoutFreesTheHandler(t *testing.T) {
	ends := make(chan error, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.SetWriteTimeout(50 * time.Millisecond)
		var err error
		for err == nil {
			_, err = c.Writer().Write(make([]byte, 1<<20))
		}
		ends <- err
	}})
	dial(t, addr) // never reads
	select {
	case err := <-ends:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v, want a timeout", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a client that does not read holds the handler")
	}
}

// TestFileGoesOutWhole sends a file behind buffered text, in clear text (sendfile) and under TLS, cut by a LimitedReader.
func TestFileGoesOutWhole(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	name := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(name, body, 0o600); err != nil {
		t.Fatal(err)
	}
	certs, clientTLS := testCerts(t)
	for _, secure := range []bool{false, true} {
		sent := make(chan int64, 1)
		_, addr := start(t, Config{
			Listeners: []Listener{{Name: "test", Address: "127.0.0.1:0", TLS: secure}}, TLSConfig: certs.Config,
			Handler: func(ctx context.Context, c *Conn) {
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				c.Writer().WriteString("head\n")
				n, err := io.Copy(c.Writer(), io.LimitReader(f, int64(len(body)-6)))
				if err != nil || n != int64(len(body)-6) {
					t.Errorf("copy: %d, %v", n, err)
				}
				c.Writer().WriteString("\ntail\n")
				c.Flush()
				_, out := c.Counters()
				sent <- out
			}})
		c := dial(t, addr)
		if secure {
			c = c.startTLS(clientTLS)
		}
		got, err := io.ReadAll(c.r)
		want := "head\n" + string(body[:len(body)-6]) + "\ntail\n"
		if err != nil || string(got) != want {
			t.Fatalf("tls=%v: got %d octets (%v), want %d", secure, len(got), err, len(want))
		}
		if n := <-sent; n != int64(len(want)) {
			t.Errorf("tls=%v: counted %d octets out, want %d", secure, n, len(want))
		}
	}
}

func TestCloseAfterEndsAStuckRead(t *testing.T) {
	ends := make(chan error, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.CloseAfter(time.Millisecond)
		_, err := io.ReadFull(c.Reader(), make([]byte, 10))
		ends <- err
	}})
	dial(t, addr)
	if err := <-ends; err == nil {
		t.Fatal("the read succeeded")
	}
}

func TestLivePeerIsNotUnresponsive(t *testing.T) {
	states := make(chan bool, 1)
	_, addr := start(t, Config{Handler: func(ctx context.Context, c *Conn) {
		c.Writer().WriteString("hello\n")
		c.Flush()
		c.ReadLine(10)
		states <- c.Unresponsive()
	}})
	c := dial(t, addr)
	c.expect("hello")
	c.send("x\r\n")
	if <-states {
		t.Error("a peer that has just answered counts as dead")
	}
}

// TestStartTLSDropsWhatLiesInTheKernel: clear text that came in a segment of its own, after the command was read and before the answer.
func TestStartTLSDropsWhatLiesInTheKernel(t *testing.T) {
	certs, clientTLS := testCerts(t)
	commandRead, injected := make(chan bool), make(chan bool)
	_, addr := start(t, Config{TLSConfig: certs.Config, Handler: func(ctx context.Context, c *Conn) {
		c.ReadLine(100)
		commandRead <- true
		<-injected
		c.Writer().WriteString("go ahead\n")
		if err := c.StartTLS(ctx); err != nil {
			t.Errorf("StartTLS: %v", err)
			return
		}
		line, err := c.ReadLine(100)
		fmt.Fprintf(c.Writer(), "got %s %v\n", line, err)
	}})
	c := dial(t, addr)
	c.send("starttls\r\n")
	<-commandRead
	c.send("injected\r\n")
	injected <- true
	c.expect("go ahead")
	s := c.startTLS(clientTLS)
	s.send("protected\r\n")
	s.expect("got protected <nil>")
}
