package dialogue

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Script is a parsed file of statements. It holds no state and can be played many times.
type Script struct {
	Name     string   // path as given
	Config   []string // values of config: headers, "key value"
	Users    []string // values of user: headers
	Requires []string // values of require: headers
	Dovecot  []string // values of dovecot: headers
	// Skips maps a target's name to the reason why the script is not for it.
	Skips map[string]string

	statements []statement
}

type verb string

const (
	doOpen    verb = "open"
	doSend    verb = "C"
	doExpect  verb = "S"
	doMaybe   verb = "S?"
	doSkipTo  verb = "S*"
	doNever   verb = "S!"
	doGroup   verb = "U"
	doGroupOp verb = "U?"
	doQuiet   verb = "quiet"
	doEOF     verb = "eof"
	doClose   verb = "close"
	doHalf    verb = "half"
	doTLS     verb = "tls"
	doDeflate verb = "deflate"
	doPlain   verb = "plain"
	doAct     verb = "!"
	doActFail verb = "!!"
	doOutput  verb = "O"
)

// statement is one line of a script with its blocks.
type statement struct {
	line   int    // 1-based, of the first line
	source string // as written, for messages
	only   string // target name, or empty
	within time.Duration
	verb   verb
	conn   string
	args   []string // of open, quiet
	// text alternates with blocks: text[0] block[0] text[1] … ; len(text) == len(blocks)+1.
	text   []string
	blocks []block
}

// block is the data between <<< and >>>.
type block struct {
	lines   []string
	nonSync bool // <<<+
}

func (b block) join(eol string) string {
	var s strings.Builder
	for _, l := range b.lines {
		s.WriteString(octets(l))
		s.WriteString(eol)
	}
	return s.String()
}

var (
	reLine   = regexp.MustCompile(`^(C|S|S\?|S\*|S!|U|U\?|O)(?:\s+([A-Za-z0-9_]+))?:(?: (.*))?$`)
	reWords  = regexp.MustCompile(`^(open|quiet|eof|close|half|tls|deflate|plain)(?:\s+(.*))?$`)
	reHeader = regexp.MustCompile(`^(config|user|require|skip|dovecot):\s*(.*)$`)
	reOnly   = regexp.MustCompile(`^@([a-z]+)\s+(.*)$`)
	reWithin = regexp.MustCompile(`^within\s+(\S+)\s+(.*)$`)
)

// ParseFile reads and parses one script.
func ParseFile(path string) (*Script, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("dialogue: %w", err)
	}
	return Parse(path, string(data))
}

// Glob parses every script that matches a pattern such as testdata/*.script. No match is an error: a test that
// finds no scripts must not pass.
func Glob(pattern string) ([]*Script, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("dialogue: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("dialogue: no script matches %s", pattern)
	}
	var scripts []*Script
	for _, p := range paths {
		s, err := ParseFile(p)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

// Parse parses the text of a script. Errors name the file and the line.
func Parse(name, text string) (*Script, error) {
	s := &Script{Name: name, Skips: map[string]string{}}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fail := func(what string) error { return fmt.Errorf("%s:%d: %s: %s", name, i+1, what, line) }
		if m := reHeader.FindStringSubmatch(line); m != nil {
			if len(s.statements) > 0 {
				return nil, fail("header after the first statement")
			}
			s.header(m[1], strings.TrimSpace(m[2]))
			continue
		}
		st := statement{line: i + 1, source: line}
		if m := reOnly.FindStringSubmatch(line); m != nil {
			st.only, line = m[1], m[2]
		}
		if m := reWithin.FindStringSubmatch(line); m != nil {
			d, err := time.ParseDuration(m[1])
			if err != nil {
				return nil, fail("bad duration")
			}
			st.within, line = d, m[2]
		}
		var rest string
		switch m, w := reLine.FindStringSubmatch(line), reWords.FindStringSubmatch(line); {
		case m != nil:
			st.verb, st.conn, rest = verb(m[1]), m[2], m[3]
		case w != nil:
			st.verb, st.args = verb(w[1]), strings.Fields(w[2])
			if st.verb == doOpen && len(st.args) < 2 || st.verb == doQuiet && len(st.args) < 1 {
				return nil, fail("too few words")
			}
		case strings.HasPrefix(line, "!! "):
			st.verb, rest = doActFail, line[3:]
		case strings.HasPrefix(line, "! "):
			st.verb, rest = doAct, line[2:]
		default:
			return nil, fail("not a statement")
		}
		next, err := st.readBlocks(rest, lines, i)
		if err != nil {
			return nil, fail(err.Error())
		}
		i = next
		s.statements = append(s.statements, st)
	}
	return s, nil
}

func (s *Script) header(key, value string) {
	switch key {
	case "config":
		s.Config = append(s.Config, value)
	case "user":
		s.Users = append(s.Users, value)
	case "require":
		s.Requires = append(s.Requires, value)
	case "dovecot":
		s.Dovecot = append(s.Dovecot, value)
	case "skip":
		target, reason, _ := strings.Cut(value, " ")
		s.Skips[target] = strings.TrimSpace(reason)
	}
}

// readBlocks splits rest into text and blocks, taking as many lines after lines[i] as the blocks need. It returns
// the index of the last line it used.
func (st *statement) readBlocks(rest string, lines []string, i int) (int, error) {
	for {
		head, plus := strings.CutSuffix(rest, "<<<+")
		if !plus {
			var open bool
			if head, open = strings.CutSuffix(rest, "<<<"); !open {
				st.text = append(st.text, rest)
				return i, nil
			}
		}
		st.text = append(st.text, head)
		b := block{nonSync: plus}
		for i++; ; i++ {
			if i >= len(lines) {
				return i, fmt.Errorf("<<< without >>>")
			}
			if after, end := strings.CutPrefix(lines[i], ">>>"); end {
				rest = strings.TrimRight(after, " \t")
				break
			}
			b.lines = append(b.lines, lines[i])
		}
		st.blocks = append(st.blocks, b)
	}
}
