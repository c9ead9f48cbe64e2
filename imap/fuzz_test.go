package imap_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bascule/imap"
	"bascule/internal/gate"
	"bascule/internal/testkit"
)

// The states in which FuzzServer lets its input loose.
const (
	inGreeting = iota // before login
	inAuth
	inSelected
	inIdle
	inLiteral // the first piece is the body of an APPEND
	inRev2
	states
)

// maxHeap is what a server with one client may hold, octets: lines of 2 MiB, parse trees, the store's caches, and the fuzzer itself.
const maxHeap = 400 << 20

// FuzzServer plays a client that knows how to wait for answers and nothing else. Each line of the input is a command behind a tag of
// ours. Whatever it says, there is exactly one tagged reply to it, or the connection ends; afterwards a NOOP is answered, so the stream
// is in step. The same input then goes to the server in one piece, and the server must come to an end with nothing malformed said.
func FuzzServer(f *testing.F) {
	for state := range states {
		for _, s := range fuzzSeeds {
			f.Add(byte(state), s)
		}
	}
	s := testkit.Start(f, testkit.Options{
		IMAP: imap.Options{AppendLimit: 10000, MaxBad: 1000},
		Gate: gate.Options{AllowClear: true, Throttle: gate.Throttle{Off: true}},
	})
	addr := s.Target().Addrs["imap"]
	if _, err := s.Act(f.Context(), []string{"fill", "imap@example.org", "5"}, ""); err != nil {
		f.Fatal(err)
	}
	var runs atomic.Int64
	f.Fuzz(func(t *testing.T, state byte, input string) {
		if len(input) > 1<<16 {
			t.Skip()
		}
		play(t, addr, state%states, input)
		flood(t, addr, state%states, input)
		if runs.Add(1)%200 == 0 {
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapAlloc > maxHeap {
				t.Errorf("%d MiB of heap are in use", m.HeapAlloc>>20)
			}
		}
	})
}

var fuzzSeeds = []string{
	"NOOP\nCAPABILITY\nLOGOUT",
	"LOGIN {4}\nimap demo\nLOGIN a b\nAUTHENTICATE PLAIN\n*\nAUTHENTICATE PLAIN AGEAYg==",
	"SELECT INBOX\nFETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM)]<0.20> ENVELOPE BODYSTRUCTURE)\nCLOSE",
	"IDLE\nDONE\nIDLE\nNOOP",
	"STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen $x)\nUID STORE * FLAGS \\Deleted\nEXPUNGE\nUID EXPUNGE 1:*",
	"APPEND INBOX (\\Seen) \"01-Jan-2024 00:00:00 +0000\" {11+}\na: b\r\n\r\nx\r\n\nAPPEND Nowhere {3}\nabc\nAPPEND INBOX {99999}",
	"APPEND INBOX UTF8 (~{5+}\nabcde)\nENABLE UTF8=ACCEPT IMAP4rev2 CONDSTORE\nAPPEND INBOX UTF8 (~{5+}\nabcde)",
	"SEARCH CHARSET UTF-8 OR NOT SEEN (SUBJECT {3+}\nabc SINCE 1-Jan-2020)\nSEARCH RETURN (SAVE COUNT) ALL\nFETCH $ UID",
	"LIST (SUBSCRIBED) \"\" (\"%\" \"*\") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))\nLSUB \"\" *\nSTATUS INBOX (MESSAGES SIZE)\nNAMESPACE",
	"CREATE a/b (USE (\\Junk))\nRENAME a c\nDELETE c/b\nSUBSCRIBE x\nUNSUBSCRIBE x\nGETQUOTAROOT INBOX\nGETQUOTA \"\"",
	"COPY 1 Trash\nUID MOVE 1:2 Trash\nMOVE 1 INBOX\nUNSELECT\nUNAUTHENTICATE\nID (\"a\" NIL)\nSTARTTLS",
	"X {5+}\nabcde {3+}\nabc {2}\nFETCH 1 BODY[1.2.MIME]\n(((((((((((((((((((((((((((((((((((((((",
	"FETCH 4294967295:1,$ (((\nFETCH 1 BINARY.SIZE[1]\nFETCH 1 BODY[HEADER.FIELDS (\"\x80\" {1+}\n\x00)]",
}

// open brings a connection into the state and returns the first pieces of dialogue that belong to it.
func openState(t *testing.T, addr string, state byte) *wireClient {
	t.Helper()
	c, err := dialWire(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.net.Close() })
	var commands []string
	if state != inGreeting {
		commands = append(commands, "LOGIN imap@example.org demo")
	}
	if state == inRev2 {
		commands = append(commands, "ENABLE IMAP4rev2 UTF8=ACCEPT CONDSTORE")
	}
	if state >= inSelected {
		commands = append(commands, "SELECT INBOX")
	}
	for _, cmd := range commands {
		if reply, err := c.finish("s", cmd); err != nil || !strings.HasPrefix(reply, "OK") {
			t.Fatalf("%s: %s, %v", cmd, reply, err)
		}
	}
	return c
}

// player is the client with the input that is left.
type player struct {
	c      *wireClient
	pieces []string
	tag    int
	strays bool // a line that the server asked for may have been taken for a command, with a tag of its own
}

