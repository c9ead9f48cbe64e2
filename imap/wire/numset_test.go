package wire

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestParseNumSet(t *testing.T) {
	for _, tt := range []struct{ in, want, resolved string }{
		{"1", "1", "1"},
		{"*", "*", "10"},
		{"1:*", "1:*", "1:10"},
		{"*:1", "*:1", "1:10"},
		{"*:*", "*", "10"},
		{"12:*", "12:*", "10:12"},
		{"3,1,2", "3,1:2", "1:3"},
		{"1,2,3:4,6", "1:4,6", "1:4,6"},
		{"5:2,4:9", "5:2,4:9", "2:9"},
		{"1,1,1", "1,1,1", "1"},
		{"4294967295,1:4294967295", "4294967295,1:4294967295", "1:4294967295"},
		{"4294967295,4294967295", "4294967295,4294967295", "4294967295"},
		{"007", "7", "7"},
		{"$", "$", ""},
	} {
		s, err := ParseNumSet(tt.in)
		if err != nil || s.String() != tt.want {
			t.Errorf("%s: %s %v, want %s", tt.in, s, err, tt.want)
		}
		if got := s.Resolve(10).String(); got != tt.resolved {
			t.Errorf("%s resolved: %s, want %s", tt.in, got, tt.resolved)
		}
	}
	for _, in := range []string{"", "0", "1:0", "0:1", ",", "1,", ",1", "1:", ":1", "1:2:3", "1,,2", "a", "$,1", "$$", "-1", "4294967296", "99999999999999999999", "1 2", "**"} {
		if s, err := ParseNumSet(in); err == nil {
			t.Errorf("%q is a set: %v", in, s.Ranges)
		}
	}
}

// In an empty mailbox "*" names nothing.
func TestNumSetEmptyMailbox(t *testing.T) {
	s, err := ParseNumSet("1:*,*,5")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Resolve(0).String(); got != "5" {
		t.Errorf("resolved to %q", got)
	}
	if s.Contains(0, 0) || s.Contains(1, 0) || !s.Contains(5, 0) {
		t.Error("Contains differs")
	}
}

// What clients write short must stay short.
func TestNumSetIsNotExpanded(t *testing.T) {
	s, err := ParseNumSet("1:4294967295")
	if err != nil {
		t.Fatal(err)
	}
	r := s.Resolve(4294967295)
	if len(r) != 1 || r.Len() != 4294967295 || !r.Contains(4294967295) || r.Contains(0) {
		t.Error(r, r.Len())
	}
	if got := slices.Collect(r.UpTo(3)); !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Error(got)
	}
	if got := slices.Collect(r.In([]uint32{7, 4294967295})); !slices.Equal(got, []int{0, 1}) {
		t.Error(got)
	}
}

func TestNumSetLists(t *testing.T) {
	var b strings.Builder
	for i := 1; i <= 100_000; i++ {
		if i > 1 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, i)
	}
	s, err := ParseNumSet(b.String())
	if err != nil || len(s.Ranges) != 1 {
		t.Errorf("%d ranges, %v", len(s.Ranges), err)
	}
}

// checkSet compares all that can be asked of a set with a plain list of numbers.
func checkSet(t *testing.T, s NumSet, limit uint32) {
	t.Helper()
	var want []uint32
	for n := uint32(1); n <= limit; n++ {
		in := false
		for _, r := range s.Ranges {
			a, b := r.Start, r.Stop
			if a == 0 {
				a = limit
			}
			if b == 0 {
				b = limit
			}
			in = in || min(a, b) <= n && n <= max(a, b)
		}
		if in != s.Contains(n, limit) {
			t.Fatalf("%v: Contains(%d) is %v", s, n, !in)
		}
		if in {
			want = append(want, n)
		}
	}
	r := s.Resolve(limit)
	for i, x := range r {
		if x.Start == 0 || x.Start > x.Stop || i > 0 && uint64(x.Start) <= uint64(r[i-1].Stop)+1 {
			t.Fatalf("%v resolved: %v is not normal", s, r)
		}
	}
	if got := slices.Collect(r.UpTo(limit)); !slices.Equal(got, want) {
		t.Fatalf("%v UpTo: %v, want %v", s, got, want)
	}
	var odd, hits []uint32
	for n := uint32(1); n <= limit; n += 2 {
		odd = append(odd, n)
	}
	for i := range r.In(odd) {
		hits = append(hits, odd[i])
	}
	if wantOdd := slices.DeleteFunc(slices.Clone(want), func(n uint32) bool { return n%2 == 0 }); !slices.Equal(hits, wantOdd) {
		t.Fatalf("%v In: %v, want %v", s, hits, wantOdd)
	}
	var b SetBuilder
	for _, n := range want {
		b.Add(n)
		if !r.Contains(n) {
			t.Fatalf("%v resolved does not contain %d", s, n)
		}
	}
	if len(want) > 0 {
		again, err := ParseNumSet(b.String())
		if err != nil || !slices.Equal(slices.Collect(again.Resolve(limit).UpTo(limit)), want) {
			t.Fatalf("%v built: %s %v", s, b.String(), err)
		}
	}
}

func FuzzNumSet(f *testing.F) {
	for _, s := range []string{"1", "1:*", "*:3,5,9:7", "1,2,3,4294967295", "4294967295:1", "$", "4294967294,4294967295,*"} {
		f.Add(s, uint8(7))
	}
	f.Fuzz(func(t *testing.T, in string, limit uint8) {
		s, err := ParseNumSet(in)
		if err != nil {
			return
		}
		if s.IsZero() {
			t.Fatalf("%q parsed to nothing", in)
		}
		again, err := ParseNumSet(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q: %s, again %s %v", in, s, again, err)
		}
		if limit > 0 {
			checkSet(t, s, uint32(limit))
		}
	})
}

func TestSetBuilder(t *testing.T) {
	var b SetBuilder
	if !b.Empty() || b.String() != "" {
		t.Error("not empty")
	}
	b.Add(1)
	b.Add(2)
	b.AddRange(3, 5)
	b.Add(7)
	b.AddRange(9, 8)
	b.Add(0)
	b.AddRange(4294967294, 4294967295)
	if got := b.String(); got != "1:5,7,4294967294:4294967295" {
		t.Error(got)
	}
	b.Add(6)
	if got := b.String(); got != "1:7,4294967294:4294967295" {
		t.Errorf("out of order: %s", got)
	}
	b.Reset()
	if !b.Empty() {
		t.Error("not empty after Reset")
	}
	// Any order gives the same set.
	nums := rand.New(rand.NewPCG(1, 2)).Perm(100)
	for _, n := range nums {
		b.Add(uint32(n + 1))
	}
	if got := b.String(); got != "1:100" {
		t.Errorf("shuffled: %s", got)
	}
}
