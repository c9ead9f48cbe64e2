package maildir

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// fieldTable is the Fields of a mailbox's messages that were searched. A message's never change, save where a stranger changes its file.
type fieldTable struct {
	memory *fieldMemory

	used atomic.Int64 // when it was last asked, nanoseconds since 1970

	mu     sync.RWMutex // protects the fields below; taken after memory.mu
	blocks map[UID]*fieldBlock
	bytes  int64
}

// fieldBlock has the messages whose UIDs differ in the last eight bits.
type fieldBlock [1 << 8]Fields

func newFieldTable(memory *fieldMemory) *fieldTable { return &fieldTable{memory: memory} }

// get fills in what is known, and lists what is not.
func (t *fieldTable) get(uids []UID, all []Fields) (missing []UID) {
	t.used.Store(time.Now().UnixNano())
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i, uid := range uids {
		if b := t.blocks[uid>>8]; b != nil {
			all[i] = b[uid&0xFF]
		}
		if all[i].sent == sentUnknown {
			missing = append(missing, uid)
		}
	}
	return missing
}

// forget drops everything.
func (t *fieldTable) forget() {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	t.memory.drop(t)
}

// maxFieldMemory bounds, in bytes, what all mailboxes of a process keep. A mailbox of 100,000 messages takes 20 MB.
const maxFieldMemory = 48 << 20

// keepFields is after how long without a search a mailbox's fields are dropped.
const keepFields = 2 * time.Minute

// fieldMemory is all tables of a process.
type fieldMemory struct {
	mu     sync.Mutex // protects the fields below
	tables []*fieldTable
	bytes  int64
	timer  *time.Timer
}

// keep takes fields into a table, dropping those of mailboxes that were not searched for longest. What is too much for all memory is not kept.
func (fm *fieldMemory) keep(t *fieldTable, uids []UID, all []Fields) {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	for len(fm.tables) > 0 && fm.bytes > maxFieldMemory {
		oldest := slices.MinFunc(fm.tables, func(a, b *fieldTable) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
		if oldest == t {
			return
		}
		fm.drop(oldest)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.bytes
	if t.blocks == nil {
		t.blocks = map[UID]*fieldBlock{}
		fm.tables = append(fm.tables, t)
	}
	for i, uid := range uids {
		if all[i].sent == sentUnknown {
			continue
		}
		b := t.blocks[uid>>8]
		if b == nil {
			b = new(fieldBlock)
			t.blocks[uid>>8] = b
			t.bytes += int64(len(b)) * fieldsSize
		}
		t.bytes += all[i].bytes() - b[uid&0xFF].bytes()
		b[uid&0xFF] = all[i]
	}
	fm.bytes += t.bytes - before
	if fm.timer == nil {
		fm.timer = time.AfterFunc(keepFields, fm.dropOld)
	}
}

// drop empties a table. fm.mu is held.
func (fm *fieldMemory) drop(t *fieldTable) {
	t.mu.Lock()
	fm.bytes -= t.bytes
	t.blocks, t.bytes = nil, 0
	t.mu.Unlock()
	fm.tables = slices.DeleteFunc(fm.tables, func(x *fieldTable) bool { return x == t })
}

// dropOld drops what was not searched for long.
func (fm *fieldMemory) dropOld() {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	for _, t := range slices.Clone(fm.tables) {
		if time.Since(time.Unix(0, t.used.Load())) >= keepFields {
			fm.drop(t)
		}
	}
	fm.timer = nil
	if len(fm.tables) > 0 {
		fm.timer = time.AfterFunc(keepFields, fm.dropOld)
	}
}

// close drops everything and ends the timer.
func (fm *fieldMemory) close() {
	fm.mu.Lock()
	defer fm.mu.Unlock()
	for len(fm.tables) > 0 {
		fm.drop(fm.tables[0])
	}
	if fm.timer != nil {
		fm.timer.Stop()
		fm.timer = nil
	}
}
