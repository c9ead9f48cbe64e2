package disk_test

import (
	"os"
	"testing"

	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

func TestAppendUIDsFaults(t *testing.T) {
	first := []disk.UIDRecord{{UID: 1, Base: "acknowledged"}}
	second := []disk.UIDRecord{{UID: 2, Base: "second"}, {UID: 3, Base: "third"}}
	everyFault(t, func(t *testing.T) *disk.Maildir {
		m := newMaildir(t)
		if err := m.RewriteUIDList("", &disk.UIDList{UIDValidity: 7, NextUID: 1}); err != nil {
			t.Fatal(err)
		}
		if err := m.AppendUIDs("", first, true); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(m.Root()+"/"+disk.UIDListFile, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString("2 :torn")
		return m
	}, func(m *disk.Maildir) error { return m.AppendUIDs("", second, true) },
		func(t *testing.T, m *disk.Maildir, err error) {
			l, lerr := m.ReadUIDList("")
			if lerr != nil || l.UIDValidity != 7 || len(l.Records) == 0 || l.Records[0] != first[0] || err == nil && len(l.Records) != 3 {
				t.Fatalf("%+v, %v", l, lerr)
			}
			for _, r := range l.Records[1:] {
				if r != second[r.UID-2] {
					t.Fatalf("a record that nobody wrote: %+v", r)
				}
			}
			if err := m.AppendUIDs("", second, true); err != nil {
				t.Fatalf("cannot be repeated: %v", err)
			}
			if l, err := m.ReadUIDList(""); err != nil || len(l.Records) != 3 {
				t.Fatalf("%+v, %v", l, err)
			}
		})
}

func TestUIDListSurvivesPowerFailure(t *testing.T) {
	m := newMaildir(t)
	rec, err := disktest.NewRecordFS(m.Root())
	if err != nil {
		t.Fatal(err)
	}
	r := disk.OnFS(m, rec)
	if err := r.RewriteUIDList("", &disk.UIDList{UIDValidity: 7, NextUID: 1}); err != nil {
		t.Fatal(err)
	}
	type point struct{ call, records int }
	points := []point{{rec.Len(), 0}}
	for uid := uint32(1); uid < 6; uid++ {
		if err := r.AppendUIDs("", []disk.UIDRecord{{UID: uid, Base: string(rune('a' + uid))}}, true); err != nil {
			t.Fatal(err)
		}
		points = append(points, point{rec.Len(), int(uid)})
	}
	l, err := r.ReadUIDList("")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.RewriteUIDList("", l); err != nil {
		t.Fatal(err)
	}
	for n := points[0].call; n <= rec.Len(); n++ {
		least := 0
		for _, p := range points {
			if n >= p.call {
				least = p.records
			}
		}
		for _, p := range policies(5) {
			dir := t.TempDir()
			if err := rec.Replay(n, dir, p); err != nil {
				t.Fatal(err)
			}
			after, err := disk.Open(disk.OS, namer, dir)
			if err != nil {
				t.Fatal(err)
			}
			l, err := after.ReadUIDList("")
			if err != nil || l.UIDValidity != 7 || len(l.Records) < least {
				t.Fatalf("after call %d (%v): %+v, %v; %d records were durable", n, p, l, err, least)
			}
		}
	}
}
