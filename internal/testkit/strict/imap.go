package strict

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// IMAP is a client. View is nil while no mailbox is selected.
type IMAP struct {
	*wire
	View    *View
	Expunge func(View *View, m Message) // told of each EXPUNGE; may be nil
	Changed func(View *View, f Fetch)   // told of each FETCH response; may be nil

	tags    int
	running string // the command whose reply is awaited, "" between commands
	said    *Reply // collects what comes before it
}

// Fetch is one FETCH response.
type Fetch struct {
	Seq      int
	UID      uint32
	HasFlags bool
	Flags    []string
	ModSeq   uint64
	Items    map[string]string // by name in upper case, strings as they are
}

// Reply is the tagged reply to a command and what came before it.
type Reply struct {
	Kind     string // OK, NO, BAD
	Code     string // response code without brackets
	Text     string
	Untagged []string
	Fetches  []Fetch
	Search   []uint32 // of * SEARCH, and of ALL in * ESEARCH
	Codes    []string // of untagged status responses
}

// OK says whether the command was done.
func (r *Reply) OK() bool { return r.Kind == "OK" }

// Refused is the error of a reply that is not OK.
type Refused struct {
	Command string
	Reply   *Reply
}

func (e *Refused) Error() string {
	return fmt.Sprintf("strict: %s: %s [%s] %s", e.Command, e.Reply.Kind, e.Reply.Code, e.Reply.Text)
}

// Bye is the error when the server ended the session in good order.
type Bye struct{ Code, Text string }

func (e *Bye) Error() string { return fmt.Sprintf("strict: BYE [%s] %s", e.Code, e.Text) }

