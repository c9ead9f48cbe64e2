package disk

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestKeywords(t *testing.T) {
	k, bad := ParseKeywords([]byte("0 $Forwarded\n3 Work\nx y\n26 no\n-1 no\n4 work\n5\n6 a b\n3 Job\n"))
	if k != (Keywords{0: "$Forwarded", 3: "Job", 4: "work"}) || bad != 5 {
		t.Fatalf("%q, %d bad", k, bad)
	}
	if l, ok := k.Letter("JOB"); l != 'd' || !ok || k.Keyword('d') != "Job" || k.Keyword('z') != "" || k.Keyword('A') != "" {
		t.Errorf("letters: %c, %v", l, ok)
	}
	if again, bad := ParseKeywords(k.Format()); again != k || bad != 0 {
		t.Errorf("comes back as %q", again)
	}
}

func TestKeywordsTimeGrows(t *testing.T) {
	m := testMaildir(t)
	if k, bad, err := m.ReadKeywords(""); k != (Keywords{}) || bad != 0 || err != nil {
		t.Fatal(k, bad, err)
	}
	var last int64
	for i := range 5 {
		var k Keywords
		k[i] = "kw"
		if err := m.WriteKeywords("", &k); err != nil {
			t.Fatal(err)
		}
		st, err := m.fs.Stat(m.Root() + "/" + KeywordsFile)
		if err != nil {
			t.Fatal(err)
		}
		if st.ModTime().Unix() <= last {
			t.Fatalf("write %d: second %d after %d", i, st.ModTime().Unix(), last)
		}
		last = st.ModTime().Unix()
		if got, _, err := m.ReadKeywords(""); got != k || err != nil {
			t.Fatal(got, err)
		}
	}
}

func FuzzKeywords(f *testing.F) {
	f.Add([]byte("0 a\n1 A\n25 z\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, _ := ParseKeywords(data)
		if again, bad := ParseKeywords(k.Format()); again != k || bad != 0 {
			t.Fatalf("%q comes back as %q, %d bad", k, again, bad)
		}
	})
}

func TestSubscriptions(t *testing.T) {
	for _, c := range []struct {
		in      string
		e       Encoding
		version int
		names   []string
	}{
		{"", MUTF7, 2, []string{}},
		{"V\t2\n\nINBOX\nA\tB\nEntw&APw-rfe\n", MUTF7, 2, []string{"A/B", "Entwürfe", "INBOX"}},
		{"V\t2\n\nA\nA\n\n\nA\x01tB\nlast", UTF8, 2, []string{"A", "last"}},
		{"INBOX\nA.B\nB\n.x\n", MUTF7, 1, []string{"A/B", "B", "INBOX"}},
	} {
		s := ParseSubscriptions([]byte(c.in))
		if got := s.Names(c.e); s.Version != c.version || !slices.Equal(got, c.names) {
			t.Errorf("%q: version %d, %q, want %q", c.in, s.Version, got, c.names)
		}
	}
	for _, in := range []string{"V\t2\n\n", "X\n"} {
		s := ParseSubscriptions([]byte(in))
		for _, name := range []string{"A/B", "v1.0", "INBOX", "Entwürfe"} {
			if added, err := s.Add(name, MUTF7); !added || err != nil {
				t.Fatal(name, added, err)
			}
			if added, err := s.Add(name, MUTF7); added || err != nil {
				t.Fatal(name, added, err)
			}
		}
		if _, err := s.Add("a//b", MUTF7); !errors.Is(err, ErrBadName) {
			t.Error(err)
		}
		again := ParseSubscriptions(s.Format())
		if !reflect.DeepEqual(again, s) {
			t.Fatalf("%q comes back as %+v", s.Format(), again)
		}
		if !again.Remove("A/B", MUTF7) || again.Remove("A/B", MUTF7) || slices.Contains(again.Names(MUTF7), "A/B") {
			t.Error("not removed once")
		}
	}
	// Lines that are not ours stay.
	s := ParseSubscriptions([]byte("V\t2\n\n&bad\nA\n"))
	s.Remove("A", MUTF7)
	if got := string(s.Format()); got != "V\t2\n\n&bad\n" {
		t.Errorf("%q", got)
	}
	m := testMaildir(t)
	s, err := m.ReadSubscriptions()
	if err != nil || s.Version != 2 {
		t.Fatal(s, err)
	}
	s.Add("x", UTF8)
	if err := m.WriteSubscriptions(s); err != nil {
		t.Fatal(err)
	}
	if s, err = m.ReadSubscriptions(); err != nil || !slices.Equal(s.Names(UTF8), []string{"x"}) {
		t.Fatal(s, err)
	}
}

