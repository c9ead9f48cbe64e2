package strict

import (
	"fmt"
	"slices"
	"strings"
)

// Message is what a client knows of one message.
type Message struct {
	UID    uint32 // 0: not told yet
	Known  bool   // flags were told
	Flags  []string
	ModSeq uint64
}

// Has says whether the flag is known to be set.
func (m Message) Has(flag string) bool {
	return slices.ContainsFunc(m.Flags, func(f string) bool { return strings.EqualFold(f, flag) })
}

// View is what a client knows of the selected mailbox: number n is Messages[n-1].
type View struct {
	Mailbox     string
	UIDValidity uint32
	UIDNext     uint32
	Messages    []Message
	ReadOnly    bool

	highest   uint32          // highest UID that was ever told
	announced map[string]bool // flags of FLAGS, lower case
}

// UIDs lists what is known; 0 where a UID was not told.
func (v *View) UIDs() []uint32 {
	out := make([]uint32, len(v.Messages))
	for i, m := range v.Messages {
		out[i] = m.UID
	}
	return out
}

// Seq is the number of a UID, 0 if the client knows no such message.
func (v *View) Seq(uid uint32) int {
	for i, m := range v.Messages {
		if m.UID == uid {
			return i + 1
		}
	}
	return 0
}

// Strange gives the first run of messages whose UID was not told, as numbers; 0, 0 if all are known.
func (v *View) Strange() (from, to int) {
	for i, m := range v.Messages {
		if m.UID == 0 {
			return i + 1, len(v.Messages)
		}
	}
	return 0, 0
}

func (v *View) exists(n uint64) error {
	if n < uint64(len(v.Messages)) {
		return fmt.Errorf("EXISTS %d, but %d messages are known and no EXPUNGE told of their end", n, len(v.Messages))
	}
	for uint64(len(v.Messages)) < n {
		v.Messages = append(v.Messages, Message{})
	}
	return nil
}

func (v *View) expunge(n uint64) (Message, error) {
	if n < 1 || n > uint64(len(v.Messages)) {
		return Message{}, fmt.Errorf("EXPUNGE %d of %d messages", n, len(v.Messages))
	}
	gone := v.Messages[n-1]
	v.Messages = slices.Delete(v.Messages, int(n-1), int(n))
	return gone, nil
}

func (v *View) flags(list []value) error {
	v.announced = map[string]bool{}
	for _, f := range list {
		v.announced[strings.ToLower(f.text)] = true
	}
	return nil
}

// fetch takes up what a FETCH response tells.
func (v *View) fetch(f Fetch) error {
	if f.Seq < 1 || f.Seq > len(v.Messages) {
		return fmt.Errorf("FETCH of number %d of %d messages", f.Seq, len(v.Messages))
	}
	m := &v.Messages[f.Seq-1]
	if f.UID != 0 {
		if err := v.uid(f.Seq, f.UID); err != nil {
			return err
		}
	}
	if f.HasFlags {
		for _, name := range f.Flags {
			if !v.announced[strings.ToLower(name)] && !strings.EqualFold(name, `\Recent`) {
				return fmt.Errorf("flag %s of number %d was never announced by FLAGS", name, f.Seq)
			}
		}
		m.Flags, m.Known = f.Flags, true
	}
	if f.ModSeq != 0 {
		if f.ModSeq < m.ModSeq {
			return fmt.Errorf("the modseq of number %d fell from %d to %d", f.Seq, m.ModSeq, f.ModSeq)
		}
		m.ModSeq = f.ModSeq
	}
	return nil
}

func (v *View) uid(seq int, uid uint32) error {
	m := &v.Messages[seq-1]
	if m.UID == uid {
		return nil
	}
	if m.UID != 0 {
		return fmt.Errorf("number %d was UID %d and is now %d", seq, m.UID, uid)
	}
	for i := seq - 2; i >= 0; i-- {
		if before := v.Messages[i].UID; before >= uid {
			return fmt.Errorf("number %d has UID %d, but number %d has UID %d", seq, uid, i+1, before)
		} else if before != 0 {
			break
		}
	}
	for i := seq; i < len(v.Messages); i++ {
		if after := v.Messages[i].UID; after != 0 {
			if after <= uid {
				return fmt.Errorf("number %d has UID %d, but number %d has UID %d", seq, uid, i+1, after)
			}
			break
		}
	}
	m.UID = uid
	v.highest = max(v.highest, uid)
	return nil
}

// Assume notes what a STORE with .SILENT did, which the server need not tell.
func (v *View) Assume(uid uint32, flag string, set bool) {
	n := v.Seq(uid)
	if n == 0 || !v.Messages[n-1].Known {
		return
	}
	m := &v.Messages[n-1]
	flags := slices.DeleteFunc(slices.Clone(m.Flags), func(f string) bool { return strings.EqualFold(f, flag) })
	if set {
		flags = append(flags, flag)
	}
	m.Flags = flags
}

// Differ compares the known flags and UIDs of two views of one mailbox; "" if they agree. \Recent is each session's own.
func Differ(a, b *View) string {
	if len(a.Messages) != len(b.Messages) {
		return fmt.Sprintf("%d messages against %d:\n%v\n%v", len(a.Messages), len(b.Messages), a.UIDs(), b.UIDs())
	}
	for i, m := range a.Messages {
		o := b.Messages[i]
		if m.UID != o.UID {
			return fmt.Sprintf("number %d is UID %d against %d", i+1, m.UID, o.UID)
		}
		if m.Known && o.Known && !slices.Equal(durable(m.Flags), durable(o.Flags)) {
			return fmt.Sprintf("UID %d has flags %v against %v", m.UID, m.Flags, o.Flags)
		}
	}
	return ""
}

func durable(flags []string) []string {
	var out []string
	for _, f := range flags {
		if !strings.EqualFold(f, `\Recent`) {
			out = append(out, strings.ToLower(f))
		}
	}
	slices.Sort(out)
	return out
}
