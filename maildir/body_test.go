package maildir

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// wire is what the bytes become for IMAP, done the plain way.
func wire(disk string) string {
	var b strings.Builder
	for i := range len(disk) {
		switch {
		case disk[i] == '\n' && (i == 0 || disk[i-1] != '\r'):
			b.WriteString("\r\n")
		case disk[i] == 0:
			b.WriteByte(0x80)
		default:
			b.WriteByte(disk[i])
		}
	}
	return b.String()
}

// Every range of every kind of message is that part of its wire form.
func TestBodyRanges(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	r := rand.New(rand.NewPCG(1, 2))
	long := strings.Repeat("a line of a long message\n", convertInMemory/20)
	for name, text := range map[string]string{
		"crlf": mail(1), "lf": "Subject: a\n\nb\n.c\n", "mixed": "Subject: a\r\n\nb\r\n\nc", "nul": "Subject: a\r\n\r\nb\x00c\r\n",
		"empty": "", "bare cr": "Subject: a\r\rb\n", "only lf": "\n\n\n", "long lf": long, "long crlf": strings.ReplaceAll(long, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			res := must[AppendResult](t)(m.Append(t.Context(), []Incoming{{R: strings.NewReader(text)}}))
			msg := m.Snapshot().Find(res.UIDs[0])
			want := wire(text)
			equal(t, "size", msg.Size, int64(len(want)))
			b := must[*Body](t)(m.Open(t.Context(), msg))
			defer b.Close()
			ranges := 12
			if len(text) > convertInMemory {
				ranges = 3
			}
			for i := range ranges {
				off, n := int64(0), int64(len(want))
				if i > 0 {
					off, n = r.Int64N(int64(len(want)+3))-1, r.Int64N(int64(len(want)+3))-1
				}
				part := ""
				if off >= 0 && off < int64(len(want)) && n > 0 {
					part = want[off:min(int64(len(want)), off+n)]
				}
				var out bytes.Buffer
				if _, err := b.WriteRange(&out, off, n); err != nil || out.String() != part {
					t.Fatalf("WriteRange %d+%d: %d octets instead of %d, %v", off, n, out.Len(), len(part), err)
				}
				got, err := io.ReadAll(b.Section(off, n))
				if err != nil || string(got) != part {
					t.Fatalf("Section %d+%d: %d octets instead of %d, %v", off, n, len(got), len(part), err)
				}
			}
		})
	}
}

// A file that became shorter while it is being sent leaves the literal in step.
func TestShortenedBody(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	m := open(t, a, Inbox)
	long := mail(1) + strings.Repeat("one line of many\r\n", readAtOnce/18) // a shorter one is read when it is opened
	for i, text := range []string{long, strings.ReplaceAll(mail(1), "\r", "")} {
		must[AppendResult](t)(m.Append(t.Context(), []Incoming{{R: strings.NewReader(text)}}))
		b := must[*Body](t)(m.Open(t.Context(), m.Snapshot().At(i)))
		if err := os.Truncate(a.dir.PathOf(m.Snapshot().At(i).place("")), 10); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		n := must[int64](t)(b.WriteRange(&out, 0, b.Size()))
		equal(t, "octets", n, b.Size())
		equal(t, "text", strings.TrimRight(out.String(), " "), text[:10])
		b.Close()
	}
	for _, x := range m.Snapshot().All() {
		must[*Body](t)(m.Open(t.Context(), x)).Close() // which notes the new size
	}
}
