package imap

import (
	"cmp"
	"slices"
)

// threadRow is what THREAD knows of a message. Rows stand in the mailbox's order and are told apart by their index in it.
type threadRow struct {
	hit
	sent    int64  // seconds since 1970 (RFC 5256 §2.2)
	arrived int64  // INTERNALDATE
	subject string // base subject as it is compared
	reply   bool   // it is one, or a forward, by its subject
}

// none stands for no row.
const none = int32(-1)

// forest is the result of THREAD: threads in order.
type forest struct {
	rows  []threadRow
	roots []thread
	kids  [][]int32 // of each row, in order
}

// thread is the first message of a thread, or what has the place of one that is not there: then kids, two at least, are siblings.
type thread struct {
	row  int32 // none for a dummy
	kids []int32
}

// first is the message that a thread is sorted by and takes its subject from.
func (t *thread) first() int32 {
	if t.row == none {
		return t.kids[0]
	}
	return t.row
}

// bySent gives the indices of the rows by sent date, then in the mailbox's order, and the place of each row in that order.
func bySent(rows []threadRow) (order, rank []int32) {
	order, rank = make([]int32, len(rows)), make([]int32, len(rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(rows[a].sent, rows[b].sent), cmp.Compare(a, b))
	})
	for at, i := range order {
		rank[i] = int32(at)
	}
	return order, rank
}

// children lists the rows below each row, in the given order.
func children(parent, order []int32) [][]int32 {
	count := make([]int32, len(parent))
	total := 0
	for _, p := range parent {
		if p != none {
			count[p]++
			total++
		}
	}
	slab := make([]int32, 0, total)
	kids := make([][]int32, len(parent))
	for i, n := range count {
		at := len(slab)
		slab = slab[:at+int(n)]
		kids[i] = slab[at:at:len(slab)]
	}
	for _, i := range order {
		if p := parent[i]; p != none {
			kids[p] = append(kids[p], i)
		}
	}
	return kids
}

// orderedSubject is ORDEREDSUBJECT (RFC 5256 §3): all of one base subject hang below the oldest.
func orderedSubject(rows []threadRow) forest {
	order, _ := bySent(rows)
	parent := make([]int32, len(rows))
	first := make(map[string]int32)
	f := forest{rows: rows}
	for _, i := range order {
		p, ok := first[rows[i].subject]
		if !ok {
			p, first[rows[i].subject] = none, i
			f.roots = append(f.roots, thread{row: i})
		}
		parent[i] = p
	}
	f.kids = children(parent, order)
	return f
}
