package netserve

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"
)

// SetTrace writes what goes over the connection to w, line by line, with credentials and mail masked unless full is set. A nil w ends it.
// Safe from any goroutine.
func (c *Conn) SetTrace(w io.Writer, full bool) {
	if w == nil {
		c.trace.Store(nil)
		return
	}
	c.trace.Store(&tracer{w: w, id: c.id, full: full})
}

const (
	traceLine  = 4 << 10 // octets of a line that are shown
	traceTail  = 24      // octets at a line's end in which an IMAP literal is looked for
	traceQueue = 1 << 10 // POP3 commands waiting for their answer; more than that are masked
)

// tracer turns the two directions of a connection into lines. The connection's goroutine alone feeds it. What it does not understand
// it masks: a trace that hides too much is a nuisance, one that shows a password is an incident.
type tracer struct {
	w    io.Writer
	emit func(from string, line []byte) // instead of w
	id   string
	full bool
	in   traceStream
	out  traceStream

	known   bool     // the server has spoken; what a client sends before is masked
	pop3    bool     // the greeting was +OK
	waiting []string // POP3: commands without an answer yet
	multi   string   // POP3: the command whose multi-line answer is being sent
	auth    bool     // a SASL exchange is under way: every client line is secret
	authTag string   // IMAP: the tagged line that ends it
	login   bool     // IMAP: the rest of a LOGIN whose arguments are literals
	fetch   bool     // IMAP: the rest of a FETCH behind a literal
}

// traceStream cuts one direction into lines and literals.
type traceStream struct {
	line    []byte
	tail    []byte
	size    int    // octets of the line, also those that are not kept
	literal int64  // octets of a literal still to come
	goesOn  bool   // the line that comes belongs to the one before: a literal, an empty one perhaps, is between them
	tag     string // first word of the command that the line belongs to
	asked   bool   // the literal waits for the server's word, and nothing of it has come
}

// traceMu keeps the lines of several connections apart when they share a writer.
var traceMu sync.Mutex

func (t *tracer) client(p []byte) { t.feed(&t.in, p, "C", t.maskClient) }
func (t *tracer) server(p []byte) { t.feed(&t.out, p, "S", t.maskServer) }

func (t *tracer) feed(s *traceStream, p []byte, side string, mask func([]byte) []byte) {
	for len(p) > 0 {
		if s.literal > 0 {
			n := min(s.literal, int64(len(p)))
			if t.full {
				t.print(side, p[:n])
			}
			p, s.literal, s.asked = p[n:], s.literal-n, false
			continue
		}
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end+1]
		}
		p = p[len(part):]
		s.size += len(part)
		s.line = append(s.line, part[:min(len(part), traceLine-len(s.line))]...)
		s.tail = append(s.tail, part...)
		s.tail = append(s.tail[:0], s.tail[max(0, len(s.tail)-traceTail):]...)
		if end < 0 {
			continue
		}
		line := trimEnd(s.line)
		if !t.pop3 {
			if !s.goesOn {
				word, _, _ := bytes.Cut(line, []byte(" "))
				s.tag = string(word)
			}
			s.literal, s.asked, s.goesOn = literalSize(s.tail)
			if s == &t.out {
				t.refused()
			}
		}
		if !t.full {
			line = mask(line)
		}
		if line != nil {
			t.print(side, line)
		}
		s.line, s.tail, s.size = s.line[:0], s.tail[:0], 0
	}
}

func (t *tracer) print(side string, line []byte) {
	if t.emit != nil {
		t.emit(side, line)
		return
	}
	traceMu.Lock()
	defer traceMu.Unlock()
	fmt.Fprintf(t.w, "%s %s: %q\n", t.id, side, line)
}

// refused ends the wait for a literal that the server answered instead of asking for it (RFC 9051 §4.3): what comes is the next command. Octets of
// one taken for a literal would put all that follows out of step, and show mail as commands.
func (t *tracer) refused() {
	if t.in.asked && t.out.tag == t.in.tag {
		t.in.literal, t.in.asked, t.in.goesOn, t.login = 0, false, false, false
	}
}

var literalEnd = regexp.MustCompile(`\{([0-9]{1,15})([+-]?)\}\r?\n$`)

