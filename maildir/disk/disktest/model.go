package disktest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// node is a file or directory in the model.
type node struct {
	perm fs.FileMode
	// Of directories: entries as programs see them, those that were durable when recording began, and what changed since.
	entries, durable map[string]*node
	changes          []*change
	// Of files: contents as programs see them, and as last synced (nil: never).
	data, synced      []byte
	mtime, syncedTime time.Time
}

func newDir(perm fs.FileMode) *node {
	return &node{perm: perm, entries: map[string]*node{}, durable: map[string]*node{}}
}

func (n *node) isDir() bool { return n.entries != nil }

// change is one step in the life of a directory. A rename within a directory is one change; between directories it is two: the
// entry that appears and the one that goes. File systems journal both together, so that the second is never durable
// without the first.
type change struct {
	remove  string
	add     string
	target  *node
	needs   *change
	durable bool
}

func (c *change) makeDurable() {
	for ; c != nil; c = c.needs {
		c.durable = true
	}
}

// model replays operations.
type model struct {
	root    *node
	handles map[int]*node
}

func (m *model) find(path string) *node {
	n := m.root
	if path == "." {
		return n
	}
	for part := range strings.SplitSeq(path, "/") {
		if n == nil || !n.isDir() {
			return nil
		}
		n = n.entries[part]
	}
	return n
}

// parent gives the directory of a path and the name in it.
func (m *model) parent(path string) (*node, string) {
	dir, name := filepath.Split(path)
	return m.find(filepath.Clean(dir)), name
}

func (m *model) apply(o op) {
	switch o.kind {
	case "create":
		n := &node{perm: o.perm}
		m.handles[o.handle] = n
		m.add(o.path, n)
	case "append":
		n := m.find(o.path)
		if n == nil {
			n = &node{perm: o.perm}
			m.add(o.path, n)
		}
		m.handles[o.handle] = n
	case "mkdir":
		m.add(o.path, newDir(o.perm))
	case "write":
		if n := m.handles[o.handle]; n != nil {
			n.data = append(n.data[:len(n.data):len(n.data)], o.data...)
		}
	case "sync":
		if n := m.handles[o.handle]; n != nil {
			n.synced = append([]byte{}, n.data...)
			n.syncedTime = n.mtime
		}
	case "link":
		if n := m.find(o.path); n != nil {
			m.add(o.to, n)
		}
	case "rename":
		m.rename(o.path, o.to)
	case "remove":
		if dir, name := m.parent(o.path); dir != nil {
			delete(dir.entries, name)
			dir.changes = append(dir.changes, &change{remove: name})
		}
	case "syncdir":
		if dir := m.find(o.path); dir != nil {
			for _, c := range dir.changes {
				c.makeDurable()
			}
		}
	case "chtimes":
		if n := m.find(o.path); n != nil {
			n.mtime = o.mtime
		}
	case "truncate":
		if n := m.find(o.path); n != nil && int64(len(n.data)) > o.size {
			n.data = n.data[:o.size:o.size]
		}
	}
}

func (m *model) add(path string, n *node) {
	if dir, name := m.parent(path); dir != nil {
		dir.entries[name] = n
		dir.changes = append(dir.changes, &change{add: name, target: n})
	}
}

func (m *model) rename(from, to string) {
	src, old := m.parent(from)
	dst, name := m.parent(to)
	if src == nil || dst == nil || src.entries[old] == nil || src.entries[old] == dst.entries[name] {
		return
	}
	n := src.entries[old]
	delete(src.entries, old)
	dst.entries[name] = n
	appears := &change{add: name, target: n}
	dst.changes = append(dst.changes, appears)
	if src == dst {
		appears.remove = old
		return
	}
	src.changes = append(src.changes, &change{remove: old, needs: appears})
}

// readTree loads a directory, all of it durable.
func readTree(path string) (*node, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		data, err := os.ReadFile(path)
		return &node{perm: st.Mode().Perm(), data: data, synced: append([]byte{}, data...), mtime: st.ModTime(), syncedTime: st.ModTime()}, err
	}
	dir := newDir(st.Mode().Perm())
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		n, err := readTree(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		dir.entries[e.Name()] = n
		dir.durable[e.Name()] = n
	}
	return dir, nil
}

// clone copies the tree as recording found it, so that a replay does not change it.
func (n *node) clone() *node {
	c := *n
	if n.isDir() {
		c.entries, c.durable, c.changes = map[string]*node{}, map[string]*node{}, nil
		for name, child := range n.durable {
			copied := child.clone()
			c.entries[name], c.durable[name] = copied, copied
		}
	}
	return &c
}
