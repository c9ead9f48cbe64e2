package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
)

func parseList(t *testing.T, s string) *UIDList {
	t.Helper()
	l, err := ParseUIDList(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseUIDList(t *testing.T) {
	for _, c := range []struct {
		claim, in string
		want      UIDList
		next      uint32
	}{
		{"version 3", "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1 Xfoo\n" +
			"25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394\n" +
			"25017 W2481 S100 Puidl :1276533073.M242911P3632.kurkku:2,F\n",
			UIDList{Version: 3, UIDValidity: 1275660208, NextUID: 25022, GUID: "3085f01b7f11094c501100008c4a11c1", Extra: []string{"Xfoo"},
				Records: []UIDRecord{{25006, "1276528487.M364837P9451.kurkku,S=1355,W=1394", ""},
					{25017, "1276533073.M242911P3632.kurkku", "W2481 S100 Puidl"}}}, 25022},
		{"version 1", "1 5 3\n1 a:2,S\n2 b c\n",
			UIDList{Version: 1, UIDValidity: 5, NextUID: 3, Records: []UIDRecord{{1, "a", ""}, {2, "b c", ""}}}, 3},
		{"the header's next UID is stale", "3 V5 N2\n7 :a\n",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 2, Records: []UIDRecord{{7, "a", ""}}}, 8},
		{"broken lines are skipped", "3 V5 N9\n1 :a\nrubbish\n0 :b\n4294967295 :c\n2 d\n3 :x/y\n4 :\n5 :.h\n-6 :e\n\n7 :f\n",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 9, Records: []UIDRecord{{1, "a", ""}, {7, "f", ""}}, Bad: 9}, 9},
		{"a torn last line does not count", "3 V5 N3\n1 :a\n2 :bcd",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 3, Records: []UIDRecord{{1, "a", ""}}, Bad: 1}, 3},
		{"of a name twice the later line wins", "3 V5 N3\n1 :a\n2 :b\n3 :a\n",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 3, Records: []UIDRecord{{2, "b", ""}, {3, "a", ""}}, Bad: 1}, 4},
		{"UIDs that do not rise are sorted", "3 V5 N3\n2 :b\n1 :a\n2 :c\n",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 3, Records: []UIDRecord{{1, "a", ""}, {2, "c", ""}}, Bad: 1}, 3},
		{"a lost header loses no record", "12 Px :a\n13 :b\n",
			UIDList{Records: []UIDRecord{{12, "a", "Px"}, {13, "b", ""}}}, 14},
		{"a zero UIDVALIDITY is bad", "3 V0 N1\n1 :a\n",
			UIDList{Version: 3, NextUID: 1, Records: []UIDRecord{{1, "a", ""}}, Bad: 1}, 2},
		{"empty", "", UIDList{}, 1},
		{"a line that is too long", "3 V5 N3\n1 :" + strings.Repeat("x", 100000) + "\n2 :b\n",
			UIDList{Version: 3, UIDValidity: 5, NextUID: 3, Records: []UIDRecord{{2, "b", ""}}, Bad: 1}, 3},
		{"no UID is left", "3 V5 N4294967295\n", UIDList{Version: 3, UIDValidity: 5, NextUID: 4294967295}, 0},
	} {
		l := parseList(t, c.in)
		if len(l.Records) == 0 {
			l.Records = nil
		}
		if !reflect.DeepEqual(*l, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.claim, *l, c.want)
		}
		if l.Next() != c.next {
			t.Errorf("%s: next %d, want %d", c.claim, l.Next(), c.next)
		}
	}
	if l, err := ParseUIDList(strings.NewReader("2 5 3\n1 a\n")); !errors.Is(err, ErrBadFile) {
		t.Errorf("version 2: %+v, %v", l, err)
	}
}

// TestReadUIDListHeader: what it tells is what the whole list tells.
func TestReadUIDListHeader(t *testing.T) {
	m := &Maildir{root: t.TempDir(), fs: OS}
	if _, err := m.ReadUIDListHeader(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no list: %v", err)
	}
	for _, in := range []string{"", "\n", "3 V5 N3 G3085f01b7f11094c501100008c4a11c1 Xfoo\n1 :a\n", "3 V5 N3", "1 5 3\n1 a\n", "12 Px :a\n", "3 V0 N1\n1 :a\n",
		"3 N7 V\n", "rubbish\n3 V5 N3\n", "4 V5 N3\n1 :a\n", strings.Repeat("x", 100000) + "\n3 V5 N3\n"} {
		if err := os.WriteFile(m.uidlistPath(""), []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		want, wantErr := m.ReadUIDList("")
		want.Records, want.Bad = nil, 0
		if got, err := m.ReadUIDListHeader(""); !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%.40q: %+v, %v; whole %+v, %v", in, got, err, want, wantErr)
		}
	}
}

