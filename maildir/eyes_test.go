package maildir

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"weak"

	"bascule/internal/notify"
	"bascule/locking"
	"bascule/maildir/index"
)

const bob, carol = "bob@example.org", "carol@example.org"

// Runs laid over others are what a table of single UIDs says.
func FuzzSeenRuns(f *testing.F) {
	f.Add([]byte{1, 5, 1, 3, 3, 0, 2, 9, 1})
	f.Add([]byte{10, 20, 1, 12, 14, 0, 11, 30, 1, 1, 200, 0})
	f.Fuzz(func(t *testing.T, edits []byte) {
		var runs []index.SeenRun
		var model [300]index.SeenRun
		for i := 0; i+3 <= len(edits); i += 3 {
			lo, hi := uint32(edits[i])+1, uint32(edits[i])+1+uint32(edits[i+1]%40)
			r := index.SeenRun{First: lo, Last: hi, ModSeq: uint64(i), Seen: edits[i+2]&1 == 1}
			before := slices.Clone(runs)
			was := runs
			runs = overlay(runs, []index.SeenRun{r})
			if !slices.Equal(was, before) {
				t.Fatal("the list of before was changed")
			}
			for uid := lo; uid <= hi; uid++ {
				model[uid] = r
			}
		}
		l := readList{runs: runs}
		for uid := UID(1); uid < 300; uid++ {
			want, got := model[uid], l.find(uid)
			if (got == nil) != (want.First == 0) || got != nil && (got.ModSeq != want.ModSeq || got.Seen != want.Seen) {
				t.Fatalf("UID %d: %+v, not %+v, in %+v", uid, got, want, runs)
			}
		}
		for i := 1; i < len(runs); i++ {
			if runs[i].First <= runs[i-1].Last {
				t.Fatalf("not in order: %+v", runs)
			}
		}
	})
}

// reader is one user in one process, who keeps a copy of the mailbox in step by what differs from snapshot to snapshot.
type reader struct {
	m    *Mailbox
	eyes *Eyes
	last *Snapshot
	seen map[UID]bool
}

func (r *reader) look(t *testing.T) {
	t.Helper()
	now := r.eyes.See(refresh(t, r.m))
	d := Diff(r.last, now)
	if now.HighestModSeq() < r.last.HighestModSeq() {
		t.Fatalf("the modseq fell from %d to %d", r.last.HighestModSeq(), now.HighestModSeq())
	}
	for _, uid := range d.GoneUIDs {
		delete(r.seen, uid)
	}
	for _, uid := range d.Changed {
		m := now.Find(uid)
		if m.ModSeq <= r.last.HighestModSeq() || m.ModSeq > now.HighestModSeq() {
			t.Fatalf("UID %d changed with modseq %d, between %d and %d", uid, m.ModSeq, r.last.HighestModSeq(), now.HighestModSeq())
		}
		r.seen[uid] = m.Flags&FlagSeen != 0
	}
	for i := now.Len() - d.Added; i < now.Len(); i++ {
		r.seen[now.At(i).UID] = now.At(i).Flags&FlagSeen != 0
	}
	r.last = now
}