func (p *player) piece() string {
	if len(p.pieces) == 0 {
		return ""
	}
	s := p.pieces[0]
	p.pieces = p.pieces[1:]
	return strings.TrimRight(s, "\r")
}

// errOver means that the server ended the connection properly.
var errOver = errors.New("the connection ended with BYE")

func play(t *testing.T, addr string, state byte, input string) {
	p := player{c: openState(t, addr, state), pieces: strings.Split(input, "\n")}
	var err error
	switch state {
	case inIdle:
		err = p.command("IDLE")
	case inLiteral:
		body := p.piece()
		err = p.command(fmt.Sprintf("APPEND INBOX {%d+}\r\n%s%s", len(body), body, p.piece()))
	}
	for n := 0; err == nil && len(p.pieces) > 0 && n < 50; n++ {
		if err = p.command(p.piece()); err == nil {
			err = p.command("NOOP")
		}
	}
	if err != nil && !errors.Is(err, errOver) {
		t.Fatalf("state %d: %v", state, err)
	}
}

var nonSync = regexp.MustCompile(`\{(\d+)(\+?)\}$`)

// command sends one command with its literals and waits for its reply.
func (p *player) command(line string) error {
	p.tag++
	tag := "t" + strconv.Itoa(p.tag)
	line = tag + " " + line
	var pending int64 // octets of the synchronising literal that the server may ask for
	asked := true
	for more := true; more; {
		if err := p.send(line + "\r\n"); err != nil {
			return err
		}
		more = false
		pending, asked = -1, false
		if m := nonSync.FindStringSubmatch(line); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			switch {
			case err != nil || n > 100000:
				if m[2] == "+" {
					return errOver // nobody sends so much here
				}
			case m[2] == "+":
				more = true
				line = p.literal(n)
			default:
				pending = n
			}
		}
	}
	for {
		raw, err := p.c.line()
		if err != nil {
			return p.ended(fmt.Errorf("%s: %w", tag, err))
		}
		got, rest, err := response(raw)
		switch {
		case err != nil:
			return err
		case got == "*" && strings.HasPrefix(rest, "BYE "):
			return p.bye(tag)
		case got == "*":
		case got == "+" && pending >= 0 && !asked:
			asked = true
			if err := p.send(p.literal(pending) + "\r\n"); err != nil {
				return err
			}
			pending = -1
		case got == "+":
			p.strays = true
			answer := strings.ReplaceAll(p.piece(), "{", "(")
			if strings.TrimSpace(answer) == "" {
				answer = "DONE" // an empty line would end nothing
			}
			if err := p.send(answer + "\r\n"); err != nil {
				return err
			}
		case got == tag && strings.HasPrefix(rest, "OK Begin TLS"):
			return errOver
		case got == tag:
			return nil
		case !p.strays:
			return fmt.Errorf("%s: a reply that belongs to nothing: %q", tag, raw)
		}
	}
}

// literal makes a literal's body of n octets and the rest of the line behind it.
func (p *player) literal(n int64) string {
	body := p.piece()
	for int64(len(body)) < n {
		body += "\r\nz LOGOUT\r\n" // must never be taken for commands
	}
	rest := strings.ReplaceAll(body[n:], "\r\nz LOGOUT\r\n", "")
	return body[:n] + strings.NewReplacer("\r", "", "\n", "").Replace(rest)
}

func (p *player) send(s string) error {
	if err := p.c.send(s); err != nil {
		return p.ended(err)
	}
	return nil
}

// ended judges the end of a connection: a BYE must have come before it, unless the server closed while we were sending.
func (p *player) ended(err error) error {
	var ne *net.OpError
	if errors.As(err, &ne) && !ne.Timeout() {
		return errOver // reset: what the server said last may be lost
	}
	return err
}

// bye reads to the end after a BYE.
func (p *player) bye(tag string) error {
	for {
		line, err := p.c.line()
		if errors.Is(err, io.EOF) || p.ended(err) == errOver && err != nil {
			return errOver
		}
		if err != nil {
			return fmt.Errorf("%s: after BYE: %w", tag, err)
		}
		if got, _, err := response(line); err != nil || got == "*" {
			return fmt.Errorf("%s: after BYE: %q", tag, line)
		}
	}
}

// flood sends everything at once and ends the sending side.
func flood(t *testing.T, addr string, state byte, input string) {
	c := openState(t, addr, state)
	switch state {
	case inIdle:
		input = "i IDLE\r\n" + input
	case inLiteral:
		input = fmt.Sprintf("l APPEND INBOX {%d+}\r\n%s", len(input)/2, input)
	}
	go func() {
		c.send(input)
		if tcp, ok := c.net.(*net.TCPConn); ok {
			tcp.CloseWrite()
		}
	}()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		line, err := c.line()
		var ne *net.OpError
		switch {
		case errors.Is(err, errForm):
			t.Fatalf("state %d: %v", state, err)
		case errors.As(err, &ne) && ne.Timeout():
			t.Fatalf("state %d: the server does not come to an end", state)
		case err != nil:
			return
		}
		if strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "* ") {
			continue
		}
		if _, _, err := response(line); err != nil {
			t.Fatalf("state %d: %v", state, err)
		}
	}
	t.Fatalf("state %d: the server talks without end", state)
}
