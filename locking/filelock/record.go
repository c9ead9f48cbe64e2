package filelock

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"bascule/locking"
)

const (
	// recordDelay is how long an exclusive lease lasts before its holder is
	// written down.
	recordDelay = 20 * time.Millisecond
	// maxField bounds each text of a holder, in bytes.
	maxField = 256
	// maxKeyInRecord bounds the key in a record; a longer one is left out.
	maxKeyInRecord = 4 << 10
	// maxRecord is more than the longest record.
	maxRecord = 32 << 10
)

// record is the content of a side file.
type record struct {
	Key    []byte         `json:"key,omitempty"` // bytes: a key need not be text
	Holder locking.Holder `json:"holder"`
}

// bounded shortens what a side file could not bear. It also makes the text
// valid UTF-8, as JSON wants it.
func bounded(h locking.Holder) locking.Holder {
	for _, s := range []*string{&h.Session, &h.Account, &h.Protocol, &h.Remote, &h.Process} {
		if len(*s) > maxField {
			*s = (*s)[:maxField]
		}
		if !utf8.ValidString(*s) {
			*s = strings.ToValidUTF8(*s, "?")
		}
	}
	return h
}

// writeRecord writes a side file. It needs no rename: nobody believes the file
// until its writer has locked the record's place, and then it is not changed.
func (m *Manager) writeRecord(p *place, key locking.Key, h locking.Holder) error {
	r := record{Holder: h}
	if len(key) <= maxKeyInRecord {
		r.Key = []byte(key)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(m.recordPath(p.sideFile()), b, 0o660)
}

func (m *Manager) recordPath(name string) string { return filepath.Join(m.dir, "held", name) }

// readRecord reads a side file, which need not be there or be whole.
func (m *Manager) readRecord(name string) (record, bool) {
	f, err := os.Open(m.recordPath(name))
	if err != nil {
		return record{}, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return record{}, false
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, false
	}
	r.Holder = bounded(r.Holder)
	return r, true
}

// readRecords reads the side files of other processes that can be believed.
func (m *Manager) readRecords() []record {
	dir, err := os.Open(filepath.Join(m.dir, "held"))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // as far as they can be read
	var rs []record
	for _, name := range names {
		r, ok := m.readRecord(name)
		if !ok {
			continue
		}
		p := placeOf(locking.Key(r.Key))
		if p.sideFile() != name {
			continue // its key was too long to be written down
		}
		sh := &m.shards[p.file()]
		sh.mu.Lock()
		f, err := sh.openLocked()
		sh.mu.Unlock()
		if err != nil {
			continue
		}
		if live, err := f.against(locking.Shared, p.record(), 1); live && err == nil {
			rs = append(rs, r)
		}
	}
	return rs
}
