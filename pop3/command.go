package pop3

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// state is where a connection stands (RFC 1939 §3). The UPDATE state is the inside of QUIT.
type state uint8

const (
	authorization state = 1 << iota
	transaction
	anyState = authorization | transaction
)

// argument says what may follow a verb. The rule is applied before the handler runs, so a handler sees a request that is well
// formed and names a message that is there.
type argument uint8

const (
	noArgument      argument = iota
	restOfLine               // everything after one blank, blanks included: names and passwords may hold them
	maybeRest                // words, or nothing
	message                  // the number of a message that is not marked as deleted
	maybeMessage             // the same, or nothing
	messageAndLines          // a message and a number of lines
)

// command is one row of the table.
type command struct {
	states   state
	argument argument
	run      func(*conn, context.Context, request) error
}

// request is a line that passed its command's argument rule.
type request struct {
	rest  string // restOfLine, maybeRest
	index int    // of the message, from 0; -1 when none was named
	lines int64  // messageAndLines
}

// commands is the only list of verbs.
var commands map[string]command

func init() {
	commands = map[string]command{
		"USER": {authorization, restOfLine, (*conn).user},
		"PASS": {authorization, restOfLine, (*conn).pass},
		"AUTH": {authorization, maybeRest, (*conn).auth},
		"STLS": {authorization, noArgument, (*conn).stls},

		"CAPA": {anyState, noArgument, (*conn).capa},
		"LANG": {anyState, maybeRest, (*conn).lang},
		// RFC 6856 §2 has it in AUTHORIZATION only; Outlook sends it after the login.
		"UTF8": {anyState, noArgument, (*conn).utf8},
		"QUIT": {anyState, noArgument, (*conn).quit},

		"STAT": {transaction, noArgument, (*conn).stat},
		"LIST": {transaction, maybeMessage, (*conn).list},
		"UIDL": {transaction, maybeMessage, (*conn).uidl},
		"RETR": {transaction, message, (*conn).retr},
		"TOP":  {transaction, messageAndLines, (*conn).top},
		"DELE": {transaction, message, (*conn).dele},
		"RSET": {transaction, noArgument, (*conn).rset},
		"NOOP": {transaction, noArgument, (*conn).noop},
	}
}

// Verbs lists the commands, for metrics.
func Verbs() []string { return slices.Sorted(maps.Keys(commands)) }

// verbOf is the first word of a line, as the table has it.
func verbOf(line string) string {
	verb, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(strings.TrimRight(verb, " \t"))
}

// dispatch runs the command of one line.
func (c *conn) dispatch(ctx context.Context, line string) error {
	_, rest, _ := strings.Cut(line, " ")
	cmd, known := commands[verbOf(line)]
	switch {
	case !known:
		return bad("Unknown command")
	case cmd.states&c.state == 0 && c.state == authorization:
		return bad("Log in first")
	case cmd.states&c.state == 0:
		return bad("Not after the login")
	}
	req, err := c.arguments(cmd.argument, rest)
	if err != nil {
		return err
	}
	return cmd.run(c, ctx, req)
}

func (c *conn) arguments(rule argument, rest string) (request, error) {
	req := request{index: -1}
	if rule == restOfLine {
		if rest == "" {
			return req, bad("Argument missing")
		}
		req.rest = rest
		return req, nil
	}
	// Blanks at the end mean nothing: Outlook sends "AUTH " to ask for the mechanisms.
	words := strings.Fields(rest)
	if rule == maybeRest {
		req.rest = strings.Join(words, " ")
		return req, nil
	}
	least, most := 0, 0
	switch rule {
	case message:
		least, most = 1, 1
	case maybeMessage:
		most = 1
	case messageAndLines:
		least, most = 2, 2
	}
	switch {
	case len(words) < least:
		return req, bad("Argument missing")
	case len(words) > most:
		return req, bad("Too many arguments")
	case len(words) == 0:
		return req, nil
	}
	if len(words) == 2 {
		n, err := number(words[1])
		if err != nil {
			return req, err
		}
		req.lines = n
	}
	n, err := number(words[0])
	if err != nil {
		return req, err
	}
	req.index, err = c.drop.find(n)
	return req, err
}

// number reads a decimal number that is not negative. One too large for any message is cut, not refused: TOP 1 9999999999999999999 asks
// for the whole message.
func number(word string) (int64, error) {
	for i := range len(word) {
		if word[i] < '0' || word[i] > '9' {
			return 0, bad("Not a number")
		}
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return 1<<63 - 1, nil
	}
	return n, nil
}
