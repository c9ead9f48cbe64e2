package maildir

import (
	"strings"
	"testing"
)

func fieldsByUID(t *testing.T, m *Mailbox) map[UID]Fields {
	t.Helper()
	found := map[UID]Fields{}
	if err := m.Fields(t.Context(), uidsOf(m.Snapshot()), func(uid UID, f Fields) error { found[uid] = f; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFieldsOfHeaders(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	add := func(text string) {
		t.Helper()
		must[Delivered](t)(a.Deliver(t.Context(), Inbox, strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")), DeliverOptions{}))
	}
	add("From: =?utf-8?Q?J=C3=B6rg?= <a@example.org>\nTO: x,\n y\nTo: Z\nSubject:  Stra\xc3\x9fe \nDate: Tue, 3 Mar 2026 23:30:00 -0500\nDate: Wed, 4 Mar 2026 01:00:00 +0000\n\nbody\n")
	add("Subject: none\n\n")
	add("Subject: " + strings.Repeat("long ", 200_000) + "\n\nbody\n") // more of a header than is kept
	m := open(t, a, Inbox)
	for range 2 { // made, and remembered
		f := fieldsByUID(t, m)
		for _, c := range []struct {
			field, text string
			want        bool
		}{
			{"from", "jo\u0308rg", true}, {"FROM", "@example", true}, {"To", "x, y", true}, {"To", "z", true}, {"To", "yz", false}, {"Cc", "", false},
			{"Subject", "strasse", true}, {"Subject", "", true}, {"Bcc", "z", false},
		} {
			if has, known := f[1].Has(FieldOf(c.field), c.text); has != c.want || !known {
				t.Errorf("%s %q: %v, %v", c.field, c.text, has, known)
			}
		}
		if _, known := f[1].Has(FieldOf("Received"), "x"); known {
			t.Error("a field that is not kept is known")
		}
		if day, has, known := f[1].Sent(); !has || !known || day.Format("2006-01-02 15:04") != "2026-03-03 00:00" {
			t.Errorf("sent %v, %v, %v", day, has, known)
		}
		if _, has, known := f[2].Sent(); has || !known {
			t.Error("a message without Date has one")
		}
		if _, known := f[3].Has(FieldOf("Subject"), "long"); known {
			t.Error("a cut header is known")
		}
	}
	if got := s.fieldMemory.bytes; got != m.fields.bytes || got < int64(len(fieldBlock{}))*fieldsSize {
		t.Errorf("%d bytes of %d are counted", got, m.fields.bytes)
	}
	m.fields.forget()
	if got := s.fieldMemory.bytes; got != 0 || len(s.fieldMemory.tables) != 0 {
		t.Errorf("%d bytes are left", got)
	}
	must[ExpungeResult](t)(m.Expunge(t.Context(), []UID{1}))
}

// What is searched longest ago gives way.
func TestFieldMemoryIsBounded(t *testing.T) {
	var fm fieldMemory
	t.Cleanup(fm.close)
	large := strings.Repeat("x", maxFieldMemory/4)
	tables := make([]*fieldTable, 8)
	for i := range tables {
		tables[i] = newFieldTable(&fm)
		all := make([]Fields, 1)
		if missing := tables[i].get([]UID{7}, all); len(missing) != 1 {
			t.Fatal("something is known of nothing")
		}
		fm.keep(tables[i], []UID{7}, []Fields{{text: large, sent: sentNever}})
	}
	if fm.bytes > maxFieldMemory+int64(len(large))*2 {
		t.Errorf("%d bytes are kept", fm.bytes)
	}
	var sum int64
	for _, x := range fm.tables {
		sum += x.bytes
	}
	if sum != fm.bytes || tables[0].blocks != nil || tables[7].blocks == nil {
		t.Errorf("%d bytes in the tables, %d counted", sum, fm.bytes)
	}
	fm.dropOld()
	if len(fm.tables) == 0 || fm.timer == nil {
		t.Error("what was used just now is gone")
	}
}
