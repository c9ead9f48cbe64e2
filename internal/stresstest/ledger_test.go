package stresstest

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
)

// key is a message in a mailbox.
type key struct {
	box string
	uid uint32
}

// ledger is what all clients together know. Entries are only added.
type ledger struct {
	ids atomic.Int64

	mu        sync.Mutex // protects the fields below
	id        map[key]string
	moved     map[key]bool    // somebody asked for its move, perhaps in vain
	marked    map[key]bool    // the same for \Deleted, which whoever expunges carries out
	origin    map[key]key     // of copies, which keep \Deleted
	popDoomed map[string]bool // the same by POP3, for messages of INBOX
	dead      map[key]bool    // its removal was acknowledged
	explained map[key]bool    // an APPENDUID or COPYUID told of it
	delivered map[string]bool // ids that were accepted by LMTP or put into the Maildir
	appended  map[string]bool
	popped    map[string]bool // ids that a POP3 client has read
	uidl      map[string]string
	suspects  []suspect
}

// suspect is a message that is gone. Whether somebody had asked for that is known at the end only: the answer to a COPY of a message that is
// marked as deleted may come later than the news that the copy was expunged.
type suspect struct {
	k   key
	why string
}

func newLedger() *ledger {
	return &ledger{id: map[key]string{}, moved: map[key]bool{}, marked: map[key]bool{}, origin: map[key]key{}, popDoomed: map[string]bool{}, dead: map[key]bool{}, explained: map[key]bool{},
		delivered: map[string]bool{}, appended: map[string]bool{}, popped: map[string]bool{}, uidl: map[string]string{}}
}

func (l *ledger) fresh() string { return fmt.Sprintf("id-%06d", l.ids.Add(1)) }

// learn notes which message has a UID. Two opinions are an error.
func (l *ledger) learn(k key, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, known := l.id[k]; known && old != id {
		return fmt.Errorf("%v was %s and is %s", k, old, id)
	}
	l.id[k] = id
	return nil
}

// created is learn for a UID that the answer to a command gave to a new message.
func (l *ledger) created(k key, id string) error {
	l.mu.Lock()
	again := l.explained[k]
	l.explained[k] = true
	l.mu.Unlock()
	if again {
		return fmt.Errorf("%v was given to two messages, the second is %s", k, id)
	}
	return l.learn(k, id)
}

func (l *ledger) idOf(k key) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id[k]
}

// note adds to one of the sets.
func note[K comparable](l *ledger, set map[K]bool, what ...K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range what {
		set[k] = true
	}
}

// mayVanish says whether somebody asked for the removal of k, as far as is known.
func (l *ledger) mayVanish(k key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mayVanishLocked(k)
}

func (l *ledger) mayVanishLocked(k key) bool {
	if l.moved[k] || k.box == "INBOX" && l.popDoomed[l.id[k]] {
		return true
	}
	for known := true; known; k, known = l.origin[k] {
		if l.marked[k] {
			return true
		}
	}
	return false
}

// vanished notes that k is gone.
func (l *ledger) vanished(k key, why func() string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayVanishLocked(k) {
		l.suspects = append(l.suspects, suspect{k, why()})
	}
}

// outlook is what is known of a mailbox at one moment.
type outlook struct {
	known map[key]string
	dead  map[key]bool
}

func (l *ledger) outlook() outlook {
	l.mu.Lock()
	defer l.mu.Unlock()
	return outlook{maps.Clone(l.id), maps.Clone(l.dead)}
}

// compare verifies what a view that was opened after the outlook shows.
func (l *ledger) compare(o outlook, box string, uids []uint32) error {
	there := map[uint32]bool{}
	for _, uid := range uids {
		there[uid] = true
		if o.dead[key{box, uid}] {
			return fmt.Errorf("%s shows UID %d, whose removal was acknowledged", box, uid)
		}
	}
	for k, id := range o.known {
		if k.box == box && !there[k.uid] {
			l.vanished(k, func() string { return fmt.Sprintf("a new view does not show it (%s)", id) })
		}
	}
	return nil
}

// audit verifies, at the end, that no message came into being twice and that none that was accepted was never seen.
func (l *ledger) audit() (errs []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	arrivals, seen := map[string][]key{}, map[string]bool{}
	for k, id := range l.id {
		seen[id] = true
		if !l.explained[k] {
			arrivals[id] = append(arrivals[id], k)
		}
	}
	for id, at := range arrivals {
		if l.appended[id] || len(at) > 1 {
			errs = append(errs, fmt.Errorf("%s is at %v for no reason", id, at))
		}
	}
	// POP3 removes messages of which no IMAP client has learned yet which they are.
	unknown := map[key]string{}
	for _, x := range l.suspects {
		switch {
		case l.mayVanishLocked(x.k):
		case x.k.box == "INBOX" && l.id[x.k] == "":
			unknown[x.k] = x.why
		default:
			errs = append(errs, fmt.Errorf("nobody removed %v, but %s", x.k, x.why))
		}
	}
	popped := 0
	for id := range l.popDoomed {
		if !seen[id] {
			popped++
		}
	}
	if len(unknown) > popped {
		errs = append(errs, fmt.Errorf("%d messages went from INBOX before anybody knew them, but POP3 deleted only %d such: %v", len(unknown), popped, unknown))
	}
	for id := range l.delivered {
		if !seen[id] && !l.popped[id] {
			errs = append(errs, fmt.Errorf("%s was accepted and never seen", id))
		}
	}
	return errs
}
