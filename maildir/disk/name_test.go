package disk

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseName(t *testing.T) {
	for _, c := range []struct {
		file string
		want Name
	}{
		{"1.M2P3.host", Name{Base: "1.M2P3.host"}},
		{"1.M2P3.host:2,", Name{Base: "1.M2P3.host", HasInfo: true}},
		{"1.M2P3.host,S=5,W=6:2,FS", Name{Base: "1.M2P3.host,S=5,W=6", Flags: "FS", HasInfo: true}},
		{"1.h:2,SFab", Name{Base: "1.h", Flags: "SFab", HasInfo: true}},
		{"1.h:2,PS,x=y,z", Name{Base: "1.h", Flags: "PS", Extra: ",x=y,z", HasInfo: true}},
		{"1.h:2,?S", Name{Base: "1.h", Flags: "?S", HasInfo: true}},
		{"1.h:1,exp", Name{Base: "1.h", Other: ":1,exp"}},
		{"1.h:old:2,S", Name{Base: "1.h", Other: ":old", Flags: "S", HasInfo: true}},
		{"1.h:2,S:2,F", Name{Base: "1.h", Other: ":2,S", Flags: "F", HasInfo: true}},
		{"1.h:", Name{Base: "1.h", Other: ":"}},
		{"no-number", Name{Base: "no-number"}},
	} {
		got, ok := ParseName(c.file)
		if !ok || got != c.want {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", c.file, got, ok, c.want)
		}
		if s := got.String(); s != c.file {
			t.Errorf("%q comes back as %q", c.file, s)
		}
	}
	for _, file := range []string{"", ".", "..", ".hidden", ":2,S", "a\rb", "a\nb", "a\x00b", "a/b"} {
		if n, ok := ParseName(file); ok {
			t.Errorf("ParseName(%q) = %+v, want none", file, n)
		}
	}
}

func TestWithFlags(t *testing.T) {
	for _, c := range []struct{ file, letters, want string }{
		{"1.h", "", "1.h:2,"},
		{"1.h", "SaFS", "1.h:2,FSa"},
		{"1.h:2,S", "", "1.h:2,"},
		{"1.h:2,S,ext", "TR", "1.h:2,RT,ext"},
		{"1.h:1,x", "S", "1.h:1,x:2,S"},
		{"1.h", "S,/:\n", "1.h:2,S"},
	} {
		n, _ := ParseName(c.file)
		if got := n.WithFlags(c.letters).String(); got != c.want {
			t.Errorf("%q with %q is %q, want %q", c.file, c.letters, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		base string
		s, w int64 // -1: none
	}{
		{"1.h,S=12,W=13", 12, 13},
		{"1.h,W=13,S=12", 12, 13},
		{"1.h,S=12:2,S", 12, -1},
		{"1.h,S=12x", -1, -1},
		{"1.h,S=", -1, -1},
		{"1.h,S=-4,W=+4", -1, -1},
		{"1.h,S=99999999999999999999", -1, -1},
		{"1.h:2,S=4", -1, -1},
		{"1.h", -1, -1},
	} {
		if s, ok := SizeOnDisk(c.base); ok != (c.s >= 0) || ok && s != c.s {
			t.Errorf("SizeOnDisk(%q) = %d, %v", c.base, s, ok)
		}
		if w, ok := SizeOnWire(c.base); ok != (c.w >= 0) || ok && w != c.w {
			t.Errorf("SizeOnWire(%q) = %d, %v", c.base, w, ok)
		}
	}
}

func TestArrivalOrder(t *testing.T) {
	want := []string{
		"no-number", "0.a", "9.M5P1.h", "9.M10P1.h", "9.M10P2.h", "10.M1P1.h", "100.h", "99999999999999999999999.h",
	}
	got := slices.Clone(want)
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, CompareArrival)
	// "no-number" and "0.a" have the same number: bytes decide.
	want[0], want[1] = want[1], want[0]
	if !slices.Equal(got, want) {
		t.Errorf("sorted as %q, want %q", got, want)
	}
}

func TestUniqueNames(t *testing.T) {
	now := time.Unix(1700000000, 123456789)
	n := NewNamer("a/b:c,d e")
	seen := map[string]bool{}
	for range 1000 {
		u := n.Unique(now)
		if seen[u] {
			t.Fatalf("%q came twice", u)
		}
		seen[u] = true
		if !strings.HasPrefix(u, "1700000000.M123456P") || strings.ContainsAny(u, "/:, ") {
			t.Fatalf("bad name %q", u)
		}
		if p, ok := ParseName(u); !ok || p.Base != u {
			t.Fatalf("%q is not its own base", u)
		}
	}
	if a, b := NewNamer("h").Unique(now), NewNamer("h").Unique(now); a == b {
		t.Errorf("two starts gave %q", a)
	}
	long := NewNamer(strings.Repeat("x\x01", 500)).Unique(now)
	if file := WithSizes(long, 1<<62, 1<<62) + ":2,DFPRSTabcdefghijklmnopqrstuvwxyz"; len(file) > maxFileName {
		t.Errorf("%d bytes: %q", len(file), file)
	}
	base := WithSizes("u", 5, 7)
	if s, ok := SizeOnDisk(base); s != 5 || !ok {
		t.Errorf("sizes of %q are not read back", base)
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("1.M2P3.h,S=1,W=2:2,FS,x", "Sa")
	f.Add("1.h:1,x:2,S", "")
	f.Fuzz(func(t *testing.T, file, letters string) {
		n, ok := ParseName(file)
		if !ok {
			return
		}
		if n.String() != file {
			t.Fatalf("%q comes back as %q", file, n.String())
		}
		changed := n.WithFlags(letters).String()
		again, ok := ParseName(changed)
		if !ok || again.Base != n.Base || !again.HasInfo || again.Extra != n.Extra {
			t.Fatalf("%q with flags is %q: %+v", file, changed, again)
		}
		if twice := again.WithFlags(letters); twice != again {
			t.Fatalf("setting flags twice gives %+v and %+v", again, twice)
		}
		SizeOnDisk(file)
		SizeOnWire(file)
		if CompareArrival(file, letters) != -CompareArrival(letters, file) {
			t.Fatal("order is not antisymmetric")
		}
	})
}
