package dialogue

import (
	"strings"
	"testing"
)

// A target may say things in ways of its own; one that does not say so is held to the letter, and nothing else is let through.
func TestOtherWaysToSayIt(t *testing.T) {
	lenient := func(g *Target) {
		g.Same = func(line string) []string { return []string{strings.ToUpper(line)} }
		g.Extra = func(line string) bool { return line == "chatter" }
		g.AnyOrder = func(text string) bool { return strings.HasPrefix(text, "* ") }
		g.AnyWords = true
	}
	for _, c := range []struct {
		script  string
		lenient bool // whether a lenient target passes; none passes without
	}{
		{"C: x:one\nS: ONE", true},
		{"C: x:one\nS: TWO", false},
		{"C: x:chatter|ONE\nS: ONE", true},
		{"C: x:noise|ONE\nS: ONE", false},
		{"C: x:* B|* A|END\nS: * A\nS: * B\nS: END", true},
		{"C: x:* B|* C|END\nS: * A\nS: * B\nS: END", false},
		{"C: x:* B|END\nS: * A\nS: * B\nS: END", false},
		{"C: x:a NO [X] words\nS: a NO [X] other words", true},
		{"C: x:a NO [Y] words\nS: a NO [X] other words", false},
		{"C: x:a NO words\nS: a NO [X] words", false},
		{"C: x:a OK words\nS: a BAD words", false},
	} {
		for _, mode := range []bool{false, true} {
			g := target(t)
			if mode {
				lenient(g)
			}
			if got := passes(t, g, "open i imap\nS: * OK hello\n"+c.script); got != (mode && c.lenient) {
				t.Errorf("lenient %v: passes %v:\n%s", mode, got, c.script)
			}
		}
	}
}

// passes plays a script and tells whether it was met.
func passes(t *testing.T, g *Target, text string) (met bool) {
	s, err := Parse("inline", text+"\n")
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(f) {
			panic(r)
		}
		met = f.message == ""
	}()
	Play(f, g, s)
	return true
}