func TestUIDRecordKeys(t *testing.T) {
	r := UIDRecord{UID: 1, Base: "base", Keys: "S1 P Xy"}
	if u, ok := r.UIDL(); u != "base" || !ok {
		t.Errorf("empty P: %q, %v", u, ok)
	}
	r = r.WithKey(KeyUIDL, "u-1").WithKey(KeyWireSize, "7")
	if r.Keys != "S1 Xy Pu-1 W7" {
		t.Errorf("keys %q", r.Keys)
	}
	if u, ok := r.UIDL(); u != "u-1" || !ok {
		t.Errorf("%q, %v", u, ok)
	}
	if got := r.WithKey(KeyUIDL, "a b"); got != r {
		t.Errorf("took a value with a space: %+v", got)
	}
	if _, ok := (UIDRecord{Base: "b"}).UIDL(); ok {
		t.Error("a UIDL from nothing")
	}
}

func testMaildir(t *testing.T) *Maildir {
	t.Helper()
	m, err := Create(OS, NewNamer("h"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUIDListAppendAndRewrite(t *testing.T) {
	m := testMaildir(t)
	recs := []UIDRecord{{UID: 3, Base: "c", Keys: "Pu"}, {UID: 4, Base: "d,S=1"}}
	if err := m.AppendUIDs("", recs, true); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("appended to nothing: %v", err)
	}
	l := &UIDList{UIDValidity: 7, NextUID: 3, GUID: "00112233445566778899aabbccddeeff", Extra: []string{"Zkeep"},
		Records: []UIDRecord{{UID: 1, Base: "a"}, {UID: 2, Base: "b", Keys: "W5 Qown"}}}
	if err := m.RewriteUIDList("", l); err != nil {
		t.Fatal(err)
	}
	// A crash tore a line; nothing may come of it.
	f, _ := os.OpenFile(m.uidlistPath(""), os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString("3 :lost-mess")
	f.Close()
	for i := range recs {
		if err := m.AppendUIDs("", recs[i:i+1], i == 0); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.ReadUIDList("")
	if err != nil {
		t.Fatal(err)
	}
	want := *l
	want.Version, want.Records = 3, append(want.Records, recs...)
	if !reflect.DeepEqual(*got, want) {
		t.Fatalf("\n got %+v\nwant %+v", *got, want)
	}
	// What cannot be written is left out instead of breaking the file.
	if err := m.AppendUIDs("", []UIDRecord{{UID: 0, Base: "x"}, {UID: 5, Base: "x/y"}, {UID: 6, Base: "e\nf"}, {UID: 7, Base: "g", Keys: ":x K\n1"}}, false); err != nil {
		t.Fatal(err)
	}
	got, _ = m.ReadUIDList("")
	if n := len(got.Records); n != 5 || got.Bad != 0 || got.Records[4] != (UIDRecord{UID: 7, Base: "g"}) {
		t.Fatalf("%+v", got)
	}
	for _, content := range []string{"", "3 V5 N"} {
		os.WriteFile(m.uidlistPath(""), []byte(content), 0o600)
		if err := m.AppendUIDs("", recs, false); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("appended to %q: %v", content, err)
		}
	}
}

func FuzzUIDList(f *testing.F) {
	f.Add([]byte("3 V5 N9 Gabc Xy\n1 :a\n2 Px W3 :b:2,S\n"))
	f.Add([]byte("1 5 3\n1 a:2,S\n2 b c\n"))
	f.Add([]byte("12 Px :a\n12 :b\n11 :a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseUIDList(bytes.NewReader(data))
		if err != nil {
			return
		}
		bases := map[string]bool{}
		for i, r := range l.Records {
			if r.UID == 0 || r.UID >= maxUID || i > 0 && r.UID <= l.Records[i-1].UID || bases[r.Base] || !isMessage(r.Base) {
				t.Fatalf("bad record %+v in %+v", r, l)
			}
			bases[r.Base] = true
			r.UIDL()
		}
		if n := l.Next(); n != 0 && len(l.Records) > 0 && n <= l.Records[len(l.Records)-1].UID {
			t.Fatalf("next %d is in use", n)
		}
		var out bytes.Buffer
		if _, err := l.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ParseUIDList(&out)
		if err != nil || len(again.Records) != len(l.Records) || again.UIDValidity != l.UIDValidity {
			t.Fatalf("%+v is written and read as %+v, %v", l, again, err)
		}
		for i, r := range again.Records {
			if r.UID != l.Records[i].UID || r.Base != l.Records[i].Base {
				t.Fatalf("%+v became %+v", l.Records[i], r)
			}
		}
	})
}

func BenchmarkParseUIDList100k(b *testing.B) {
	l := &UIDList{UIDValidity: 1, NextUID: 1}
	for i := range 100_000 {
		l.Records = append(l.Records, UIDRecord{UID: uint32(i + 1), Base: fmt.Sprintf("1700000000.M%dP12345Q%dR0123456789ab.mail.example.org,S=12345,W=12345", i, i)})
	}
	var out bytes.Buffer
	l.WriteTo(&out)
	b.ReportAllocs()
	for b.Loop() {
		if l, err := ParseUIDList(bytes.NewReader(out.Bytes())); err != nil || len(l.Records) != 100_000 {
			b.Fatal(err)
		}
	}
}
