package wire

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// decode returns a decoder that has begun the first command of in. It reads through the smallest buffer there
// is, so that every element is also met across the border of a read.
func decode(in string) *Decoder {
	d := NewDecoder(bufio.NewReaderSize(strings.NewReader(in), 16))
	d.SetLimits(AfterLogin())
	if err := d.Begin(); err != nil {
		panic(err)
	}
	return d
}

// rest returns what a resynchronised decoder has not read.
func rest(t *testing.T, d *Decoder) string {
	t.Helper()
	if err := d.Resync(); err != nil {
		t.Fatalf("Resync: %v", err)
	}
	b, err := io.ReadAll(d.br)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestElements(t *testing.T) {
	str := func(f func(d *Decoder, s *string) bool) func(d *Decoder) (any, bool) {
		return func(d *Decoder) (any, bool) { var s string; ok := f(d, &s); return s, ok }
	}
	tag, atom := str((*Decoder).ExpectTag), str((*Decoder).ExpectAtom)
	keyword, att := str((*Decoder).ExpectKeyword), str((*Decoder).ExpectAtt)
	quoted, astring, flag := str((*Decoder).ExpectQuoted), str((*Decoder).ExpectAString), str((*Decoder).ExpectFlag)
	mailbox, pattern := str((*Decoder).ExpectMailbox), str((*Decoder).ExpectListMailbox)
	number := func(d *Decoder) (any, bool) { var n uint32; ok := d.ExpectNumber(&n); return n, ok }
	nz := func(d *Decoder) (any, bool) { var n uint32; ok := d.ExpectNZNumber(&n); return n, ok }
	number64 := func(d *Decoder) (any, bool) { var n uint64; ok := d.ExpectNumber64(&n); return n, ok }
	nstring := func(d *Decoder) (any, bool) {
		var s string
		ok := true
		if !d.ExpectNString(&s, &ok) {
			return nil, false
		}
		if !ok {
			return nil, true
		}
		return s, true
	}
	flags := func(d *Decoder) (any, bool) { var f []string; ok := d.ExpectFlags(&f); return strings.Join(f, "|"), ok }
	date := func(d *Decoder) (any, bool) {
		var v time.Time
		ok := d.ExpectDate(&v)
		return v.Format(time.RFC3339), ok
	}
	dateTime := func(d *Decoder) (any, bool) {
		var v time.Time
		ok := d.ExpectDateTime(&v)
		return v.Format(time.RFC3339), ok
	}
	set := func(d *Decoder) (any, bool) { var s NumSet; ok := d.ExpectNumSet(&s); return s.String(), ok }
	section := func(d *Decoder) (any, bool) {
		var s Section
		ok := d.ExpectSection(&s)
		var b strings.Builder
		e := NewEncoder(&b)
		e.Section(s).Flush()
		return b.String(), ok
	}
	partial := func(d *Decoder) (any, bool) {
		var p Partial
		ok := d.expect(d.Partial(&p), "<")
		return p, ok
	}
	const bad = "\x00bad" // stands for a syntax error

	for _, tt := range []struct {
		name string
		read func(d *Decoder) (any, bool)
		in   string
		want any
	}{
		{"tag", tag, "A001", "A001"},
		{"tag", tag, "]a", "]a"},
		{"tag", tag, "+", bad},
		{"tag", tag, `"a"`, bad},
		{"tag", tag, strings.Repeat("a", maxTag), strings.Repeat("a", maxTag)},
		{"tag", tag, strings.Repeat("a", maxTag+1), bad},
		{"atom", atom, "a[b.c", "a[b.c"},
		{"atom", atom, "(", bad},
		{"atom", atom, "\x80", bad},
		{"atom", atom, "", bad},
		{"keyword", keyword, "fEtch", "FETCH"},
		{"keyword", keyword, "x-Unknown", "X-UNKNOWN"},
		{"att", att, "body.peek", "BODY.PEEK"},
		{"quoted", quoted, `"a b"`, "a b"},
		{"quoted", quoted, `""`, ""},
		{"quoted", quoted, `"\"\\"`, `"\`},
		{"quoted", quoted, `"` + strings.Repeat("long ", 50) + `"`, strings.Repeat("long ", 50)},
		{"quoted", quoted, `"a\b"`, bad},
		{"quoted", quoted, `"a`, bad},
		{"quoted", quoted, "\"a\x00\"", bad},
		{"quoted", quoted, "\"\u00e4\"", bad},
		{"astring", astring, "a]b", "a]b"},
		{"astring", astring, `"x"`, "x"},
		{"astring", astring, "{3+}\r\na\r\n", "a\r\n"},
		{"astring", astring, "{3+}\na b", "a b"},
		{"astring", astring, "{0+}\r\n", ""},
		{"astring", astring, "~{3+}\r\na\x00b", "a\x00b"},
		{"astring", astring, "{3+}\r\na\x00b", bad},
		{"astring", astring, "{3+}\r\n\xff\xfe\xfd", "\xff\xfe\xfd"},
		{"astring", astring, "%", bad},
		{"astring", astring, "{+}", bad},
		{"astring", astring, "{99999999999999999999+}", bad},
		{"nstring", nstring, "nil", nil},
		{"nstring", nstring, `"NIL"`, "NIL"},
		{"nstring", nstring, "atom", bad},
		{"flag", flag, `\Seen`, `\Seen`},
		{"flag", flag, `$Junk`, `$Junk`},
		{"flag", flag, `\`, bad},
		{"flag", flag, `\*`, bad},
		{"flags", flags, `(\Seen b)`, `\Seen|b`},
		{"flags", flags, `()`, ``},
		{"flags", flags, `( \Seen  b )`, `\Seen|b`},
		{"flags", flags, `\Seen b`, `\Seen|b`},
		{"flags", flags, `(a`, bad},
		{"flags", flags, `(a"b")`, bad},
		{"mailbox", mailbox, `Entw&APw-rfe`, "Entwürfe"},
		{"mailbox", mailbox, `A&B`, "A&B"},
		{"mailbox", mailbox, "{3+}\r\n\u00fca", "üa"},
		{"mailbox", mailbox, "{1+}\r\n\xfc", bad},
		{"pattern", pattern, `%/*`, "%/*"},
		{"pattern", pattern, `"%"`, "%"},
		{"number", number, "0", uint32(0)},
		{"number", number, "4294967295", uint32(4294967295)},
		{"number", number, "4294967296", bad},
		{"number", number, "-1", bad},
		{"nz-number", nz, "0", bad},
		{"number64", number64, "9223372036854775807", uint64(9223372036854775807)},
		{"number64", number64, "9223372036854775808", bad},
		{"date", date, "1-Feb-2024", "2024-02-01T00:00:00Z"},
		{"date", date, `"29-feb-2024"`, "2024-02-29T00:00:00Z"},
		{"date", date, "29-Feb-2023", bad},
		{"date", date, "0-Feb-2023", bad},
		{"date", date, "1-Foo-2023", bad},
		{"date-time", dateTime, `" 1-Feb-2024 03:04:05 +0130"`, "2024-02-01T03:04:05+01:30"},
		{"date-time", dateTime, `"01-Feb-2024 03:04:05 -0500"`, "2024-02-01T03:04:05-05:00"},
		{"date-time", dateTime, `"01-Feb-2024 03:04:05 +0000"`, "2024-02-01T03:04:05Z"},
		{"date-time", dateTime, `"01-Feb-2024 24:04:05 +0000"`, bad},
		{"date-time", dateTime, `"01-Feb-2024 03:04:05"`, bad},
		{"date-time", dateTime, `01-Feb-2024`, bad},
		{"set", set, "1,2,3:5,7,*:9,2", "1:5,7,*:9,2"},
		{"set", set, "$", "$"},
		{"set", set, "1,$", bad},
		{"section", section, "[]", "[]"},
		{"section", section, "[1.2.mime]", "[1.2.MIME]"},
		{"section", section, "[1]", "[1]"},
		{"section", section, "[1.]", bad},
		{"section", section, "[0]", bad},
		{"section", section, "[mime]", bad},
		{"section", section, "[TEXT.1]", bad},
		{"section", section, "[1.1.header]", "[1.1.HEADER]"},
		{"section", section, `[header.fields (From "To" {7+}` + "\r\nX Spam:)]", `[HEADER.FIELDS (From To "X Spam:")]`},
		{"section", section, "[header.fields ()]", bad},
		{"section", section, "[header.fields.not (a)]", "[HEADER.FIELDS.NOT (a)]"},
		{"partial", partial, "<0.393216>", Partial{0, 393216}},
		{"partial", partial, "<1.0>", bad},
		{"partial", partial, "<1>", bad},
	} {
		d := decode(tt.in + "\r\nnext")
		got, ok := tt.read(d)
		if ok {
			ok = d.ExpectCRLF()
		}
		switch {
		case ok != (d.Err() == nil):
			t.Errorf("%s %q: returned %v with error %v", tt.name, tt.in, ok, d.Err())
		case !ok && tt.want != bad:
			t.Errorf("%s %q: %v", tt.name, tt.in, d.Err())
		case ok && !reflect.DeepEqual(got, tt.want):
			t.Errorf("%s %q: got %#v, want %#v", tt.name, tt.in, got, tt.want)
		case !ok:
			var syntax *SyntaxError
			if !errors.As(d.Err(), &syntax) || syntax.Text == "" {
				t.Errorf("%s %q: error %#v is no syntax error with a text", tt.name, tt.in, d.Err())
			}
		}
		if tt.in == "{99999999999999999999+}" {
			continue // nobody can skip that
		}
		if r := rest(t, d); r != "next" {
			t.Errorf("%s %q: left %q in the stream", tt.name, tt.in, r)
		}
	}
}

// A try that does not fit consumes nothing and is no error.
func TestTry(t *testing.T) {
	d := decode("a\r\n")
	var s string
	var n uint32
	var set NumSet
	var when time.Time
	var p Partial
	ok := true
	if d.SP() || d.CRLF() || d.Number(&n) || d.Quoted(&s) || d.String(&s) || d.NumSet(&set) || d.DateTime(&when) ||
		d.Partial(&p) || d.Literal() != nil || d.Special('(') || d.List(func() bool { return false }) {
		t.Error("a try took something else")
	}
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	if !d.Atom(&s) || s != "a" || d.NString(&s, &ok) || d.Atom(&s) || d.Keyword(&s) || d.Flag(&s) || !d.CRLF() {
		t.Error("tries changed the place", s, d.Err())
	}
}

func TestErrorText(t *testing.T) {
	var s string
	for _, tt := range []struct {
		in   string
		read func(d *Decoder)
		want string
	}{
		{"a\r\n", func(d *Decoder) { d.ExpectTag(&s); d.ExpectSP() }, "expected SP after tag, found end of line"},
		{"a NOOP x\r\n", func(d *Decoder) { d.ExpectTag(&s); d.ExpectSP(); d.ExpectVerb(&s); d.ExpectCRLF() },
			`expected end of line after command, found "x"`},
		{"\x07", func(d *Decoder) { d.ExpectAtom(&s) }, "expected atom, found byte 0x07"},
		{"(a \r\n", func(d *Decoder) { d.ExpectList(func() bool { return d.ExpectAtom(&s) }) },
			"expected SP or ) after atom, found end of line"},
		{"\r\n", func(d *Decoder) { d.ExpectCRLF(); d.ExpectAtom(&s) }, "command ended early"},
	} {
		d := decode(tt.in)
		tt.read(d)
		if d.Err() == nil || d.Err().Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.in, d.Err(), tt.want)
		}
	}
}

func TestBlanks(t *testing.T) {
	d := decode("a  noop \r\nb")
	var tag, verb string
	if !d.ExpectTag(&tag) || !d.ExpectSP() || !d.ExpectVerb(&verb) || d.SP() || !d.ExpectCRLF() {
		t.Fatal(d.Err())
	}
	if tag != "a" || verb != "NOOP" || rest(t, d) != "b" {
		t.Error(tag, verb)
	}
}

func TestNesting(t *testing.T) {
	deep := func(n int) error {
		d := decode(strings.Repeat("(", n) + "a" + strings.Repeat(")", n) + "\r\nnext")
		var list func() bool
		var s string
		list = func() bool { return d.Atom(&s) || d.ExpectList(list) }
		if d.ExpectList(list) {
			d.ExpectCRLF()
		}
		if r := rest(t, d); r != "next" {
			t.Errorf("depth %d: left %q", n, r)
		}
		return d.Err()
	}
	if err := deep(AfterLogin().Depth); err != nil {
		t.Error(err)
	}
	if deep(AfterLogin().Depth+1) == nil || deep(1_000_000) == nil {
		t.Error("nesting is not bounded")
	}
}

// An element that reads nothing would keep a list going for ever.
func TestListWithoutProgress(t *testing.T) {
	d := decode("(x)\r\n")
	if d.ExpectList(func() bool { return true }) || d.Err() == nil {
		t.Error("the list ended well")
	}
}

func TestLineLimit(t *testing.T) {
	for _, tt := range []struct {
		line string
		ok   bool
	}{
		{strings.Repeat("a", 97) + "\r\n", true},
		{strings.Repeat("a", 101) + "\r\n", false},
		{strings.Repeat("a ", 60) + "\r\n", false},
		{strings.Repeat("a", 90) + " {200+}\r\n" + strings.Repeat("b", 200) + "\r\n", true},
	} {
		d := decode(tt.line + "next")
		d.SetLimits(Limits{Line: 100, String: 1000, Strings: 1000, Drain: 1000})
		var s string
		for d.ExpectAString(&s) && d.SP() {
		}
		ok := d.ExpectCRLF()
		if ok != tt.ok || !ok && !errors.Is(d.Err(), ErrLineTooLong) {
			t.Errorf("%.20q: %v", tt.line, d.Err())
		}
		if r := rest(t, d); r != "next" {
			t.Errorf("%.20q: left %q", tt.line, r)
		}
	}
}

// The border of the line limit falls on every byte of a command with a literal once; the stream must stay in step.
func TestLineLimitEverywhere(t *testing.T) {
	const in = "a LOGIN {3+}\r\nb c {4+}\r\nd\r\ne\r\n"
	for limit := range int64(len(in) + 1) {
		d := decode(in + "next")
		d.SetLimits(Limits{Line: limit, String: 100, Strings: 100, Drain: 100, Depth: 1})
		var s string
		for d.ExpectAString(&s) && d.SP() {
		}
		d.ExpectCRLF()
		if r := rest(t, d); r != "next" {
			t.Errorf("limit %d: left %q", limit, r)
		}
	}
}

func TestEOF(t *testing.T) {
	d := decode("")
	var s string
	if d.ExpectTag(&s) || d.Err() != io.EOF || d.IOErr() != io.EOF {
		t.Errorf("between commands: %v", d.Err())
	}
	for _, in := range []string{"a", "a ", "a {3+}", "a {3+}\r\n", "a {3+}\r\nab", "a\r", `a "x`} {
		d := decode(in)
		for d.ExpectAString(&s) && d.ExpectSP() {
		}
		if d.Resync() == nil || !errors.Is(d.IOErr(), io.ErrUnexpectedEOF) || d.Begin() == nil {
			t.Errorf("%q: %v", in, d.Err())
		}
	}
}
