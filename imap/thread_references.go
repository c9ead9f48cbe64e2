package imap

import (
	"cmp"
	"slices"
)

// references is REFERENCES (RFC 5256 §3), from step 4 on.
func references(rows []threadRow, links *threadLinks) forest {
	order, rank := bySent(rows)
	parent, roots := links.threads()
	sortThreads(roots, rank)
	roots = mergeSubjects(rows, roots, parent)
	sortThreads(roots, rank)
	return forest{rows, roots, children(parent, order)}
}

// refs is REFS, a draft that never became an RFC (draft-ietf-morg-inthread §5): REFERENCES without regard to subjects, and
// the thread to which a message came last is the last.
func refs(rows []threadRow, links *threadLinks) forest {
	order, rank := bySent(rows)
	parent, roots := links.threads()
	sortThreads(roots, rank)
	f := forest{rows, roots, children(parent, order)}
	newest := make(map[int32]int32, len(roots)) // by the first message of a thread
	for i := range roots {
		newest[roots[i].first()] = f.newest(&roots[i])
	}
	slices.SortStableFunc(roots, func(a, b thread) int {
		x, y := newest[a.first()], newest[b.first()]
		return cmp.Or(cmp.Compare(rows[x].arrived, rows[y].arrived), cmp.Compare(x, y))
	})
	return f
}

// sortThreads sorts threads, and what hangs below a dummy, by sent date (steps 4 and 6).
func sortThreads(roots []thread, rank []int32) {
	for i := range roots {
		slices.SortFunc(roots[i].kids, func(a, b int32) int { return cmp.Compare(rank[a], rank[b]) })
	}
	slices.SortFunc(roots, func(a, b thread) int { return cmp.Compare(rank[a.first()], rank[b.first()]) })
}

// mergeSubjects gathers threads of one base subject (step 5).
func mergeSubjects(rows []threadRow, roots []thread, parent []int32) []thread {
	table := make(map[string]int) // the place in roots of each subject
	for i := range roots {
		cur := &roots[i]
		subject := rows[cur.first()].subject
		if subject == "" {
			continue
		}
		at, ok := table[subject]
		if !ok || roots[at].row != none && (cur.row == none || rows[roots[at].row].reply && !rows[cur.row].reply) {
			table[subject] = i
		}
	}
	left := make([]bool, len(roots))
	for i := range roots {
		cur := roots[i]
		at, ok := table[rows[cur.first()].subject]
		if left[i] = !ok || at == i; left[i] {
			continue
		}
		switch head := &roots[at]; {
		case head.row == none && cur.row == none:
			head.kids = append(head.kids, cur.kids...)
		case head.row == none:
			head.kids = append(head.kids, cur.row)
		case rows[cur.row].reply && !rows[head.row].reply:
			parent[cur.row] = head.row
		default:
			head.row, head.kids = none, []int32{head.row, cur.row}
		}
	}
	out := roots[:0]
	for i := range roots {
		if left[i] {
			out = append(out, roots[i])
		}
	}
	return out
}

// newest is the row of a thread that came last.
func (f *forest) newest(t *thread) int32 {
	best := t.first()
	stack := append([]int32(nil), t.kids...)
	if t.row != none {
		stack = append(stack, t.row)
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], f.kids[i]...)
		if a, b := f.rows[i].arrived, f.rows[best].arrived; a > b || a == b && i > best {
			best = i
		}
	}
	return best
}