// DialIMAP connects and reads the greeting.
func DialIMAP(addr string) (*IMAP, error) {
	w, err := dial(addr)
	if err != nil {
		return nil, err
	}
	c := &IMAP{wire: w}
	greeting, err := c.line()
	if err == nil && !strings.HasPrefix(greeting, "* OK ") {
		err = c.fail("greeting %q", greeting)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// LoginIMAP connects and logs in.
func LoginIMAP(addr, user, password string) (*IMAP, error) {
	c, err := DialIMAP(addr)
	if err != nil {
		return nil, err
	}
	if err := c.OK("LOGIN %s %s", user, password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// OK sends a command that must succeed.
func (c *IMAP) OK(format string, args ...any) error {
	_, err := c.Must(format, args...)
	return err
}

// Must is Do, with a *Refused for a reply that is not OK.
func (c *IMAP) Must(format string, args ...any) (*Reply, error) {
	r, err := c.Do(format, args...)
	if err == nil && !r.OK() {
		err = &Refused{fmt.Sprintf(format, args...), r}
	}
	return r, err
}

// Do sends a command and reads to its tagged reply. The error is for broken rules and connections, not for NO and BAD.
func (c *IMAP) Do(format string, args ...any) (*Reply, error) {
	command := fmt.Sprintf(format, args...)
	if err := c.start(command); err != nil {
		return nil, err
	}
	return c.finish()
}

// Append sends a message as a non-synchronising literal. flags may be empty.
func (c *IMAP) Append(mailbox, flags, message string) (*Reply, error) {
	if flags != "" {
		flags = " (" + flags + ")"
	}
	return c.Do("APPEND %s%s {%d+}\r\n%s", mailbox, flags, len(message), message)
}

// Select selects a mailbox and learns all UIDs and flags.
func (c *IMAP) Select(mailbox string) error {
	if err := c.OK("SELECT %s", mailbox); err != nil {
		return err
	}
	return c.Learn()
}

// Learn asks for the UIDs and flags of messages that were only counted so far.
func (c *IMAP) Learn() error {
	from, to := c.View.Strange()
	if from == 0 {
		return nil
	}
	r, err := c.Must("FETCH %d:%d (UID FLAGS)", from, to)
	if err != nil {
		return err
	}
	told := map[int]bool{}
	for _, f := range r.Fetches {
		if f.UID != 0 && f.HasFlags {
			told[f.Seq] = true
		}
	}
	for n := from; n <= to; n++ {
		if !told[n] {
			return c.fail("FETCH %d:%d left number %d out", from, to, n)
		}
	}
	return nil
}

func (c *IMAP) start(command string) error {
	if n := c.in.Buffered(); n > 0 {
		text, _ := c.in.Peek(n)
		if !strings.HasPrefix(string(text), "* BYE") {
			return c.fail("the server spoke between commands: %q", text)
		}
	}
	verb, rest, _ := strings.Cut(command, " ")
	if strings.EqualFold(verb, "UID") {
		word, _, _ := strings.Cut(rest, " ")
		verb += " " + word
	}
	c.tags++
	c.running, c.said = strings.ToUpper(verb), &Reply{}
	if c.running == "SELECT" || c.running == "EXAMINE" {
		c.View = &View{Mailbox: strings.Trim(rest, `"`)}
	}
	return c.send(c.tag() + " " + command + "\r\n")
}

func (c *IMAP) tag() string { return fmt.Sprintf("a%d", c.tags) }

// finish reads to the tagged reply.
func (c *IMAP) finish() (*Reply, error) {
	end := time.Now().Add(Patience)
	for {
		text, err := c.response(end, false)
		if err != nil {
			return nil, err
		}
		done, err := c.take(text)
		if err != nil {
			return nil, err
		}
		if done {
			r := c.said
			c.end(r)
			return r, nil
		}
	}
}

func (c *IMAP) end(r *Reply) {
	switch c.running {
	case "SELECT", "EXAMINE":
		if !r.OK() {
			c.View = nil
		} else {
			c.View.ReadOnly = c.running == "EXAMINE"
		}
	case "CLOSE", "UNSELECT":
		if r.OK() {
			c.View = nil
		}
	}
	c.running = ""
}

var status = regexp.MustCompile(`(?s)^(OK|NO|BAD|BYE|PREAUTH) (?:\[([^\]]*)\] ?)?(.*)$`)

// take handles one response; done tells that it was the tagged reply.
func (c *IMAP) take(text string) (done bool, err error) {
	tag, rest, _ := strings.Cut(text, " ")
	if tag == "+" {
		return false, c.fail("a continuation nobody asked for: %q", text)
	}
	if tag != "*" {
		m := status.FindStringSubmatch(rest)
		if tag != c.tag() || m == nil {
			return false, c.fail("while %s waits for %s comes %q", c.running, c.tag(), text)
		}
		c.said.Kind, c.said.Code, c.said.Text = m[1], m[2], m[3]
		return true, nil
	}
	c.said.Untagged = append(c.said.Untagged, rest)
	if m := status.FindStringSubmatch(rest); m != nil {
		return false, c.untaggedStatus(m[1], m[2], m[3])
	}
	if err := c.untagged(rest); err != nil {
		return false, c.fail("%v, in %q during %s", err, text, c.running)
	}
	return false, nil
}

func (c *IMAP) untaggedStatus(kind, code, text string) error {
	if kind == "BYE" {
		if c.running == "LOGOUT" {
			return nil
		}
		// The server must hang up now.
		if rest, err := io.ReadAll(io.LimitReader(c.in, 100)); err != nil || len(rest) > 0 {
			return c.fail("%q (%v) after BYE", rest, err)
		}
		return &Bye{code, text}
	}
	c.said.Codes = append(c.said.Codes, code)
	name, arg, _ := strings.Cut(code, " ")
	if c.View == nil {
		return nil
	}
	n, _ := strconv.ParseUint(arg, 10, 32)
	switch name {
	case "UIDVALIDITY":
		c.View.UIDValidity = uint32(n)
	case "UIDNEXT":
		c.View.UIDNext = uint32(n)
	}
	return nil
}

func (c *IMAP) untagged(text string) error {
	v, err := parse(text)
	if err != nil {
		return err
	}
	if n, ok := v[0].number(); ok && len(v) >= 2 {
		return c.numbered(n, strings.ToUpper(v[1].text), v[2:])
	}
	switch strings.ToUpper(v[0].text) {
	case "FLAGS":
		if c.View == nil || len(v) != 2 || !v[1].isList {
			return fmt.Errorf("FLAGS has no place here")
		}
		return c.View.flags(v[1].list)
	case "SEARCH":
		for _, e := range v[1:] {
			n, ok := e.number()
			if !ok {
				return errSyntax
			}
			c.said.Search = append(c.said.Search, uint32(n))
		}
	case "ESEARCH":
		for i, e := range v[:len(v)-1] {
			if e.text != "ALL" {
				continue
			}
			hits, err := Set(v[i+1].text)
			if err != nil {
				return err
			}
			c.said.Search = append(c.said.Search, hits...)
		}
	case "VANISHED":
		return fmt.Errorf("VANISHED without ENABLE QRESYNC")
	}
	return nil
}

func (c *IMAP) numbered(n uint64, what string, rest []value) error {
	if c.View == nil {
		return fmt.Errorf("%s, but no mailbox is selected", what)
	}
	switch what {
	case "EXISTS":
		return c.View.exists(n)
	case "RECENT":
		if n > uint64(len(c.View.Messages)) {
			return fmt.Errorf("%d recent of %d messages", n, len(c.View.Messages))
		}
		return nil
	case "EXPUNGE":
		switch c.running {
		case "FETCH", "STORE", "SEARCH", "":
			return fmt.Errorf("EXPUNGE during %q", c.running)
		}
		gone, err := c.View.expunge(n)
		if err == nil && c.Expunge != nil {
			c.Expunge(c.View, gone)
		}
		return err
	case "FETCH":
		f, err := fetch(int(n), rest)
		if err != nil {
			return err
		}
		c.said.Fetches = append(c.said.Fetches, f)
		if err = c.View.fetch(f); err == nil && c.Changed != nil {
			c.Changed(c.View, f)
		}
		return err
	}
	return fmt.Errorf("unknown response")
}

// fetch reads the list of a FETCH response.
func fetch(seq int, rest []value) (Fetch, error) {
	f := Fetch{Seq: seq, Items: map[string]string{}}
	if len(rest) != 1 || !rest[0].isList || len(rest[0].list)%2 != 0 {
		return f, errSyntax
	}
	for l := rest[0].list; len(l) > 0; l = l[2:] {
		name, v := strings.ToUpper(l[0].text), l[1]
		n, isNumber := v.number()
		switch {
		case name == "UID" && isNumber:
			f.UID = uint32(n)
		case name == "FLAGS" && v.isList:
			f.HasFlags, f.Flags = true, []string{}
			for _, e := range v.list {
				f.Flags = append(f.Flags, e.text)
			}
		case name == "MODSEQ" && v.isList && len(v.list) == 1:
			f.ModSeq, _ = v.list[0].number()
		case name == "UID" || name == "FLAGS" || name == "MODSEQ":
			return f, errSyntax
		default:
			f.Items[name] = v.text
		}
	}
	return f, nil
}

// Flood sends a command many times and reads nothing; the client is of no use afterwards.
func (c *IMAP) Flood(times int, command string) error {
	for range times {
		if err := c.start(command); err != nil {
			return err
		}
	}
	return nil
}
