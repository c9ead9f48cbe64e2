package disktest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Policy says what of the unsynced a power failure leaves.
type Policy struct {
	name string
	rnd  *rand.Rand
	// keepChanges marks which changes of a directory remain.
	keepChanges func(p *Policy, changes []*change, keep map[*change]bool)
	keepData    func(p *Policy, n *node) []byte
}

func (p Policy) String() string { return p.name }

// DropUnsynced: nothing remains that was not synced. Files whose name was synced but whose contents were not are empty.
func DropUnsynced() Policy {
	return Policy{
		name:        "drop unsynced",
		keepChanges: func(*Policy, []*change, map[*change]bool) {},
		keepData:    func(_ *Policy, n *node) []byte { return n.synced },
	}
}

// KeepAll: everything remains, as when only the process is killed.
func KeepAll() Policy {
	return Policy{
		name: "keep all",
		keepChanges: func(_ *Policy, changes []*change, keep map[*change]bool) {
			for _, c := range changes {
				keep[c] = true
			}
		},
		keepData: func(_ *Policy, n *node) []byte { return n.data },
	}
}

// Prefix: of each directory's unsynced changes a random number of the first remains; unsynced contents are cut at random.
func Prefix(seed uint64) Policy {
	return Policy{
		name: fmt.Sprintf("prefix %d", seed),
		rnd:  rand.New(rand.NewPCG(seed, 1)),
		keepChanges: func(p *Policy, changes []*change, keep map[*change]bool) {
			for _, c := range changes[:p.rnd.IntN(len(changes)+1)] {
				keep[c] = true
			}
		},
		keepData: cutData,
	}
}

// Subset: any of the unsynced changes may remain, whatever their order; unsynced contents are cut at random.
func Subset(seed uint64) Policy {
	return Policy{
		name: fmt.Sprintf("subset %d", seed),
		rnd:  rand.New(rand.NewPCG(seed, 2)),
		keepChanges: func(p *Policy, changes []*change, keep map[*change]bool) {
			for _, c := range changes {
				if p.rnd.IntN(2) == 0 {
					keep[c] = true
				}
			}
		},
		keepData: cutData,
	}
}

// cutData leaves the synced contents, the last ones, or something between.
func cutData(p *Policy, n *node) []byte {
	switch p.rnd.IntN(3) {
	case 0:
		return n.synced
	case 1:
		return n.data
	}
	least := min(len(n.synced), len(n.data))
	return n.data[:least+p.rnd.IntN(len(n.data)-least+1)]
}

// Replay builds in dir, which must be empty or missing, what a power failure after the first n recorded calls may leave of the
// recorded directory.
func (r *RecordFS) Replay(n int, dir string, p Policy) error {
	r.mu.Lock()
	ops := r.ops[:n:n]
	r.mu.Unlock()
	m := &model{root: r.base.clone(), handles: map[int]*node{}}
	marks := map[string]op{}
	for _, o := range ops {
		if o.kind == "mark" {
			marks[o.path] = o
			continue
		}
		m.apply(o)
	}
	keep := map[*change]bool{}
	p.choose(m.root, keep, map[*node]bool{})
	if err := p.build(m.root, dir, keep); err != nil {
		return fmt.Errorf("disktest: replay: %w", err)
	}
	for _, label := range slices.Sorted(maps.Keys(marks)) {
		if copy := marks[label].copy; copy != nil {
			if err := copy(dir); err != nil {
				return fmt.Errorf("disktest: replay mark %s: %w", label, err)
			}
		}
	}
	return nil
}

// choose decides for every change in the tree whether it remains. All directories that ever were are looked at, in a fixed
// order, so that a seed always means the same.
func (p *Policy) choose(dir *node, keep map[*change]bool, seen map[*node]bool) {
	if seen[dir] || !dir.isDir() {
		return
	}
	seen[dir] = true
	var open []*change
	for _, c := range dir.changes {
		if c.durable {
			keep[c] = true
		} else {
			open = append(open, c)
		}
	}
	p.keepChanges(p, open, keep)
	for _, c := range dir.changes {
		if keep[c] {
			for needed := c.needs; needed != nil; needed = needed.needs {
				keep[needed] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dir.durable)) {
		p.choose(dir.durable[name], keep, seen)
	}
	for _, c := range dir.changes {
		if c.target != nil {
			p.choose(c.target, keep, seen)
		}
	}
}

// left are the entries of a directory after the failure.
func (n *node) left(keep map[*change]bool) map[string]*node {
	entries := maps.Clone(n.durable)
	for _, c := range n.changes {
		if !keep[c] {
			continue
		}
		if c.remove != "" {
			delete(entries, c.remove)
		}
		if c.add != "" {
			entries[c.add] = c.target
		}
	}
	return entries
}

func (p *Policy) build(n *node, path string, keep map[*change]bool) error {
	return p.buildNode(n, path, keep, map[*node]string{})
}

// buildNode writes a directory; files with several names become links again.
func (p *Policy) buildNode(n *node, path string, keep map[*change]bool, built map[*node]string) error {
	if err := os.MkdirAll(path, n.perm|0o700); err != nil {
		return err
	}
	entries := n.left(keep)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		child, to := entries[name], filepath.Join(path, name)
		first, again := built[child]
		switch {
		case child.isDir() && again:
			// A directory has one place. Between two directories the old entry may not yet be gone; the file system's check
			// would keep one of them.
			continue
		case child.isDir():
			built[child] = to
			if err := p.buildNode(child, to, keep, built); err != nil {
				return err
			}
		case again:
			if err := os.Link(first, to); err != nil {
				return err
			}
		default:
			built[child] = to
			if err := os.WriteFile(to, p.keepData(p, child), child.perm|0o600); err != nil {
				return err
			}
			if !child.syncedTime.IsZero() {
				if err := os.Chtimes(to, child.syncedTime, child.syncedTime); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
