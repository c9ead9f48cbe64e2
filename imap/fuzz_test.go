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
	"GENURLAUTH \"imap://imap%40example.org@127.0.0.1/INBOX/;UID=1/;SECTION=1;URLAUTH=authuser\" INTERNAL {3+}\nabc internal\nRESETKEY\nRESETKEY INBOX INTERNAL x.y\nGENURLAUTH x",
	"URLFETCH \"imap://imap%40example.org@127.0.0.1/INBOX/;UID=1;URLAUTH=anonymous:internal:0123456789abcdef0123456789abcdef\" (x BODY BODYPARTSTRUCTURE) ({3+}\nabc BINARY)\nURLFETCH (x BODY BINARY)\nURLFETCH (\nURLFETCH x (",
	"LANGUAGE\nLANGUAGE fr\nNOOP x\nLANGUAGE {2+}\nen \"de-x\" *\nLANGUAGE f_r\nNAMESPACE",
	"LOGIN {4}\nimap demo\nLOGIN a b\nAUTHENTICATE PLAIN\n*\nAUTHENTICATE PLAIN AGEAYg==",
	"SELECT INBOX\nFETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM)]<0.20> ENVELOPE BODYSTRUCTURE)\nCLOSE",
	"IDLE\nDONE\nIDLE\nNOOP",
	"STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen $x)\nUID STORE * FLAGS \\Deleted\nEXPUNGE\nUID EXPUNGE 1:*",
	"APPEND INBOX (\\Seen) \"01-Jan-2024 00:00:00 +0000\" {11+}\na: b\r\n\r\nx\r\n\nAPPEND Nowhere {3}\nabc\nAPPEND INBOX {99999}",
	"APPEND INBOX UTF8 (~{5+}\nabcde)\nENABLE UTF8=ACCEPT IMAP4rev2 CONDSTORE\nAPPEND INBOX UTF8 (~{5+}\nabcde)",
	"APPEND INBOX {3+}\nabc (\\Seen) {3+}\nabc \"01-Jan-2024 00:00:00 +0000\" ~{3+}\na\x00c\nAPPEND INBOX {3+}\nabc {0+}\n\nAPPEND INBOX {3}\nabc {20000}",
	"APPEND INBOX CATENATE (TEXT {3+}\nabc URL \"/INBOX/;UID=1/;SECTION=HEADER/;PARTIAL=1.5\" URL ;UID=2)\nAPPEND INBOX CATENATE (URL {3+}\nabc TEXT {3}\nabc) CATENATE (UTF8 (~{3}\nabc))",
	"REPLACE 1 INBOX {3+}\nabc\nUID REPLACE * Drafts (\\Seen) CATENATE (URL \"/INBOX/;UID=2\")\nREPLACE 1:2 INBOX {3+}\nabc\nREPLACE 1 INBOX {3}\nabc x",
	"SEARCH CHARSET UTF-8 OR NOT SEEN (SUBJECT {3+}\nabc SINCE 1-Jan-2020)\nSEARCH RETURN (SAVE COUNT) ALL\nFETCH $ UID",
	"ESEARCH IN (selected personal subtree (INBOX \"x\") mailboxes Trash) RETURN (ALL) SUBJECT x\nESEARCH ALL\nESEARCH IN (subtree-one a inboxes subscribed) CHARSET x ALL\nESEARCH IN (personal (x 1)) ALL",
	"UID SEARCH RETURN (UPDATE COUNT) OR UNSEEN UID 2:*\nSORT RETURN (CONTEXT UPDATE PARTIAL 1:2) (REVERSE SUBJECT) UTF-8 NOT DELETED\nSTORE 1:3 +FLAGS (\\Seen \\Deleted)\nEXPUNGE\nCANCELUPDATE \"t1\" \"t3\"\nCANCELUPDATE t1",
	"SORT (REVERSE DATE SUBJECT) UTF-8 ALL\nUID SORT RETURN (MIN ALL COUNT) (DISPLAYFROM) US-ASCII NOT 1\nUID THREAD REFERENCES UTF-8 1:4\nTHREAD ORDEREDSUBJECT \"x\" ALL",
	"SEARCH RETURN (PARTIAL -1:-3 RELEVANCY SAVE) FUZZY (OR SUBJECT \"a b\" BODY x SAVEDON 1-Jan-2024)\nUID FETCH 1:* (SAVEDATE) (PARTIAL 2:1 CHANGEDSINCE 1)\nSORT (RELEVANCY) UTF-8 FUZZY TEXT x",
	"LIST (SUBSCRIBED) \"\" (\"%\" \"*\") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))\nLSUB \"\" *\nXLIST \"\" %\nSTATUS INBOX (MESSAGES SIZE)\nNAMESPACE",
	"CREATE a/b (USE (\\Junk))\nRENAME a c\nDELETE c/b\nSUBSCRIBE x\nUNSUBSCRIBE x\nGETQUOTAROOT INBOX\nGETQUOTA \"\"\nSETQUOTA \"User quota\" (STORAGE 1 MESSAGE {1+}\n2)\nSETQUOTA \"User quota of both@example.org\" ()",
	"SETACL INBOX both@example.org +lrs\nSETACL Trash -anyone {2+}\nlr\nGETACL INBOX\nLISTRIGHTS INBOX \"\"\nMYRIGHTS INBOX\nDELETEACL Trash -anyone\nSETACL x y Z",
	"SELECT \"Other Users/both@example.org\"\nLIST \"\" \"Other Users/%\" RETURN (MYRIGHTS)\nCREATE \"Shared Folders/a@b/c\"\nGETQUOTA \"User quota of both@example.org\"",
	"GETMETADATA (DEPTH infinity MAXSIZE 3) INBOX (/private /shared)\nGETMETADATA \"\" (DEPTH 1) {7+}\n/shared\nGETMETADATA INBOX /private/a /shared/b",
	"SETMETADATA INBOX (/private/comment {3+}\nabc /shared/comment ~{3+}\na\x00b /private/x NIL)\nSETMETADATA \"\" (/private/vendor/a/b {3}\nabc)\nSETMETADATA INBOX (/private/comment {65537}\nSETMETADATA Sent (/private/specialuse \"\\\\Sent\")",
	"ENABLE METADATA\nSETMETADATA INBOX (/private/comment \"x\" /private/comment \"y\")\nLIST \"\" * RETURN (METADATA (/private/comment \"/shared/x\") STATUS (MESSAGES))\nNOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))\nSETMETADATA INBOX (/private/comment NIL)",
	"COPY 1 Trash\nUID MOVE 1:2 Trash\nMOVE 1 INBOX\nUNSELECT\nUNAUTHENTICATE\nID (\"a\" NIL)\nSTARTTLS",
	"ENABLE QRESYNC\nSELECT INBOX (QRESYNC (1 2 1:5,7 (1,3:4 1,6:7)))\nEXAMINE INBOX (CONDSTORE QRESYNC (4294967295 1 (1:4294967295 1:4294967295)))\nUID FETCH 3:* FLAGS (CHANGEDSINCE 1 VANISHED)",
	"ENABLE UIDONLY\nFETCH 1 FLAGS\nUID FETCH 1:* (FLAGS UID)\nUID SEARCH 1:*\nUID SEARCH UID 1:*\nUID STORE * +FLAGS \\Deleted\nEXPUNGE",
	"FETCH 1:* (EMAILID THREADID PREVIEW PREVIEW (LAZY) UID)\nFETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 1)\nFETCH 1 PREVIEW (CHANGEDSINCE 1)\nFETCH 1 PREVIEW (LAZY x)\nSEARCH EMAILID E1 NOT THREADID T1\nSEARCH EMAILID \"\"\nSTATUS INBOX (MAILBOXID)",
	"COMPRESS DEFLATE\nNOOP\nCOMPRESS DEFLATE\nCOMPRESS {3+}\nabc\nSELECT INBOX\nFETCH 1:* FULL\nUNAUTHENTICATE",
	"NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER]) MessageExpunge)) (subtree (a \"b\") (MessageNew MessageExpunge MailboxName))\nAPPEND INBOX {9+}\na: b\r\n\r\nc\nCREATE a/b\nNOTIFY NONE",
	"NOTIFY SET (selected-delayed NONE) (subscribed (Quark)) (mailboxes x NONE) (personal (FlagChange))\nNOTIFY SET (inboxes (SubscriptionChange MailboxName))\nSUBSCRIBE x",
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
		commands = append(commands, "ENABLE IMAP4rev2 UTF8=ACCEPT CONDSTORE QRESYNC")
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
	var body int64    // octets of a literal before the rest of the line
	asked := true
	for more := true; more; {
		if err := p.send(line + "\r\n"); err != nil {
			return err
		}
		more = false
		pending, asked = -1, false
		if m := nonSync.FindStringSubmatch(line[body:]); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			switch {
			case err != nil || n > 100000:
				if m[2] == "+" {
					return errOver // nobody sends so much here
				}
			case m[2] == "+":
				more = true
				line, body = p.literal(n), n
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
		case got == tag && strings.HasPrefix(rest, "OK DEFLATE active"):
			p.c.compress()
			return nil
		case got == tag && p.c.compressed && strings.HasPrefix(rest, "OK UNAUTHENTICATE"):
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
	if strings.Contains(strings.ToUpper(input), "COMPRESS") {
		return // what follows would have to be compressed
	}
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
