package maildir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"bascule/maildir/search"
)

// TextIndex says whether an account's texts are indexed, so that a search in bodies needs not read them all.
type TextIndex string

const (
	TextIndexOff TextIndex = "off"
	// TextIndexAuto begins an index when a search had to read many messages, and keeps it from then on.
	TextIndexAuto TextIndex = "auto"
	// TextIndexOn keeps one from the first message on.
	TextIndexOn TextIndex = "on"
)

// beginTexts is from how many messages that a search must read an index is begun under TextIndexAuto.
const beginTexts = 1000

// maxFinds bounds how many texts of one search are looked for in the index.
const maxFinds = 32

// texts is an account's text index as this process uses it. The file can be lost at any time. What it tells is never the last word: a message
// that may have a text is read, and so is every message of which the index knows nothing.
type texts struct {
	path string // of search-1.db; set when the account is opened

	mu     sync.Mutex // protects the fields below; it may be taken after Account.mu
	db     *search.DB // for looking; nil: not open
	uses   int        // of db
	timer  *time.Timer
	closed bool
	swept  map[int64]ModSeq // of folders, when rows without messages were last removed
	broken bool             // damaged, and others have it open
	wanted bool             // a search wants it to be begun
}

// keepTexts is how long the file stays open after its last use.
const keepTexts = 30 * time.Second

func textsPath(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("search-%d.db", search.Version))
}

func (t *texts) exists() bool {
	_, err := os.Stat(t.path)
	return err == nil
}

// acquire opens the index for looking; nil if there is none. release gives it back.
func (t *texts) acquire(ctx context.Context) (*search.DB, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.broken || !t.exists() {
		return nil, nil
	}
	if t.db == nil {
		db, err := search.Open(ctx, t.path)
		if err != nil {
			return nil, err
		}
		t.db = db
	}
	t.uses++
	return t.db, nil
}

func (t *texts) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uses--; t.uses > 0 {
		return
	}
	if t.closed || t.broken {
		t.closeDB()
		return
	}
	if t.timer == nil {
		t.timer = time.AfterFunc(keepTexts, t.closeIdle)
	} else {
		t.timer.Reset(keepTexts)
	}
}

func (t *texts) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uses == 0 {
		t.closeDB()
	}
}

// closeDB closes the index. t.mu is held.
func (t *texts) closeDB() {
	if t.db != nil {
		t.db.Close()
		t.db = nil
	}
}

// close ends the use of the index, when those who look into it are done.
func (t *texts) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.uses == 0 {
		t.closeDB()
	}
}

// TextHits is what the text index tells of some texts in a mailbox. A nil one tells nothing.
type TextHits struct {
	below  UID      // of messages from here on it knows nothing
	unread []uint32 // nor of these
	found  [][]uint32
	told   []bool // by text: the index could tell
}

// Lacks says that text i is certainly not in a message: not in its header and not in its body.
func (h *TextHits) Lacks(i int, uid UID) bool {
	if h == nil || i >= len(h.told) || !h.told[i] || uid >= h.below {
		return false
	}
	if _, may := slices.BinarySearch(h.found[i], uint32(uid)); may {
		return false
	}
	_, unread := slices.BinarySearch(h.unread, uint32(uid))
	return !unread
}

// FindTexts asks the text index where texts, folded by message.Fold, may be. bodies says that without it bodies have to be read:
// then an index that is missing is begun, and one that is behind is brought up, in the background. Whatever is wrong with the index, it is
// logged and there is no answer.
func (m *Mailbox) FindTexts(ctx context.Context, find []string, bodies bool) *TextHits {
	a := m.a
	mode := a.Policy().TextIndex
	if mode != TextIndexOn && mode != TextIndexAuto || len(find) == 0 {
		return nil
	}
	h := &TextHits{}
	db, err := a.texts.acquire(ctx)
	if db != nil {
		err = db.Read(ctx, func(tx search.Tx) error { return h.ask(tx, m, find) })
		a.texts.release()
	}
	if err != nil {
		if ctx.Err() == nil {
			a.textsFailed(err)
		}
		return nil
	}
	if s := m.current.Load(); bodies {
		behind := s.Len() - s.Lower(h.below)
		begin := mode == TextIndexOn || db != nil || behind >= beginTexts
		if behind > 0 && begin {
			a.wantTexts()
		}
	}
	return h
}

func (h *TextHits) ask(tx search.Tx, m *Mailbox, find []string) error {
	f, err := tx.Folder(m.folderID, m.id, m.current.Load().UIDValidity())
	if err != nil || f.Below == 0 {
		return err
	}
	h.below = UID(f.Below)
	if h.unread, err = tx.Unread(f.ID); err != nil {
		return err
	}
	for _, text := range find[:min(len(find), maxFinds)] {
		uids, told, err := tx.Find(f.ID, text)
		if err != nil {
			return err
		}
		h.found, h.told = append(h.found, uids), append(h.told, told)
	}
	return nil
}

// textsFailed deals with an error of the index: one that is damaged is made anew.
func (a *Account) textsFailed(err error) {
	if !search.IsDamaged(err) {
		a.log.Warn("text index could not be used", "err", err)
		return
	}
	a.log.Error("text index is damaged: it is made anew from the messages", "err", err)
	a.texts.mu.Lock()
	a.texts.broken = true
	if a.texts.uses == 0 {
		a.texts.closeDB()
	}
	a.texts.mu.Unlock()
	a.wantTexts()
}

// dropTexts deletes the index, if nobody else has the account open: others would go on with a file that is not there any more, and what
// they leave beside it would be read as if it belonged to the next one.
func (a *Account) dropTexts() (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shutErr != nil || a.lock == nil || !a.lock.Alone() {
		return false, a.shutErr
	}
	if err := a.lock.Lock(); err != nil { // who opens the account waits here before it can search
		return false, err
	}
	defer a.lock.Unlock()
	a.texts.mu.Lock()
	defer a.texts.mu.Unlock()
	if a.texts.uses > 0 {
		return false, nil
	}
	a.texts.closeDB()
	if err := search.Remove(a.texts.path); err != nil {
		return false, err
	}
	a.texts.broken, a.texts.swept = false, nil
	return true, nil
}

// distrustText makes a message be read by every search: a stranger has changed its file. It comes before the index of messages is changed.
func (m *Mailbox) distrustText(ctx context.Context, uid UID) error {
	db, err := m.a.texts.acquire(ctx)
	if db == nil || err != nil {
		return err
	}
	defer m.a.texts.release()
	return db.Write(ctx, func(tx search.Tx) error {
		f, err := tx.Folder(m.folderID, m.id, m.current.Load().UIDValidity())
		if err != nil || uint32(uid) >= f.Below {
			return err
		}
		if err := tx.Remove(&f, []uint32{uint32(uid)}); err != nil {
			return err
		}
		if err := tx.AddUnread(&f, uint32(uid)); err != nil {
			return err
		}
		return tx.Save(f)
	})
}
