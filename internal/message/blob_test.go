package message

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestBlobSize(t *testing.T) {
	msg := typicalMessage()
	p := ParseBytes(msg, Limits{})
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("header %d bytes, stored form %d", len(p.Header), len(b))
	if len(b) > len(p.Header)+600 {
		t.Errorf("stored form has %d bytes for a header of %d", len(b), len(p.Header))
	}
}

func TestBlobDamaged(t *testing.T) {
	p := ParseBytes(typicalMessage(), Limits{})
	good, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back Parsed
	for n := range len(good) {
		if err := back.UnmarshalBinary(good[:n]); err == nil && n != len(good)-len(p.Header) {
			t.Fatalf("cut at %d of %d was taken", n, len(good))
		} else if err != nil && !errors.Is(err, ErrBlob) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		for _, v := range []byte{0, 0x7F, 0x80, 0xFF} {
			bad[i] = v
			back.UnmarshalBinary(bad) // must not panic
		}
	}
	for _, b := range []string{"", "\x00", "\x02\x00\x00\x00", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x01" + strings.Repeat("\xff", 40)} {
		if err := back.UnmarshalBinary([]byte(b)); !errors.Is(err, ErrBlob) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// One decoder gives of each message what a fresh one gives, whatever it decoded before.
func TestBlobDecoder(t *testing.T) {
	var d BlobDecoder
	for range 2 {
		for i, s := range samples {
			p := ParseBytes([]byte(s.msg), Limits{})
			b, err := p.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if env, err := d.Envelope(b); err != nil || !reflect.DeepEqual(env, p.Envelope) {
				t.Errorf("sample %d: %+v %v, want %+v", i, env, err, p.Envelope)
			}
			if root, err := d.Root(b); err != nil || !samePart(root, p.Root) {
				t.Errorf("sample %d: %v", i, err)
			}
			if i%3 == 0 {
				d.Root(b[:len(b)/2]) // a damaged one in between
				d.Envelope(b[:len(b)/3])
			}
		}
	}
}

// A length that promises more than is there must not be believed.
func TestBlobAllocatesLittle(t *testing.T) {
	huge := "\xff\xff\xff\xff\xff\xff\xff\x7f"
	var tree, env encoder
	tree.b = []byte(huge + huge + huge)
	env.b = []byte("\x00" + huge)
	head := encoder{b: []byte{blobVersion}}
	head.num(int64(len(env.b)))
	head.num(int64(len(tree.b)))
	head.num(0)
	b := append(append(head.b, env.b...), tree.b...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err1 := BlobRoot(b)
	_, err2 := BlobEnvelope(b)
	runtime.ReadMemStats(&after)
	if err1 == nil || err2 == nil {
		t.Errorf("taken: %v %v", err1, err2)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for %d", n, len(b))
	}
}

func TestMarshalRefusesDisorder(t *testing.T) {
	for _, root := range []*Part{nil, {HeaderOff: -1}, {BodyOff: 2, EndOff: 1}, {EndOff: 5, Children: []*Part{{EndOff: 9}}}, {Children: []*Part{nil}}} {
		if _, err := (&Parsed{Root: root}).MarshalBinary(); !errors.Is(err, ErrNotTree) {
			t.Errorf("%+v: %v", root, err)
		}
	}
	b, err := (&Parsed{Root: &Part{}}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back Parsed
	if err := back.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(back, Parsed{Root: &Part{}}) {
		t.Errorf("%+v %v", back, err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, s := range samples {
		b, err := ParseBytes([]byte(s.msg), Limits{}).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		BlobHeader(b)
		BlobEnvelope(b)
		BlobRoot(b)
		var p Parsed
		if p.UnmarshalBinary(b) != nil {
			return
		}
		again, err := p.MarshalBinary()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		var back Parsed
		if err := back.UnmarshalBinary(again); err != nil || !sameParsed(&back, &p) {
			t.Fatalf("read, written and read: %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s.msg))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := ParseBytes(b, Limits{})
		checkLaws(t, b, p)
		// Wherever the bytes are cut into pieces, the result is the same.
		cut := NewParser(Limits{})
		for i := 0; i < len(b); i += 7 {
			cut.Write(b[i:min(i+7, len(b))])
		}
		if got := cut.Finish(); !reflect.DeepEqual(got, p) {
			t.Fatalf("in pieces %s, at once %s", outline(string(b), got.Root), outline(string(b), p.Root))
		}
		ParseBytes(b, Limits{MaxDepth: 2, MaxParts: 2, MaxHeader: 20, MaxHeaders: 10, MaxAddresses: 1, MaxParams: 1})
	})
}
