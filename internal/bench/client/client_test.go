package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// serve answers each line that it reads with the next of its answers, after the greeting.
func serve(t *testing.T, greeting string, answers ...string) Dialer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		r := bufio.NewReader(nc)
		io.WriteString(nc, greeting)
		for _, a := range answers {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
			io.WriteString(nc, a)
		}
		io.Copy(io.Discard, r)
	}()
	return Dialer{Addr: l.Addr().String(), Buffer: 16} // so that every line is longer than the buffer
}

func TestIMAPCutsLiteralsOut(t *testing.T) {
	ctx := context.Background()
	d := serve(t, "* OK hello there, this is longer than the buffer\r\n",
		"* 1 FETCH (UID 1 BODY[HEADER] {5}\r\nabc\r\n BODY[TEXT] {3}\r\n)\r\n FLAGS (\\Seen))\r\n* 2 FETCH (BODY[] {0}\r\n)\r\na1 OK done\r\n",
		"* BYE over\r\n", "")
	c, err := d.IMAP(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var lines []string
	var octets int64
	var sum uint32
	if err := c.Do("FETCH 1:* BODY[]", func(l Line) error {
		lines = append(lines, fmt.Sprintf("%s|%d", l.Text, l.Literals))
		octets += l.Octets
		sum += l.Sum
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{`* 1 FETCH (UID 1 BODY[HEADER] {5} BODY[TEXT] {3} FLAGS (\Seen))|2`, `* 2 FETCH (BODY[] {0})|1`}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines %q", lines)
	}
	if octets != 8 || sum != Sum([]byte("abc\r\n"))+Sum([]byte(")\r\n")) {
		t.Errorf("%d octets, sum %x", octets, sum)
	}
	if err := c.Do("NOOP", nil); err == nil || !strings.Contains(err.Error(), "BYE") {
		t.Errorf("after BYE: %v", err)
	}
}

func TestIMAPRefusesWrongAnswers(t *testing.T) {
	for _, answer := range []string{"a1 NO not now\r\n", "a1 BAD what\r\n", "a2 OK too early\r\n", "a1 OK no end\n", "* 1 FETCH (BODY[] {9}\r\nabc\r\n"} {
		c, err := serve(t, "* OK\r\n", answer, "").IMAP(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(answer, "{9}") {
			c.nc.(*net.TCPConn).CloseWrite()
		}
		if err := c.Do("NOOP", nil); err == nil {
			t.Errorf("%q was taken for OK", answer)
		}
		c.Close()
	}
}

func TestNumbered(t *testing.T) {
	for text, want := range map[string]int{"* 12 EXISTS": 12, "* 3 FETCH (UID 1)": -1, "* 4 EXISTSX": -1, "* EXISTS": -1, "+ 4 EXISTS": -1, "* 5": -1, "* 7 EXISTS ": 7} {
		n, ok := Numbered([]byte(text), "EXISTS")
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d", text, n)
		}
	}
}

// A body arrives in pieces of any size; what was stuffed must be found in all of them.
func TestPOP3BodyInPieces(t *testing.T) {
	message := "Subject: dots\r\n\r\n.\r\n..two\r\n.a\r\nline\r\n.\r\n"
	wire := string(Stuff([]byte(message)))
	for _, size := range []int{16, 17, 23, 64, 4096} {
		for _, r := range []io.Reader{strings.NewReader(wire), iotest.OneByteReader(strings.NewReader(wire)), iotest.HalfReader(strings.NewReader(wire))} {
			c := &POP3{Conn: &Conn{r: bufio.NewReaderSize(r, size)}}
			octets, sum, err := c.body()
			if err != nil || octets != int64(len(message)) || sum != Sum([]byte(message)) {
				t.Errorf("buffer %d: %d octets of %d, sum %x, %v", size, octets, len(message), sum, err)
			}
		}
	}
	c := &POP3{Conn: &Conn{r: bufio.NewReader(strings.NewReader("no end\r\n"))}}
	if _, _, err := c.body(); err == nil {
		t.Error("a body without end")
	}
}

func FuzzPOP3Body(f *testing.F) {
	f.Add([]byte("a\r\n.b\r\n"))
	f.Add([]byte(".\r\n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		stuffed := Stuff(message)
		if message = bytes.Clone(message); !bytes.HasSuffix(message, []byte("\r\n")) {
			message = append(message, "\r\n"...)
		}
		if bytes.Contains(message, []byte("\n.")) && !bytes.Contains(message, []byte("\r\n.")) {
			t.Skip("a bare LF is no line end to Stuff")
		}
		c := &POP3{Conn: &Conn{r: bufio.NewReaderSize(bytes.NewReader(stuffed), 16)}}
		octets, sum, err := c.body()
		if bytes.Count(message, []byte("\n")) != bytes.Count(message, []byte("\r\n")) {
			return // what is no mail must only not panic
		}
		if err != nil || octets != int64(len(message)) || sum != Sum(message) {
			t.Errorf("%q: %d octets, %v", message, octets, err)
		}
	})
}

// The example of RFC 7677 §3.
func TestSCRAM(t *testing.T) {
	x := (&SCRAM{User: "user", Password: "pencil"}).begin()
	x.nonce = "rOprNGfwEbeRWgbNEkqO"
	x.bare = "n=user,r=" + x.nonce
	final, err := x.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
	if err != nil {
		t.Fatal(err)
	}
	if want := "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="; final != want {
		t.Errorf("%s", final)
	}
	if err := x.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="); err != nil {
		t.Error(err)
	}
	if err := x.verify("v=AAAA"); err == nil {
		t.Error("took a wrong signature")
	}
	if _, err := x.final("r=other,s=QQ==,i=1"); err == nil {
		t.Error("took another nonce")
	}
}
