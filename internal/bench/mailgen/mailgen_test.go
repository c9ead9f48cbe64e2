package mailgen

import (
	"bytes"
	"net/mail"
	"os"
	"path/filepath"
	"testing"
)

func TestMessagesAreWhatIsSaidOfThem(t *testing.T) {
	var b, again bytes.Buffer
	for _, k := range []Kind{Mixed, Sized(1024), Sized(1079), Sized(5000), Sized(100 << 10)} {
		for i := range 300 {
			k.Message(&b, i)
			k.Message(&again, i)
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Fatalf("%v: message %d differs from itself", k, i)
			}
			if k.Octets > 0 && b.Len() != k.Octets {
				t.Errorf("%v: message %d has %d octets", k, i, b.Len())
			}
			if lf, crlf := bytes.Count(b.Bytes(), []byte("\n")), bytes.Count(b.Bytes(), []byte("\r\n")); lf != crlf || !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) || bytes.Count(b.Bytes(), []byte("\r")) != crlf {
				t.Fatalf("%v: message %d: line ends", k, i)
			}
			m, err := mail.ReadMessage(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if d, err := m.Header.Date(); err != nil || !d.Equal(Date(i)) {
				t.Errorf("%v: message %d: date %v, %v", k, i, d, err)
			}
			if k == Mixed && bytes.Contains(b.Bytes(), []byte(Needle)) != HasNeedle(i) {
				t.Errorf("message %d: needle", i)
			}
			if bytes.Contains([]byte(m.Header.Get("Subject")), []byte(Topic)) != HasTopic(i) {
				t.Errorf("message %d: topic", i)
			}
		}
	}
}

func TestFill(t *testing.T) {
	ts := Templates{Dir: t.TempDir(), Own: func(string) error { return nil }}
	for _, k := range []Kind{Mixed, {Foreign: true}} {
		for _, n := range []int{5, 1100} { // a template grows
			box := t.TempDir()
			for _, d := range []string{"cur", "new", "tmp"} {
				os.Mkdir(filepath.Join(box, d), 0o755)
			}
			if err := ts.Fill(box, k, n); err != nil {
				t.Fatal(err)
			}
			if err := Drop(box, []byte("Subject: x\n\n"), ts.Own); err != nil {
				t.Fatal(err)
			}
			for dir, want := range map[string]int{"cur": n, "new": 1, "tmp": 0} {
				if files, _ := os.ReadDir(filepath.Join(box, dir)); len(files) != want {
					t.Errorf("%v, %d: %d files in %s", k, n, len(files), dir)
				}
			}
			facts, err := LoadFacts(ts.FactsPath(k), n)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			k.Message(&b, n-1)
			if f := facts[n-1]; f.Octets != uint32(b.Len()) || f != factOf(b.Bytes()) {
				t.Errorf("facts of the last: %+v", f)
			}
		}
	}
	if _, err := LoadFacts(ts.FactsPath(Mixed), 5000); err == nil {
		t.Error("facts of messages that are not there")
	}
}
