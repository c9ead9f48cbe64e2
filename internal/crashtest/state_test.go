package crashtest

import (
	"fmt"
	"slices"
	"strings"
)

// entry is a message in a mailbox. A UID of 0 stands for one that was not told: any that is higher than all before it.
type entry struct {
	uid   uint32
	id    string
	flags string // sorted, joined by blanks
}

// box is a mailbox. next is above every UID that was ever seen in it.
type box struct {
	validity uint32
	next     uint32
	entries  []entry
}

// state is an account: mailboxes by name.
type state map[string]*box

func (s state) clone() state {
	c := state{}
	for name, b := range s {
		copied := *b
		copied.entries = slices.Clone(b.entries)
		c[name] = &copied
	}
	return c
}

func (s state) String() string {
	var names []string
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		fmt.Fprintf(&out, "%s %d next %d: %v\n", name, s[name].validity, s[name].next, s[name].entries)
	}
	return out.String()
}

// add appends a message whose UID was told, or not (0).
func (b *box) add(uid uint32, id, flags string) {
	b.entries = append(b.entries, entry{uid, id, flags})
	b.next = max(b.next, uid+1)
}

func (b *box) find(uid uint32) int {
	return slices.IndexFunc(b.entries, func(e entry) bool { return e.uid == uid })
}

func (b *box) remove(uids []uint32) {
	b.entries = slices.DeleteFunc(b.entries, func(e entry) bool { return slices.Contains(uids, e.uid) })
}

// allows says why the found state is not what want expects; "" if it is.
func (want state) allows(found state) string {
	for name := range found {
		if want[name] == nil {
			return fmt.Sprintf("there is a mailbox %q", name)
		}
	}
	for name, w := range want {
		f := found[name]
		switch {
		case f == nil:
			return fmt.Sprintf("mailbox %q is not there", name)
		case w.validity != 0 && w.validity != f.validity:
			return fmt.Sprintf("%s: UIDVALIDITY was %d and is %d", name, w.validity, f.validity)
		case len(w.entries) != len(f.entries):
			return fmt.Sprintf("%s: %d messages, want %d", name, len(f.entries), len(w.entries))
		case f.next < w.next:
			return fmt.Sprintf("%s: UIDNEXT %d, but it was %d", name, f.next, w.next)
		}
		for i, e := range w.entries {
			g := f.entries[i]
			if e.uid == 0 && g.uid < w.next {
				return fmt.Sprintf("%s: %v is new, but UIDs below %d have been used", name, g, w.next)
			}
			if e.uid != 0 && e.uid != g.uid || e.id != g.id || e.flags != g.flags {
				return fmt.Sprintf("%s: found %v, want %v", name, g, e)
			}
		}
	}
	return ""
}

// settle finds which of the possible states is there, and gives it with all UIDs known.
func settle(found state, possible ...state) (int, error) {
	var whys []string
	for i, want := range possible {
		why := want.allows(found)
		if why == "" {
			return i, nil
		}
		whys = append(whys, why)
	}
	return 0, wrong("what is there is none of %d possible states: %s\nfound:\n%v\nwanted:\n%v", len(possible), strings.Join(whys, "; or "), found, possible)
}

func joined(flags []string) string {
	var out []string
	for _, f := range flags {
		if !strings.EqualFold(f, `\Recent`) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// text is the message of an id, always the same. Some are large, some have lines that begin with a dot.
func text(id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "From: sender@example.net\r\nSubject: %s\r\nMessage-ID: <%s@example.net>\r\n\r\n", id, id)
	lines := int(id[len(id)-1]-'0') * 12
	for i := range lines {
		b.WriteString(strings.Repeat(".", i%3))
		fmt.Fprintf(&b, "line %d of %s\r\n", i, id)
	}
	return b.String()
}
