package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseTrees(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			p := ParseBytes([]byte(s.msg), Limits{})
			if got := outline(s.msg, p.Root); got != s.want {
				t.Errorf("tree:\n got %s\nwant %s", got, s.want)
			}
			checkLaws(t, []byte(s.msg), p)
		})
	}
}

// checkLaws checks what holds for every message.
func checkLaws(t *testing.T, msg []byte, p *Parsed) {
	t.Helper()
	checkPart(t, msg, p.Root, 0, int64(len(msg)))
	if p.Root.HeaderOff != 0 || p.Root.EndOff != int64(len(msg)) {
		t.Errorf("root is [%d,%d) of %d bytes", p.Root.HeaderOff, p.Root.EndOff, len(msg))
	}
	if head := msg[:p.Root.BodyOff]; !p.HeaderCut && !bytes.Equal(p.Header, head) || !bytes.HasPrefix(head, p.Header) {
		t.Errorf("header is %q, want %q", p.Header, head)
	}
	checkSections(t, p)
	checkEnvelope(t, p.Envelope)

	// One byte at a time gives the same.
	one, err := Parse(iotest.OneByteReader(bytes.NewReader(msg)), Limits{})
	if err != nil || len(msg) < 1<<16 && !reflect.DeepEqual(one, p) {
		t.Errorf("byte by byte: %v, tree %s, want %s", err, outline(string(msg), one.Root), outline(string(msg), p.Root))
	}

	// The stored form comes back whole, in both forms.
	blob, err := p.MarshalBinary()
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var back Parsed
	if err := back.UnmarshalBinary(blob); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	if !sameParsed(&back, p) {
		t.Errorf("stored form: got %+v, want %+v", back, *p)
	}
	if h, cut, err := BlobHeader(blob); err != nil || cut != p.HeaderCut || !bytes.Equal(h, p.Header) {
		t.Errorf("BlobHeader: %q %v %v", h, cut, err)
	}
	meta, err := p.AppendMeta(nil)
	if err != nil {
		t.Fatalf("AppendMeta: %v", err)
	}
	env, err := BlobEnvelope(meta)
	if err != nil || !reflect.DeepEqual(env, p.Envelope) {
		t.Errorf("BlobEnvelope: %+v %v, want %+v", env, err, p.Envelope)
	}
	if root, err := BlobRoot(meta); err != nil || !samePart(root, p.Root) {
		t.Errorf("BlobRoot: %v", err)
	}
	if len(p.Header) > 0 {
		if _, _, err := BlobHeader(meta); !errors.Is(err, ErrBlob) {
			t.Errorf("BlobHeader of the meta form: %v", err)
		}
	}
}

func checkPart(t *testing.T, msg []byte, p *Part, from, to int64) {
	t.Helper()
	if p.HeaderOff < from || p.BodyOff < p.HeaderOff || p.EndOff < p.BodyOff || p.EndOff > to {
		t.Fatalf("part %s/%s at %d, %d, %d is not inside [%d,%d)", p.Type, p.Subtype, p.HeaderOff, p.BodyOff, p.EndOff, from, to)
	}
	if n := int64(bytes.Count(msg[p.BodyOff:p.EndOff], []byte("\n"))); n != p.Lines {
		t.Errorf("part %s/%s has %d lines, want %d", p.Type, p.Subtype, p.Lines, n)
	}
	if p.Type == "" || p.Subtype == "" || p.Encoding == "" {
		t.Errorf("part without type or encoding: %+v", p)
	}
	if p.Envelope != nil && (p.Message() == nil || p.Message().HeaderOff != p.BodyOff || p.Message().EndOff != p.EndOff) {
		t.Errorf("message part is not its message: %+v", p)
	}
	for _, s := range []string{p.Type, p.Subtype, p.ID, p.Description, p.Encoding, p.MD5, p.Disposition, p.Location} {
		checkLine(t, s)
	}
	for _, v := range append(append([]Param(nil), p.Params...), p.DispositionParams...) {
		checkLine(t, v.Name)
		checkLine(t, v.Value)
	}
	for _, s := range p.Language {
		checkLine(t, s)
	}
	checkEnvelope(t, p.Envelope)
	at := p.BodyOff
	for _, c := range p.Children {
		checkPart(t, msg, c, at, p.EndOff)
		at = c.EndOff
	}
}

