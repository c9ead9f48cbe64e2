package dialogue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// parrot answers every line by what follows a colon in it, "|" being a line break; "bye" ends the connection.
func parrot(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprint(c, "* OK hello\r\n")
				for in := bufio.NewScanner(c); in.Scan(); {
					if in.Text() == "bye" {
						return
					}
					_, say, _ := strings.Cut(in.Text(), ":")
					fmt.Fprintf(c, "%s\r\n", strings.ReplaceAll(say, "|", "\r\n"))
				}
			}()
		}
	}()
	return l.Addr().String()
}

func target(t *testing.T) *Target {
	addr := parrot(t)
	return &Target{Name: "parrot", Features: []string{"echo"}, Addrs: map[string]string{"imap": addr, "pop3": addr}, Password: "demo",
		Act: func(_ context.Context, words []string, stdin string) (string, error) {
			if words[0] == "fail" {
				return "", errors.New("no such thing")
			}
			return strings.Join(words, " ") + "\n" + stdin, nil
		}}
}

const whole = `
# every statement once
config: a.b 3
skip: dovecot it is not a parrot
require: echo

open a imap
open b pop3
S a: * OK hello
S b: * OK ...
C a: x:* 3 EXISTS|* 2 RECENT|* SEARCH 1 2|x OK [UIDNEXT 7] done
U a: * SEARCH 1 2
U a: * $1 EXISTS
U? a: * 9 FETCH ...
U a: * {{[0-9]+}} RECENT
S a: x OK [UIDNEXT ${next}] ...
C a: y:$1 ${next} ${next-1}<SP>.<x41><a*3>
S a: 3 7 6 .Aaaa
C a: y:one|two|three
S? a: none
S! a: four
S* a: three
C a: z:* 1 FETCH (BODY[] {7}|hello|) ${uid}
`

func TestStatements(t *testing.T) {
	text := strings.Replace(whole, " ${uid}", "", 1) + `
S a: * 1 FETCH (BODY[] <<<
hello
>>>)
C b: :same 1 1
S b: same ${s} ${s}
quiet b 10ms
! say ${next} <<<
input
>>>
O: say 7
O: input
!! fail
O: no such ...
C b: bye
within 1s eof b
open b pop3
S b: ...
close b
`
	s, err := Parse("whole", text)
	if err != nil {
		t.Fatal(err)
	}
	if s.Skips["dovecot"] != "it is not a parrot" || len(s.Config) != 1 {
		t.Fatalf("headers: %+v", s)
	}
	Play(t, target(t), s)
}

// failing stands in for testing.TB to see a play fail.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper()             {}
func (f *failing) Logf(string, ...any) {}
func (f *failing) Fatalf(format string, a ...any) {
	f.message = fmt.Sprintf(format, a...)
	panic(f)
}

// TestFailures: each script must fail, for the reason given. A runner that cannot fail proves nothing.
func TestFailures(t *testing.T) {
	const hello = "open a imap\nS: * OK hello\n"
	for _, c := range []struct{ script, reason string }{
		{"open a imap\nS: * BYE", `got "* OK hello"`},
		{hello + "C: :x\nS: X", `got "x"`},
		{hello + "C: :one|two\nU: two\nU: three", "which is none of"},
		{hello + "C: :one|two\nS!: one\nS*: two", "must not come"},
		{hello + "C: :a b\nS: ${x} ${x}", `got "a b"`},
		{hello + "C: ${unset}", "not set"},
		{hello + "C: :x\nquiet 10s", "wanted silence"},
		{hello + "within 20ms S: more", "nothing came in time"},
		{hello + "within 20ms eof a", "nothing came in time"},
		{hello + "C: :x\neof a", "wanted the end"},
		{"! fail", "no such thing"},
		{"!! say", "wanted this action to fail"},
		{"! say\nO: other", "printed"},
		{"open a imap\nopen b imap\nS: x", "which of the 2"},
		{"open a imap\nS: {{(}}", "bad pattern"},
	} {
		s, err := Parse("failing", c.script)
		if err != nil {
			t.Fatal(err)
		}
		tg := target(t)
		f := &failing{TB: t}
		func() {
			defer func() {
				if r := recover(); r != nil && r != any(f) {
					panic(r)
				}
			}()
			Play(f, tg, s)
		}()
		if !strings.Contains(f.message, c.reason) {
			t.Errorf("%q: wanted failure %q, got %q", c.script, c.reason, f.message)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{
		"C: x <<<\nno end", "open a", "quiet", "what is this", "within soon S: x", "S: x\nconfig: late 1",
	} {
		if _, err := Parse("bad", text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