// literalSize tells whether a line ends with a literal, how long that is, and whether a client waits for "+" before it sends it.
func literalSize(tail []byte) (size int64, asked, there bool) {
	m := literalEnd.FindSubmatch(tail)
	if m == nil {
		return 0, false, false
	}
	size, _ = strconv.ParseInt(string(m[1]), 10, 64)
	return size, len(m[2]) == 0, true
}

var masked = []byte("***")

// maskClient hides passwords, SASL responses and literals.
func (t *tracer) maskClient(line []byte) []byte {
	words := bytes.Fields(line)
	isLogin := t.login
	t.login = false
	switch {
	case !t.known:
		return masked
	case isLogin:
		t.login = t.in.goesOn
		return masked
	case t.auth:
		return masked
	case len(words) == 0:
		return line
	case t.pop3:
		return t.maskPOP3Command(line, words)
	case len(words) == 1:
		if bytes.EqualFold(words[0], []byte("DONE")) {
			return line
		}
		return masked // a lone word is no command; it may be a SASL response out of place
	}
	verb := string(bytes.ToUpper(words[1]))
	switch verb {
	case "LOGIN":
		t.login = t.in.goesOn
		return append(bytes.Join(words[:2], []byte(" ")), " ***"...)
	case "AUTHENTICATE":
		t.auth, t.authTag = true, string(words[0])
		return bytes.Join(words[:min(len(words), 3)], []byte(" "))
	}
	return line
}

func (t *tracer) maskPOP3Command(line []byte, words [][]byte) []byte {
	verb := string(bytes.ToUpper(words[0]))
	if len(t.waiting) < traceQueue {
		key := verb
		if len(words) > 1 {
			key += " "
		}
		t.waiting = append(t.waiting, key)
	}
	switch verb {
	case "PASS", "APOP":
		return []byte(verb + " ***")
	case "AUTH":
		t.auth = len(words) > 1
		return bytes.Join(words[:min(len(words), 2)], []byte(" "))
	case "USER", "QUIT", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "TOP", "UIDL", "CAPA", "STLS", "UTF8", "LANG":
		return line
	}
	return masked
}

var (
	fetchLine    = regexp.MustCompile(`^\* [0-9]+ (UID)?FETCH `)
	quotedString = regexp.MustCompile(`"(\\.|[^"\\])*("|\\?$)`) // its end may be behind what is kept of the line
)

// maskServer hides mail: literals, quoted strings of FETCH, and what follows RETR and TOP.
func (t *tracer) maskServer(line []byte) []byte {
	if !t.known {
		t.known = true
		t.pop3 = bytes.HasPrefix(line, []byte("+OK"))
		return line
	}
	if t.pop3 {
		return t.maskPOP3Reply(line)
	}
	if t.auth && bytes.HasPrefix(line, []byte(t.authTag+" ")) {
		t.auth = false
	}
	if bytes.HasPrefix(line, []byte("+ ")) && t.auth {
		return []byte("+ ***")
	}
	isFetch := t.fetch || fetchLine.Match(line)
	t.fetch = isFetch && t.out.goesOn
	if isFetch {
		return quotedString.ReplaceAll(line, []byte(`"..."`))
	}
	return line
}

func (t *tracer) maskPOP3Reply(line []byte) []byte {
	if t.multi != "" {
		hide := t.multi == "RETR " || t.multi == "TOP "
		if len(line) == 1 && line[0] == '.' {
			t.multi = ""
			return line
		}
		if hide {
			return nil
		}
		return line
	}
	if bytes.HasPrefix(line, []byte("+ ")) {
		return []byte("+ ***")
	}
	ok := bytes.HasPrefix(line, []byte("+OK"))
	if !ok && !bytes.HasPrefix(line, []byte("-ERR")) {
		return masked
	}
	if len(t.waiting) == 0 {
		return line // the greeting, or a goodbye
	}
	verb := t.waiting[0]
	t.waiting = t.waiting[1:]
	if verb == "AUTH " {
		t.auth = false
	}
	if ok {
		switch verb {
		case "RETR ", "TOP ", "LIST", "UIDL", "CAPA", "LANG", "AUTH":
			t.multi = verb
		}
	}
	return line
}