func checkLine(t *testing.T, s string) {
	t.Helper()
	if strings.ContainsAny(s, "\r\n\x00") {
		t.Errorf("string would break a reply: %q", s)
	}
}

func checkEnvelope(t *testing.T, e *Envelope) {
	t.Helper()
	if e == nil {
		return
	}
	for _, s := range []string{e.Date, e.Subject, e.InReplyTo, e.MessageID} {
		checkLine(t, s)
	}
	for _, l := range [][]Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
		group := false
		for _, a := range l {
			for _, s := range []string{a.Name, a.Route, a.Mailbox, a.Host} {
				checkLine(t, s)
			}
			if (a.Kind == GroupStart) == group && a.Kind != Mailbox {
				t.Errorf("group marks do not pair: %+v", l)
			}
			group = group && a.Kind != GroupEnd || a.Kind == GroupStart
		}
		if group {
			t.Errorf("group is not closed: %+v", l)
		}
	}
}

// checkSections finds every part by its number, and nothing behind the last one.
func checkSections(t *testing.T, p *Parsed) {
	t.Helper()
	if got, ok := p.Section(nil); !ok || got != p.Root {
		t.Errorf("section of nothing is not the root")
	}
	// scope is a multipart or a message: the numbers below path count in it.
	var walk func(scope *Part, path []int)
	walk = func(scope *Part, path []int) {
		parts := []*Part{scope}
		if scope.IsMultipart() {
			parts = scope.Children
		}
		for i := range len(parts) + 2 {
			at := append(path[:len(path):len(path)], i)
			got, ok := p.Section(at)
			if ok != (1 <= i && i <= len(parts)) || ok && got != parts[i-1] {
				t.Errorf("section %v: %v %v", at, got, ok)
				return
			}
			if !ok {
				continue
			}
			switch {
			case got.Message() != nil:
				walk(got.Message(), at)
			case got.IsMultipart():
				walk(got, at)
			default:
				if _, ok := p.Section(append(at, 1)); ok {
					t.Errorf("section %v.1 of a leaf", at)
				}
			}
		}
	}
	walk(p.Root, nil)
}

func sameParsed(a, b *Parsed) bool {
	return bytes.Equal(a.Header, b.Header) && a.HeaderCut == b.HeaderCut && reflect.DeepEqual(a.Envelope, b.Envelope) && samePart(a.Root, b.Root)
}

// samePart does not tell nil from empty slices.
func samePart(a, b *Part) bool {
	if len(a.Children) != len(b.Children) || len(a.Params) != len(b.Params) || len(a.DispositionParams) != len(b.DispositionParams) || len(a.Language) != len(b.Language) {
		return false
	}
	for i := range a.Children {
		if !samePart(a.Children[i], b.Children[i]) {
			return false
		}
	}
	x, y := *a, *b
	x.Children, y.Children = nil, nil
	x.Language, y.Language = append([]string{}, a.Language...), append([]string{}, b.Language...)
	x.Params, y.Params = append([]Param{}, a.Params...), append([]Param{}, b.Params...)
	x.DispositionParams, y.DispositionParams = append([]Param{}, a.DispositionParams...), append([]Param{}, b.DispositionParams...)
	return reflect.DeepEqual(x, y)
}