// Whatever several users do in two processes, each has the \Seen of his own marks, the owner that of his; all other flags are common; and
// who follows by what differs since the last look never misses one.
func TestPrivateSeenIsEachReadersOwn(t *testing.T) {
	bus := notify.NewInProcess()
	one := newTestStore(t)
	one.opts.Bus = bus
	other := openTestStore(t, one.data, locking.NewInProcess(), bus)
	accounts := []*Account{one.account("a@example.org"), other.account("a@example.org")}
	deliver(t, accounts[0], Inbox, 300)
	if err := accounts[0].SetPrivateSeen(t.Context(), Inbox, true); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	model := map[string]map[UID]bool{"a@example.org": {}, bob: {}, carol: {}}
	flagged := map[UID]bool{}
	var readers []*reader
	var names []string
	for _, a := range accounts {
		m := open(t, a, Inbox)
		for _, user := range []string{"a@example.org", bob, carol} {
			e := must[*Eyes](t)(m.Eyes(t.Context(), user))
			if (e == nil) != (user == "a@example.org") {
				t.Fatalf("%s: eyes %v", user, e)
			}
			x := &reader{m: m, eyes: e, last: e.See(m.Snapshot()), seen: map[UID]bool{}}
			readers, names = append(readers, x), append(names, user)
		}
	}
	step := func() {
		i := r.IntN(len(readers))
		x, user := readers[i], names[i]
		uids := uidsOf(x.m.Snapshot())
		lo := r.IntN(len(uids))
		pick := slices.Clone(uids[lo:min(len(uids), lo+1+r.IntN(1+r.IntN(40)))])
		if r.IntN(3) == 0 {
			pick = slices.DeleteFunc(pick, func(UID) bool { return r.IntN(2) == 0 })
		}
		op := StoreOp{Mode: StoreMode(r.IntN(3)), Eyes: x.eyes}
		seen, flag := r.IntN(2) == 0, r.IntN(4) == 0
		if seen {
			op.Flags = append(op.Flags, `\Seen`)
		}
		if flag {
			op.Flags = append(op.Flags, `\Flagged`)
		}
		switch r.IntN(12) {
		case 0:
			deliver(t, accounts[r.IntN(2)], Inbox, 1)
			return
		case 1:
			must[StoreResult](t)(x.m.Store(t.Context(), pick[:min(1, len(pick))], StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}, Eyes: x.eyes}))
			for _, gone := range must[ExpungeResult](t)(x.m.Expunge(t.Context(), nil)).UIDs {
				delete(flagged, gone)
				for _, m := range model {
					delete(m, gone)
				}
			}
			return
		}
		var since *ModSeq
		if r.IntN(3) == 0 {
			v := x.last.HighestModSeq()
			since, op.UnchangedSince = &v, &v
		}
		before := x.eyes.See(refresh(t, x.m))
		res := must[StoreResult](t)(x.m.Store(t.Context(), pick, op))
		for _, uid := range pick {
			m := before.Find(uid)
			if since != nil && m.ModSeq > *since {
				if !slices.Contains(res.Modified, uid) {
					t.Fatalf("UID %d has modseq %d, above %d, and was changed", uid, m.ModSeq, *since)
				}
				continue
			}
			for _, s := range []struct {
				named bool
				state map[UID]bool
			}{{seen, model[user]}, {flag, flagged}} {
				switch {
				case op.Mode == StoreReplace:
					s.state[uid] = s.named
				case s.named:
					s.state[uid] = op.Mode == StoreAdd
				}
			}
		}
	}
	check := func(n int) {
		for i, x := range readers {
			x.look(t)
			unseen := 0
			for k, m := range x.last.All() {
				want := model[names[i]][m.UID]
				if got := m.Flags&FlagSeen != 0; got != want || x.seen[m.UID] != want {
					t.Fatalf("step %d: %s (%d): UID %d is seen: %v, followed: %v, not %v", n, names[i], i, m.UID, got, x.seen[m.UID], want)
				}
				if got := m.Flags&FlagFlagged != 0; got != flagged[m.UID] {
					t.Fatalf("step %d: UID %d is flagged: %v", n, m.UID, got)
				}
				if !want {
					if unseen++; unseen == 1 && x.last.FirstUnseen() != k {
						t.Fatalf("step %d: the first unseen is %d, not %d", n, x.last.FirstUnseen(), k)
					}
				}
			}
			if x.last.Unseen() != unseen {
				t.Fatalf("step %d: %s: %d unseen, not %d", n, names[i], x.last.Unseen(), unseen)
			}
			st := must[Status](t)(x.m.a.StatusOf(t.Context(), Inbox, names[i], false))
			equal(t, "STATUS", fmt.Sprint(st.Unseen, st.HighestModSeq), fmt.Sprint(unseen, x.last.HighestModSeq()))
		}
	}
	for _, x := range readers {
		x.last = newSnapshot(snapshotHead{uidValidity: x.last.uidValidity, modSeq: 1}, nil)
	}
	for n := range 250 {
		step()
		if n%3 == 0 {
			check(n)
		}
	}
	check(-1)
	// Another opening reads the same from the index.
	fresh := openTestStore(t, one.data, locking.NewInProcess(), bus)
	m := open(t, fresh.account("a@example.org"), Inbox)
	e := must[*Eyes](t)(m.Eyes(t.Context(), carol))
	for _, msg := range e.See(m.Snapshot()).All() {
		if got := msg.Flags&FlagSeen != 0; got != model[carol][msg.UID] {
			t.Errorf("UID %d is seen: %v", msg.UID, got)
		}
	}
}

