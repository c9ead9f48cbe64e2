package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var errRefused = errors.New("refused")

func TestLiteralReader(t *testing.T) {
	const body = "From: a\r\n\r\na2 LOGOUT\r\n"
	for _, header := range []string{"{22}", "{22+}", "~{22}", "~{22+}"} {
		for name, read := range map[string]func(l *Literal) (string, error){
			"Read":     func(l *Literal) (string, error) { b, err := io.ReadAll(l); return string(b), err },
			"one byte": func(l *Literal) (string, error) { b, err := io.ReadAll(iotest.OneByteReader(l)); return string(b), err },
			"WriteTo": func(l *Literal) (string, error) {
				var b strings.Builder
				_, err := io.Copy(&b, l)
				return b.String(), err
			},
		} {
			d := decode("a APPEND x " + header + "\r\n" + body + "\r\nnext")
			asked := 0
			d.Continue = func(size int64, nonSync, binary bool) error {
				asked++
				if size != 22 || nonSync != strings.Contains(header, "+") || binary != (header[0] == '~') {
					t.Errorf("%s: asked for %d %v %v", header, size, nonSync, binary)
				}
				return nil
			}
			var s string
			d.ExpectTag(&s)
			d.ExpectSP()
			d.ExpectVerb(&s)
			d.ExpectSP()
			d.ExpectMailbox(&s)
			d.ExpectSP()
			l := d.ExpectLiteral()
			if l == nil {
				t.Fatal(d.Err())
			}
			if _, err := l.Read(make([]byte, 1)); err == nil || err == io.EOF || asked != 0 {
				t.Errorf("read before Accept: %v", err)
			}
			if err := l.Accept(); err != nil {
				t.Fatal(err)
			}
			got, err := read(l)
			if err != nil || got != body || asked != 1 {
				t.Errorf("%s %s: %q %v", header, name, got, err)
			}
			if !d.ExpectCRLF() || rest(t, d) != "next" {
				t.Errorf("%s %s: %v", header, name, d.Err())
			}
		}
	}
}

// No element may be read in the midst of a literal.
func TestLiteralUnread(t *testing.T) {
	d := decode("{5+}\r\nab cd\r\nnext")
	l := d.ExpectLiteral()
	if err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	io.ReadFull(l, make([]byte, 3))
	var s string
	if d.Atom(&s) || d.Err() == nil {
		t.Error("read an atom out of a literal")
	}
	if n, nonSync := d.LiteralPending(); n != 2 || !nonSync {
		t.Error(n, nonSync)
	}
	if err := d.Begin(); !errors.Is(err, ErrDesync) {
		t.Errorf("Begin in a literal: %v", err)
	}
	if r := rest(t, d); r != "next" {
		t.Errorf("left %q", r)
	}
}

func TestLiteralEmpty(t *testing.T) {
	d := decode("{0+}\r\n\r\nnext")
	l := d.ExpectLiteral()
	if err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if !d.ExpectCRLF() || rest(t, d) != "next" {
		t.Error(d.Err())
	}
}

func TestLiteralLimits(t *testing.T) {
	big := strings.Repeat("x", 5000)
	for _, tt := range []struct {
		name string
		in   string
		set  func(d *Decoder)
		want error
	}{
		{"string over limit", "{101+}\r\n" + big[:101] + "\r\n", nil, ErrLiteralTooBig},
		{"sync string over limit", "{101}\r\n", nil, ErrLiteralTooBig},
		{"strings together", "{90+}\r\n" + big[:90] + " {90+}\r\n" + big[:90] + "\r\n", nil, ErrLiteralTooBig},
		{"within limits", "{90+}\r\n" + big[:90] + " {60+}\r\n" + big[:60] + "\r\n", nil, nil},
		{"LITERAL-", "{5000+}\r\n" + big + "\r\n", func(d *Decoder) {
			d.LiteralMinus = true
			d.SetLimits(AfterLogin())
		}, ErrLiteralTooBig},
		{"LITERAL- up to 4096", "{4096+}\r\n" + big[:4096] + "\r\n", func(d *Decoder) {
			d.LiteralMinus = true
			d.SetLimits(AfterLogin())
		}, nil},
		{"refused", "{9+}\r\na LOGOUT\n\r\n", func(d *Decoder) {
			d.Continue = func(int64, bool, bool) error { return errRefused }
		}, errRefused},
		{"refused sync", "{9}\r\n", func(d *Decoder) {
			d.Continue = func(int64, bool, bool) error { return errRefused }
		}, errRefused},
		{"nobody to say +", "{9}\r\n", nil, ErrLiteralTooBig},
	} {
		d := decode(tt.in + "next")
		d.SetLimits(Limits{Line: 1000, String: 100, Strings: 150, Drain: 10000})
		if tt.set != nil {
			tt.set(d)
		}
		var s string
		for d.ExpectAString(&s) && d.SP() {
		}
		d.ExpectCRLF()
		if !errors.Is(d.Err(), tt.want) {
			t.Errorf("%s: %v", tt.name, d.Err())
		}
		if r := rest(t, d); r != "next" {
			t.Errorf("%s: left %.40q", tt.name, r)
		}
	}
}

func TestLiteralCutOff(t *testing.T) {
	d := decode("{10+}\r\nabc")
	l := d.ExpectLiteral()
	if err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(l); string(b) != "abc" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q %v: half a message looks whole", b, err)
	}
	if d.Resync() == nil || d.IOErr() == nil {
		t.Error("Resync after the connection ended")
	}
}
