package dialogue

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Target is a server that scripts are played against.
type Target struct {
	Name     string   // "bascule", "dovecot": what @name, skip: and the output mean
	Features []string // what require: may ask for
	// Addrs gives the TCP address for each kind of connection.
	Addrs map[string]string
	// TLS is the client's configuration for imaps, pop3s and the tls statement.
	TLS *tls.Config
	// Password is that of every account which a script opens a logged-in connection for.
	Password string
	// Act carries out an action; words is never empty. The output is matched by O: lines. It may be nil.
	Act func(ctx context.Context, words []string, stdin string) (output string, err error)
	// Same gives other ways to write a line of this server that mean what the line means: where order and quoting are free, say. One that
	// meets the script is enough. It may be nil.
	Same func(line string) []string
	// Extra tells a line that this server may send unasked where the script expects another. It may be nil.
	Extra func(line string) bool
	// AnyOrder tells whether the neighbouring S lines of one connection that begin like these may come in any order from this server. It may
	// be nil.
	AnyOrder func(text string) bool
	// AnyWords: what is said for people behind OK, NO, BAD and BYE is not compared.
	AnyWords bool
	// Deadline bounds every wait for the server; 0 means 10 seconds.
	Deadline time.Duration
}

// Play plays a script and fails the test at the first statement that is not met. Connections are closed when it
// returns. It calls t.Skip if the script is not for the target.
func Play(t testing.TB, target *Target, s *Script) {
	t.Helper()
	if reason := s.NotFor(target.Name, target.Features...); reason != "" {
		t.Skip(reason)
	}
	p := &player{target: target, vars: vars{}, conns: map[string]*conn{}, log: &transcript{start: time.Now()}}
	defer p.closeAll()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	statements := target.prepare(s.statements)
	for i := 0; i < len(statements); i++ {
		st := statements[i]
		// Neighbouring U lines of one connection are one statement.
		group := []statement{st}
		if st.verb == doGroup || st.verb == doGroupOp {
			for i+1 < len(statements) && statements[i+1].joins(st) {
				i++
				group = append(group, statements[i])
			}
		}
		if err := p.do(ctx, group); err != nil {
			t.Fatalf("%s:%d: %s\n  %v\n--- dialogue with %s:\n%s", s.Name, st.line, st.source, err, target.Name, p.log.text.String())
		}
	}
	if testing.Verbose() {
		t.Logf("dialogue with %s:\n%s", target.Name, p.log.text.String())
	}
}

// NotFor tells why the script cannot be played against a target of that name and those features; empty if it can.
func (s *Script) NotFor(target string, features ...string) string {
	if reason, ok := s.Skips[target]; ok {
		return fmt.Sprintf("not for %s: %s", target, reason)
	}
	for _, need := range s.Requires {
		if !slices.Contains(features, need) {
			return fmt.Sprintf("%s has no %s", target, need)
		}
	}
	return ""
}

// prepare gives the statements that are for the target, with S for U where the order is free.
func (t *Target) prepare(statements []statement) []statement {
	var kept []statement
	for _, st := range statements {
		if st.only != "" && st.only != t.Name {
			continue
		}
		if st.verb == doExpect && t.AnyOrder != nil && t.AnyOrder(st.text[0]) {
			st.verb = doGroup
		}
		kept = append(kept, st)
	}
	return kept
}

func (st statement) joins(first statement) bool {
	return (st.verb == doGroup || st.verb == doGroupOp) && st.conn == first.conn && st.within == 0
}

type player struct {
	target *Target
	vars   vars
	conns  map[string]*conn
	opened []string // names in order
	never  []statement
	output []string // of the last action, lines not yet matched
	log    *transcript
}

func (p *player) closeAll() {
	for _, c := range p.conns {
		c.net.Close()
	}
}

func (p *player) deadline(st statement) time.Time {
	d := p.target.Deadline
	if d == 0 {
		d = 10 * time.Second
	}
	if st.within > 0 {
		d = st.within
	}
	return time.Now().Add(d)
}

func (p *player) do(ctx context.Context, group []statement) error {
	st := group[0]
	switch st.verb {
	case doOpen:
		return p.open(st)
	case doAct, doActFail:
		return p.act(ctx, st)
	case doOutput:
		return p.checkOutput(st)
	}
	name := st.conn
	if st.args != nil && st.verb != doQuiet || st.verb == doQuiet && len(st.args) > 1 {
		name = st.args[0]
	}
	c, err := p.conn(name)
	if err != nil {
		return err
	}
	switch st.verb {
	case doSend:
		return p.send(c, st)
	case doExpect, doMaybe, doSkipTo:
		return p.expect(c, st)
	case doNever:
		p.never = append(p.never, st)
		return nil
	case doGroup, doGroupOp:
		return p.expectGroup(c, group)
	case doQuiet:
		return p.quiet(c, st.args[len(st.args)-1])
	case doEOF:
		return p.expectEOF(c, st)
	case doClose:
		return p.drop(c)
	case doHalf:
		return c.closeWrite()
	case doDeflate:
		return c.startDeflate()
	case doPlain:
		return c.endDeflate()
	case doTLS:
		return c.startTLS(p.target.TLS, p.deadline(st))
	}
	return fmt.Errorf("no meaning for %q", st.verb)
}

// conn finds a connection by name; no name means the only one.
func (p *player) conn(name string) (*conn, error) {
	if name == "" {
		if len(p.opened) != 1 {
			return nil, fmt.Errorf("say which of the %d connections is meant", len(p.opened))
		}
		name = p.opened[0]
	}
	c, ok := p.conns[name]
	if !ok {
		return nil, fmt.Errorf("no open connection named %q", name)
	}
	return c, nil
}