// A list of very many runs is made small, and says the same.
func TestManyRunsBecomeFew(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 60)
	if err := a.SetPrivateSeen(t.Context(), Inbox, true); err != nil {
		t.Fatal(err)
	}
	m := open(t, a, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{10, 11}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(m.Expunge(t.Context(), nil))
	runs := compacted([]index.SeenRun{{First: 1, Last: 1, ModSeq: 5, Seen: true}, {First: 2, Last: 9, ModSeq: 3, Seen: true}, {First: 10, Last: 11, ModSeq: 4},
		{First: 12, Last: 12, ModSeq: 7, Seen: true}, {First: 13, Last: 13, ModSeq: 8}, {First: 15, Last: 15, ModSeq: 9}}, m.Snapshot())
	equal(t, "runs", runs, []index.SeenRun{{First: 1, Last: 12, ModSeq: 7, Seen: true}, {First: 13, Last: 13, ModSeq: 8}, {First: 15, Last: 15, ModSeq: 9}})
}

// What is private begins with nothing read, ends with what the owner has, and each change of the rule is a change of every message.
func TestSeenBecomesPrivateAndCommonAgain(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	m := open(t, a, Inbox)
	must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}}))
	before := m.Snapshot()
	if e := must[*Eyes](t)(m.Eyes(t.Context(), bob)); e != nil {
		t.Fatal("eyes where \\Seen is common")
	}
	if err := a.SetPrivateSeen(t.Context(), Inbox, true); err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", Diff(before, m.Snapshot()).Changed, []UID{1, 2, 3})
	e := must[*Eyes](t)(m.Eyes(t.Context(), bob))
	equal(t, "unseen by Bob", e.See(m.Snapshot()).Unseen(), 3)
	must[StoreResult](t)(m.Store(t.Context(), []UID{2, 3}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}, Eyes: e}))
	equal(t, "unseen by Bob", e.See(m.Snapshot()).Unseen(), 1)
	equal(t, "unseen by the owner", m.Snapshot().Unseen(), 2)
	// Copies have what the copier sees.
	trash := open(t, a, "Trash")
	must[CopyResult](t)(m.Transfer(t.Context(), []UID{1, 2, 3}, trash, Transfer{Eyes: e}))
	equal(t, "unseen copies", trash.Snapshot().Unseen(), 1)
	b := s.account(bob)
	to := open(t, b, Inbox)
	must[CopyResult](t)(m.Transfer(t.Context(), []UID{1, 2}, to, Transfer{Eyes: e}))
	equal(t, "unseen copies elsewhere", to.Snapshot().Unseen(), 1)
	must[int](t)(a.Ungrant(t.Context(), bob))
	e = must[*Eyes](t)(m.Eyes(t.Context(), bob))
	equal(t, "unseen by another Bob", e.See(m.Snapshot()).Unseen(), 3)
	must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}, Eyes: e}))
	before = m.Snapshot()
	if err := a.SetPrivateSeen(t.Context(), Inbox, false); err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", Diff(before, m.Snapshot()).Changed, []UID{1, 2, 3})
	if e := must[*Eyes](t)(m.Eyes(t.Context(), bob)); e != nil {
		t.Fatal("eyes where \\Seen is common")
	}
	// One that is made below is as the one above.
	if err := a.SetPrivateSeen(t.Context(), "Sent", true); err != nil {
		t.Fatal(err)
	}
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Sent/Sub", nil))
	equal(t, "private below", must[bool](t)(a.PrivateSeen(t.Context(), "Sent/Sub")), true)
	equal(t, "private beside", must[bool](t)(a.PrivateSeen(t.Context(), "Trash")), false)
	// A mailbox that goes takes with it what was read there.
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Work", nil))
	if err := a.SetPrivateSeen(t.Context(), "Work", true); err != nil {
		t.Fatal(err)
	}
	must[[]Removed](t)(a.DeleteMailbox(t.Context(), "Work"))
}