func FuzzSubscriptions(f *testing.F) {
	f.Add([]byte("V\t2\n\nINBOX\nA\tB\nx\x01t\n"), "A/B")
	f.Add([]byte("INBOX\nA.B\n"), "v1.0")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		s := ParseSubscriptions(data)
		for _, e := range []Encoding{MUTF7, UTF8} {
			before := s.Names(e)
			if _, err := s.Add(name, e); err != nil {
				continue
			}
			if again := ParseSubscriptions(s.Format()); !slices.Contains(again.Names(e), name) {
				t.Fatalf("%q is not in %q", name, s.Format())
			}
			s.Remove(name, e)
			after := s.Names(e)
			before = slices.DeleteFunc(before, func(n string) bool { return n == name })
			if !slices.Equal(before, after) {
				t.Fatalf("%q became %q", before, after)
			}
		}
	})
}

func TestUIDValidity(t *testing.T) {
	m := testMaildir(t)
	now := time.Unix(1700000000, 0)
	if v, err := m.UIDValidity(); v != 0 || err != nil {
		t.Fatal(v, err)
	}
	for _, c := range []struct{ atLeast, want uint32 }{{0, 1700000000}, {0, 1700000001}, {5, 1700000002}, {1800000000, 1800000000}, {0, 1800000001}} {
		if v, err := m.NextUIDValidity(now, c.atLeast); v != c.want || err != nil {
			t.Fatalf("%d, %v, want %d", v, err, c.want)
		}
		if v, err := m.UIDValidity(); v != c.want || err != nil {
			t.Fatalf("remembers %d, %v", v, err)
		}
	}
	// A leftover of a crash: the highest wins, the other goes.
	os.WriteFile(m.counterPath(7), nil, 0o444)
	if v, err := m.NextUIDValidity(now, 0); v != 1800000002 || err != nil {
		t.Fatal(v, err)
	}
	if _, err := os.Stat(m.counterPath(7)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	os.WriteFile(m.Root()+"/"+uidvalidityFile, []byte("rubbish"), 0o600)
	if v, err := m.UIDValidity(); v != 1800000002 || err != nil {
		t.Fatal(v, err)
	}
}

func TestUIDValidityIsGivenOnce(t *testing.T) {
	m := testMaildir(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	given := map[uint32]bool{}
	for range 8 {
		wg.Go(func() {
			for range 5 {
				v, err := m.NextUIDValidity(time.Unix(1700000000, 0), 0)
				mu.Lock()
				if given[v] || err != nil {
					t.Errorf("%d was given twice, or %v", v, err)
				}
				given[v] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestCourierSizes(t *testing.T) {
	l, err := ParseSizeList(strings.NewReader("/3 9 77\n1.h,S=5:2,S 100 3:77:0\na b 5 4:77:1\nold 7 0:0:0\nn 8 2:0:0\nbad\nx y z:1:0\ntorn 5 8:7"))
	want := &SizeList{Version: 3, NextUID: 9, UIDValidity: 77, Bad: 3, Entries: []SizeEntry{
		{"1.h,S=5", 100, 3, 77, false}, {"a b", 5, 4, 77, true}, {"old", 7, 0, 0, false}, {"n", 8, 2, 0, false}}}
	if err != nil || !reflect.DeepEqual(l, want) {
		t.Fatalf("\n got %+v, %v\nwant %+v", l, err, want)
	}
	for i, uidl := range []string{"UID3-77", "UID4-77", "old", "UID2"} {
		if got := l.Entries[i].UIDL(); got != uidl {
			t.Errorf("UIDL %q, want %q", got, uidl)
		}
	}
	if got := (SizeEntry{Base: "a b+'é"}).UIDL(); got != "a+20b+2B+27+C3+A9" {
		t.Errorf("%q", got)
	}
	l, err = ParseSizeList(strings.NewReader("/2 5 6\na:2,S 10 1:6\n"))
	if err != nil || l.Version != 2 || len(l.Entries) != 1 || l.Entries[0] != (SizeEntry{"a", 10, 1, 6, false}) {
		t.Errorf("version 2: %+v, %v", l, err)
	}
	l, err = ParseSizeList(strings.NewReader("a:2,S 10\n"))
	if err != nil || l.Version != 1 || len(l.Entries) != 1 || l.Entries[0].UIDL() != "a" {
		t.Errorf("no header: %+v, %v", l, err)
	}
}

func FuzzCourier(f *testing.F) {
	f.Add([]byte("/3 9 77\n1.h:2,S 100 3:77:0\nINBOX.A\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseSizeList(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.Entries {
			if e.Size < 0 || !isMessage(e.Base) || strings.ContainsAny(e.UIDL(), " \n\x00") {
				t.Fatalf("%+v", e)
			}
		}
		for _, e := range []Encoding{MUTF7, UTF8} {
			names, _ := ParseCourierSubscribed(data, e)
			for _, n := range names {
				if _, err := FolderDir(n, e); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestCourierFiles(t *testing.T) {
	m := testMaildir(t)
	if _, err := m.ReadCourierUIDs(""); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := m.ReadCourierSizes(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err := m.ReadCourierSubscribed(UTF8); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	os.WriteFile(m.Root()+"/"+courierUIDs, []byte("1 77 3\n1 a\n2 b:2,S\n"), 0o600)
	os.WriteFile(m.Root()+"/"+courierSubscribed, []byte("INBOX\nINBOX.A.B\nINBOX.Entwürfe\n#shared.x\nINBOX..\n\n"), 0o600)
	if l, err := m.ReadCourierUIDs(""); err != nil || l.UIDValidity != 77 || len(l.Records) != 2 || l.Next() != 3 {
		t.Errorf("%+v, %v", l, err)
	}
	names, ignored, err := m.ReadCourierSubscribed(UTF8)
	if err != nil || ignored != 2 || !slices.Equal(names, []string{"A/B", "Entwürfe", "INBOX"}) {
		t.Errorf("%q, %d, %v", names, ignored, err)
	}
}

func TestMaildirSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		want MaildirSize
	}{
		{"1000S,10C\n500 5\n-100 -1\n", MaildirSize{LimitBytes: 1000, LimitMessages: 10, Bytes: 400, Messages: 4, Lines: 2}},
		{"0S\n        5    1\n", MaildirSize{Bytes: 5, Messages: 1, Lines: 1}},
		{"10C\n5 1\n7 1", MaildirSize{LimitMessages: 10, Bytes: 5, Messages: 1, Lines: 1}},
		{"", MaildirSize{Bad: true}},
		{"x\n", MaildirSize{Bad: true}},
		{"0S\n-5 1\n", MaildirSize{Bytes: -5, Messages: 1, Lines: 1, Bad: true}},
		{"0S\nrubbish\n", MaildirSize{Bad: true}},
		{"0S\n5\x00 1\n", MaildirSize{Bad: true}},
	} {
		c.want.FileBytes = len(c.in)
		if got := ParseMaildirSize([]byte(c.in)); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.in, got, c.want)
		}
	}
	m := testMaildir(t)
	if full, err := m.AddMaildirSize(1, 1); !full || err != nil {
		t.Fatalf("added to nothing: %v, %v", full, err)
	}
	if err := m.WriteMaildirSize(MaildirSize{LimitBytes: 1 << 40, LimitMessages: 5, Bytes: 100, Messages: 2}); err != nil {
		t.Fatal(err)
	}
	added := 0
	for ; ; added++ {
		full, err := m.AddMaildirSize(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		if full {
			break
		}
	}
	s, err := m.ReadMaildirSize()
	if err != nil || s.Bad || s.Bytes != int64(100+10*added) || s.Messages != int64(2+added) || added < 100 || s.LimitBytes != 1<<40 {
		t.Fatalf("after %d: %+v, %v", added, s, err)
	}
}

func FuzzMaildirSize(f *testing.F) {
	f.Add([]byte("1000S,10C\n500 5\n-100 -1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := ParseMaildirSize(data)
		if s.Bad {
			return
		}
		again := ParseMaildirSize(s.Format())
		if again.Bytes != s.Bytes || again.Messages != s.Messages || again.LimitBytes != s.LimitBytes || again.LimitMessages != s.LimitMessages {
			t.Fatalf("%+v comes back as %+v", s, again)
		}
	})
}

func TestDotlock(t *testing.T) {
	m := testMaildir(t)
	ctx := context.Background()
	a, err := m.LockUIDList(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := m.LockUIDList(over, ""); !errors.Is(err, ErrLocked) || !errors.Is(err, context.Canceled) {
		t.Fatalf("locked twice: %v", err)
	}
	if err := a.Touch(time.Now()); err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		b, err := m.LockUIDList(ctx, "")
		if err == nil {
			err = b.Release()
		}
		got <- err
	}()
	if err := a.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	// A stale lock is taken over, and its former holder does not remove the new one.
	a, err = m.LockSubscriptions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Touch(time.Now().Add(-3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	b, err := m.LockSubscriptions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.path); err != nil {
		t.Fatalf("the former holder removed the lock: %v", err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
}
