package imap

import "strings"

// threadLinks finds who answers whom (RFC 5256 §3, REFERENCES, steps 1 to 3). It is given one message after the other, in
// the mailbox's order.
type threadLinks struct {
	ids     map[string]int32 // the node of each message id
	nodes   []threadNode
	rows    []int32 // the node of each row
	dummies int
}

// threadNode is a message, or one that others name and that is not there.
type threadNode struct {
	row    int32 // none for a dummy
	parent int32
	kids   int32 // how many have it for a parent
}

// Bounds of what strange headers can cost. Of one message's references the last count: they are the nearest.
const (
	maxReferences = 200
	maxDummies    = 400_000
)

// add takes the next message: its id, empty if it has none that is valid, and its references, oldest first.
func (l *threadLinks) add(id string, refs []string) {
	me := l.message(id)
	last := none
	for _, ref := range refs[max(0, len(refs)-maxReferences):] {
		n := l.named(ref)
		if n == none {
			continue
		}
		if last != none && l.nodes[n].parent == none {
			l.link(last, n)
		}
		last = n
	}
	// What the message itself says of its parent goes before what others, perhaps cut short, made of it.
	if old := l.nodes[me].parent; old != none {
		l.nodes[old].kids--
		l.nodes[me].parent = none
	}
	if last != none {
		l.link(last, me)
	}
}

// message gives the next row its node. Of several messages with one id the first has it.
func (l *threadLinks) message(id string) int32 {
	row := int32(len(l.rows))
	n, ok := l.ids[id]
	switch {
	case id != "" && ok && l.nodes[n].row == none:
		l.nodes[n].row = row
		l.dummies--
	case ok:
		n = l.make("", row)
	default:
		n = l.make(id, row)
	}
	l.rows = append(l.rows, n)
	return n
}

// named finds the node of an id; none if it is new and there are too many.
func (l *threadLinks) named(id string) int32 {
	if n, ok := l.ids[id]; ok {
		return n
	}
	if l.dummies == maxDummies {
		return none
	}
	l.dummies++
	return l.make(id, none)
}

func (l *threadLinks) make(id string, row int32) int32 {
	n := int32(len(l.nodes))
	l.nodes = append(l.nodes, threadNode{row: row, parent: none})
	if id != "" {
		l.ids[strings.Clone(id)] = n // id may be a piece of a long header
	}
	return n
}

// link puts child below parent, unless that made a loop. child has no parent.
func (l *threadLinks) link(parent, child int32) {
	if parent == child {
		return
	}
	if l.nodes[child].kids > 0 {
		for p := parent; p != none; p = l.nodes[p].parent {
			if p == child {
				return
			}
		}
	}
	l.nodes[child].parent = parent
	l.nodes[parent].kids++
}

// above gives the nearest message above a node, else the topmost dummy, else none. Dummies between are taken out of
// the way, as step 3 wants it.
func (l *threadLinks) above(n int32) int32 {
	first := l.nodes[n].parent
	top := first
	for top != none && l.nodes[top].row == none && l.nodes[top].parent != none {
		top = l.nodes[top].parent
	}
	for d := first; d != top; {
		next := l.nodes[d].parent
		l.nodes[d].parent = top
		d = next
	}
	return top
}

// threads gives the row above each row, none for the first of a thread, and the threads in no particular order. What has no message above it and
// shares a dummy with others stays with them, in the order in which the messages stand.
func (l *threadLinks) threads() (parent []int32, roots []thread) {
	parent = make([]int32, len(l.rows))
	below := make(map[int32]int) // the place in roots of what hangs below a dummy
	for row, n := range l.rows {
		parent[row] = none
		top := l.above(n)
		switch {
		case top == none:
			roots = append(roots, thread{row: int32(row)})
		case l.nodes[top].row != none:
			parent[row] = l.nodes[top].row
		default:
			at, ok := below[top]
			if !ok {
				below[top] = len(roots)
				roots = append(roots, thread{row: int32(row)})
				continue
			}
			t := &roots[at]
			if t.row != none {
				t.row, t.kids = none, []int32{t.row}
			}
			t.kids = append(t.kids, int32(row))
		}
	}
	return parent, roots
}
