package maildir

import "weak"

// Delta is what lies between two snapshots of one mailbox.
type Delta struct {
	// Gone are the indexes in the old snapshot of messages that the new one has not,
	// ascending, and GoneUIDs their UIDs in the same order.
	Gone     []int
	GoneUIDs []UID
	// Changed are the UIDs of messages that both have and whose modseq differs.
	Changed []UID
	// Added counts the messages that only the new one has; they are its last ones.
	Added int
}

// Diff compares two snapshots of one mailbox. Chunks that they share cost one
// pointer comparison, so the price is that of the change, not of the mailbox.
func Diff(old, new *Snapshot) Delta {
	var d Delta
	if old == new {
		return d
	}
	oi, ni := 0, 0 // chunk numbers
	ok, nk := 0, 0 // positions inside
	for oi < len(old.chunks) || ni < len(new.chunks) {
		if oi < len(old.chunks) && ni < len(new.chunks) && ok == 0 && nk == 0 && old.chunks[oi] == new.chunks[ni] {
			oi, ni = oi+1, ni+1
			continue
		}
		var o, n *Message
		if oi < len(old.chunks) {
			o = &old.chunks[oi].msgs()[ok]
		}
		if ni < len(new.chunks) {
			n = &new.chunks[ni].msgs()[nk]
		}
		stepOld, stepNew := false, false
		switch {
		case n == nil || o != nil && o.UID < n.UID:
			d.Gone = append(d.Gone, old.first[oi]+ok)
			d.GoneUIDs = append(d.GoneUIDs, o.UID)
			stepOld = true
		case o == nil || n.UID < o.UID:
			d.Added++
			stepNew = true
		default:
			if o.ModSeq != n.ModSeq {
				d.Changed = append(d.Changed, o.UID)
			}
			stepOld, stepNew = true, true
		}
		if stepOld {
			if ok++; ok == old.chunks[oi].count {
				oi, ok = oi+1, 0
			}
		}
		if stepNew {
			if nk++; nk == new.chunks[ni].count {
				ni, nk = ni+1, 0
			}
		}
	}
	return d
}

// knownDelta is what Mailbox.Diff found. It keeps neither snapshot.
type knownDelta struct {
	old, new weak.Pointer[Snapshot]
	Delta
}

// maxKnownDelta is up to how many messages a delta is kept.
const maxKnownDelta = 64

// Diff is the function Diff, for which all sessions that stand at the same snapshot pay once. The slices must not be changed.
func (m *Mailbox) Diff(old, new *Snapshot) Delta {
	if k := m.delta.Load(); k != nil && k.new.Value() == new && k.old.Value() == old {
		return k.Delta
	}
	d := Diff(old, new)
	if old != new && len(d.Gone)+len(d.Changed) <= maxKnownDelta {
		m.delta.Store(&knownDelta{weak.Make(old), weak.Make(new), d})
	}
	return d
}