// What nobody looks at any more is not kept: neither what a user had read before his last marks, nor, when his sessions are over, the
// mailbox as he saw it.
func TestEyesKeepNothingThatIsOver(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	if err := a.SetPrivateSeen(t.Context(), Inbox, true); err != nil {
		t.Fatal(err)
	}
	m := open(t, a, Inbox)
	e := must[*Eyes](t)(m.Eyes(t.Context(), bob))
	var lists []weak.Pointer[readList]
	for _, mode := range []StoreMode{StoreAdd, StoreRemove, StoreAdd, StoreRemove} {
		must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: mode, Flags: []string{`\Seen`}, Eyes: e}))
		lists = append(lists, weak.Make(e.now.Load()))
	}
	session := e.See(m.Snapshot())
	sight := weak.Make(session)
	runtime.GC()
	if e.See(m.Snapshot()) != session {
		t.Error("two sessions do not share what they see")
	}
	for i, l := range lists[:len(lists)-1] {
		if l.Value() != nil {
			t.Errorf("what was read before is kept: %d", i)
		}
	}
	runtime.KeepAlive(session)
	session = nil
	runtime.GC()
	if sight.Value() != nil {
		t.Error("the mailbox is kept as a user saw it who is gone")
	}
	runtime.KeepAlive(e)
}

// Between a session's look at whose \Seen is whose and its STORE that may have changed: nothing is then noted of what it has read.
func TestEyesOfBeforeMarkNothing(t *testing.T) {
	for _, again := range []bool{false, true} {
		s := newTestStore(t)
		a := s.account("a@example.org")
		deliver(t, a, Inbox, 3)
		m := open(t, a, Inbox)
		private := func(is bool) {
			if err := a.SetPrivateSeen(t.Context(), Inbox, is); err != nil {
				t.Fatal(err)
			}
		}
		private(true)
		before := must[*Eyes](t)(m.Eyes(t.Context(), bob))
		must[StoreResult](t)(m.Store(t.Context(), []UID{1}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}, Eyes: before}))
		if private(false); again {
			private(true)
		}
		now := must[*Eyes](t)(m.Eyes(t.Context(), bob))
		must[StoreResult](t)(m.Store(t.Context(), []UID{2}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`, `\Flagged`}, Eyes: before}))
		equal(t, "the owner's flags", m.Snapshot().FlagNames(m.Snapshot().Find(2).Flags), []string{`\Flagged`})
		equal(t, "unseen", now.See(m.Snapshot()).Unseen(), 3)
	}
}

// Who loses the right to read and gets it again finds nothing read, and a mail program of his that remembers better is told.
func TestWhatIsForgottenIsTold(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	deliver(t, a, Inbox, 3)
	if err := a.SetPrivateSeen(t.Context(), Inbox, true); err != nil {
		t.Fatal(err)
	}
	m := open(t, a, Inbox)
	grant := func(r Rights) {
		if _, _, err := a.Grant(t.Context(), Inbox, bob, false, func(Rights) Rights { return r }); err != nil {
			t.Fatal(err)
		}
	}
	grant(RightLookup | RightRead)
	e := must[*Eyes](t)(m.Eyes(t.Context(), bob))
	must[StoreResult](t)(m.Store(t.Context(), []UID{1, 3}, StoreOp{Mode: StoreAdd, Flags: []string{`\Seen`}, Eyes: e}))
	x := reader{m: m, eyes: e, last: e.See(m.Snapshot()), seen: map[UID]bool{1: true, 3: true}}
	grant(RightLookup)
	grant(RightLookup | RightRead)
	x.eyes = must[*Eyes](t)(m.Eyes(t.Context(), bob))
	since := x.last.HighestModSeq()
	x.look(t)
	equal(t, "unseen", x.last.Unseen(), 3)
	var told []UID
	for _, msg := range x.last.Since(0, since) {
		if msg.ModSeq > since {
			told = append(told, msg.UID)
		}
	}
	if !slices.Contains(told, 1) || !slices.Contains(told, 3) {
		t.Errorf("a client that comes back is told of %v only", told)
	}
}