func TestParseDeep(t *testing.T) {
	const depth = 200
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"b%d.\"\r\n\r\n--b%d.\r\n", i, i)
	}
	b.WriteString("\r\ndeep\r\n")
	for i := depth - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d.--\r\n", i)
	}
	p := ParseBytes([]byte(b.String()), Limits{})
	checkLaws(t, []byte(b.String()), p)
	n, at := 1, p.Root
	for ; len(at.Children) > 0; at = at.Children[0] {
		n++
	}
	if n != DefaultLimits.MaxDepth || !at.Is("application", "octet-stream") {
		t.Errorf("depth %d ends with %s/%s", n, at.Type, at.Subtype)
	}
}

func TestParseDeepMessages(t *testing.T) {
	msg := []byte(strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 200) + "body")
	p := ParseBytes(msg, Limits{})
	checkLaws(t, msg, p)
	if p.Root.Message() == nil {
		t.Error("outermost message was not opened")
	}
}

func TestParseManyParts(t *testing.T) {
	msg := []byte(crlf("Content-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat("--x\n\npart\n", 10_000) + "--x--\n"))
	p := ParseBytes(msg, Limits{})
	checkLaws(t, msg, p)
	n := len(p.Root.Children)
	if n != DefaultLimits.MaxParts {
		t.Fatalf("%d parts", n)
	}
	last := p.Root.Children[n-1]
	if !last.Is("application", "octet-stream") || last.EndOff != int64(len(msg)) {
		t.Errorf("the rest is %+v", last)
	}
}

func TestParseHugeHeader(t *testing.T) {
	msg := []byte("Subject: x\r\n" + strings.Repeat("X-Fill: "+strings.Repeat("y", 90)+"\r\n", 20_000) + "\r\nbody")
	p := ParseBytes(msg, Limits{})
	checkLaws(t, msg, p)
	if !p.HeaderCut || len(p.Header) > DefaultLimits.MaxHeader || !bytes.HasSuffix(p.Header, []byte("\r\n")) {
		t.Errorf("cut %v, %d bytes", p.HeaderCut, len(p.Header))
	}
	if p.Envelope.Subject != "x" || string(msg[p.Root.BodyOff:]) != "body" {
		t.Errorf("subject %q, body at %d", p.Envelope.Subject, p.Root.BodyOff)
	}
}

func TestParseHugePartHeaders(t *testing.T) {
	part := "--x\r\nContent-Type: image/png\r\nContent-Description: " + strings.Repeat("y", 4000) + "\r\n\r\n.\r\n"
	msg := []byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat(part, 1000))
	p := ParseBytes(msg, Limits{})
	checkLaws(t, msg, p)
	blob, _ := p.MarshalBinary()
	if max := 2 * DefaultLimits.MaxHeaders; len(blob) > max {
		t.Errorf("stored form has %d bytes", len(blob))
	}
	if n := len(p.Root.Children); n != 1000 {
		t.Errorf("%d parts", n)
	}
}

func TestParseLongLines(t *testing.T) {
	long := strings.Repeat("-", 100_000)
	msg := []byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n" + long + "\r\n--x\r\n\r\n--" + long + "\r\n--x" + long + "\r\n\r\nlast\r\n--x--\r\n")
	p := ParseBytes(msg, Limits{})
	checkLaws(t, msg, p)
	if n := len(p.Root.Children); n != 1 {
		t.Errorf("%d parts: the second boundary line closes the multipart, however long it is", n)
	}
}

func TestParseReaderError(t *testing.T) {
	broken := errors.New("broken disk")
	if _, err := Parse(io.MultiReader(strings.NewReader("Subject: x\r\n"), iotest.ErrReader(broken)), Limits{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	msg := []byte(crlf("To: a@b, c@d, e@f, g@h\nContent-Type: text/plain; a=1; b=2; c=3\n\nx"))
	p := ParseBytes(msg, Limits{MaxAddresses: 3, MaxParams: 2})
	if len(p.Envelope.To) > 3 || len(p.Root.Params) != 2 {
		t.Errorf("%d addresses, %d parameters", len(p.Envelope.To), len(p.Root.Params))
	}
}