func (p *player) open(st statement) error {
	name, kind := st.args[0], st.args[1]
	if _, dup := p.conns[name]; dup {
		return fmt.Errorf("%s is open already", name)
	}
	addr, ok := p.target.Addrs[kind]
	if !ok {
		return fmt.Errorf("%s has no address for %s", p.target.Name, kind)
	}
	dl := p.deadline(st)
	nc, err := net.DialTimeout("tcp", addr, time.Until(dl))
	if err != nil {
		return err
	}
	c := &conn{name: name, kind: kind, net: nc, in: bufio.NewReaderSize(nc, 64<<10), log: p.log}
	p.conns[name] = c
	if !slices.Contains(p.opened, name) {
		p.opened = append(p.opened, name)
	}
	if kind == "imaps" || kind == "pop3s" {
		if err := c.startTLS(p.target.TLS, dl); err != nil {
			return err
		}
	}
	if len(st.args) > 2 {
		password := p.target.Password
		if len(st.args) > 3 {
			password = st.args[3]
		}
		return c.login(st.args[2], password, dl)
	}
	return nil
}

// login reads the greeting and logs in as plainly as the protocol allows.
func (c *conn) login(user, password string, dl time.Time) error {
	type turn struct{ send, want string }
	var turns []turn
	switch c.kind {
	case "imap", "imaps":
		turns = []turn{{"", "* OK"}, {fmt.Sprintf("login LOGIN %q %q\r\n", user, password), "login OK"}}
	case "pop3", "pop3s":
		turns = []turn{{"", "+OK"}, {"USER " + user + "\r\n", "+OK"}, {"PASS " + password + "\r\n", "+OK"}}
	case "lmtp":
		turns = []turn{{"", "220 "}, {"LHLO " + user + "\r\n", "250 "}}
	}
	for _, t := range turns {
		if t.send != "" {
			if err := c.write(t.send, dl); err != nil {
				return err
			}
		}
		for {
			line, err := c.readLine(dl)
			if err != nil {
				return fmt.Errorf("login of %s: %w", user, err)
			}
			if strings.HasPrefix(line, t.want) {
				break
			}
			// Untagged lines before the tagged one, and 250-continuations, are part of a good answer.
			if strings.HasPrefix(line, "* ") && strings.HasPrefix(t.want, "login") || c.kind == "lmtp" && strings.HasPrefix(line, "250-") {
				continue
			}
			return fmt.Errorf("login of %s: wanted %q, got %q", user, t.want, line)
		}
	}
	return nil
}

func (p *player) drop(c *conn) error {
	p.log.add(c.name, "-", "dropped")
	delete(p.conns, c.name)
	return c.net.Close()
}

func (p *player) send(c *conn, st statement) error {
	dl := p.deadline(st)
	for i, text := range st.text {
		line, err := p.vars.expand(text)
		if err != nil {
			return err
		}
		if i == len(st.blocks) {
			return c.write(line+"\r\n", dl)
		}
		data := st.blocks[i].join("\r\n")
		if st.blocks[i].nonSync {
			if err := c.write(fmt.Sprintf("%s{%d+}\r\n%s", line, len(data), data), dl); err != nil {
				return err
			}
			continue
		}
		if err := c.write(fmt.Sprintf("%s{%d}\r\n", line, len(data)), dl); err != nil {
			return err
		}
		// Untagged data may come before the request to go on; it is kept for later statements.
		var before []string
		for {
			reply, err := c.readLine(dl)
			if err != nil {
				return fmt.Errorf("waiting for the continuation request: %w", err)
			}
			if strings.HasPrefix(reply, "+") {
				break
			}
			if !strings.HasPrefix(reply, "*") {
				return fmt.Errorf("wanted a continuation request, got %q", reply)
			}
			before = append(before, reply)
		}
		c.pending = append(before, c.pending...)
		if err := c.write(data, dl); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) quiet(c *conn, length string) error {
	d, err := time.ParseDuration(length)
	if err != nil {
		return err
	}
	line, err := c.readLine(time.Now().Add(d))
	if errors.Is(err, errTimeout) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("wanted silence, got %q", line)
}

func (p *player) expectEOF(c *conn, st statement) error {
	line, err := c.readLine(p.deadline(st))
	var ne *net.OpError
	switch {
	case err == nil:
		return fmt.Errorf("wanted the end, got %q", line)
	case errors.Is(err, io.EOF), errors.As(err, &ne) && !ne.Timeout():
		p.log.add(c.name, "-", "ended by the server")
		delete(p.conns, c.name)
		return c.net.Close()
	}
	return err
}

func (p *player) act(ctx context.Context, st statement) error {
	line, err := p.vars.expand(st.text[0])
	if err != nil {
		return err
	}
	var stdin string
	if len(st.blocks) > 0 {
		stdin = st.blocks[0].join("\n")
	}
	if p.target.Act == nil {
		return fmt.Errorf("%s has no actions", p.target.Name)
	}
	p.log.add("", "!", line)
	words := strings.Fields(line)
	if len(words) == 0 {
		return errors.New("an action needs a name")
	}
	out, err := p.target.Act(ctx, words, stdin)
	p.output = nil
	if out = strings.TrimSuffix(out, "\n"); out != "" {
		p.output = strings.Split(out, "\n")
		p.log.add("", "O", strings.Join(p.output, "\r\n"))
	}
	if st.verb == doActFail {
		if err == nil {
			return errors.New("wanted this action to fail")
		}
		p.output = append(p.output, strings.Split(err.Error(), "\n")...)
		p.log.add("", "O", err.Error())
		return nil
	}
	return err
}
