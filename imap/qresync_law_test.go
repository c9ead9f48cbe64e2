package imap_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bascule/imap/wire"
	"bascule/internal/gate"
	"bascule/internal/testkit"
	"bascule/maildir"
)

// cachingClient is a mail program that keeps a copy of INBOX between its connections and does what RFC 7162 §6 tells it to, no more. It
// believes every response, and finds fault where one contradicts another.
type cachingClient struct {
	addr    string
	user    string
	mailbox string // as the client calls it
	r       *rand.Rand

	// What outlives a connection.
	validity, modSeq uint64
	flags            map[uint32]string // by UID

	// What belongs to one connection.
	conn     *wireClient
	tag      int
	msgs     []uint32        // by number; 0: not told which
	selected bool            // the answer to SELECT is over
	told     uint64          // HIGHESTMODSEQ since the last tagged reply
	seen     uint64          // the highest MODSEQ since then
	heard    map[uint32]bool // whose flags were told since then
	answered map[uint32]bool // and by the last command
	budget   int             // lines that are read before the connection breaks

	wire []string // the last lines of all connections, to be shown with a fault
}

// note keeps a line for the report of a fault.
func (c *cachingClient) note(line string) {
	if len(c.wire) == 600 {
		c.wire = c.wire[300:]
	}
	c.wire = append(c.wire, line)
}

var errBroken = fmt.Errorf("the connection breaks here")

var (
	existsLine   = regexp.MustCompile(`^\* (\d+) EXISTS$`)
	fetchLine    = regexp.MustCompile(`^\* (\d+) FETCH \((.*)\)$`)
	vanishedLine = regexp.MustCompile(`^\* VANISHED (\(EARLIER\) )?([0-9:,]+)$`)
	highestCode  = regexp.MustCompile(`^(?:\*|t\d+) OK \[HIGHESTMODSEQ (\d+)\]`)
	validityCode = regexp.MustCompile(`^\* OK \[UIDVALIDITY (\d+)\]`)
	uidItem      = regexp.MustCompile(`\bUID (\d+)`)
	modSeqItem   = regexp.MustCompile(`\bMODSEQ \((\d+)\)`)
	flagsItem    = regexp.MustCompile(`\bFLAGS \(([^)]*)\)`)
)

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// do runs one command. The connection may break before its answer is read whole; nothing but the cache is left then.
func (c *cachingClient) do(format string, args ...any) error {
	c.tag++
	tag := fmt.Sprintf("t%d", c.tag)
	c.note(fmt.Sprintf("C: %s "+format, append([]any{tag}, args...)...))
	if err := c.conn.send(tag + " " + fmt.Sprintf(format, args...) + "\r\n"); err != nil {
		return err
	}
	for {
		if c.budget--; c.budget < 0 {
			return errBroken
		}
		line, err := c.conn.line()
		if err != nil {
			return err
		}
		c.note("S: " + line)
		if err := c.hear(line); err != nil {
			return fmt.Errorf("%s: %q: %w", fmt.Sprintf(format, args...), line, err)
		}
		got, rest, err := response(line)
		if err != nil {
			return err
		}
		if got == tag {
			if !strings.HasPrefix(rest, "OK") && !strings.HasPrefix(rest, "NO [EXPUNGEISSUED]") {
				return fmt.Errorf("%s: %s", fmt.Sprintf(format, args...), rest)
			}
			switch {
			case c.told > 0:
				c.modSeq = c.told
			case c.seen > c.modSeq:
				c.modSeq = c.seen
			}
			c.told, c.seen = 0, 0
			c.heard, c.answered = map[uint32]bool{}, c.heard
			return nil
		}
	}
}

// hear takes up one line.
func (c *cachingClient) hear(line string) error {
	if m := validityCode.FindStringSubmatch(line); m != nil {
		if v := number(m[1]); v != c.validity {
			c.validity, c.flags = v, map[uint32]string{}
		}
	}
	if m := highestCode.FindStringSubmatch(line); m != nil {
		c.told = number(m[1])
	}
	if m := existsLine.FindStringSubmatch(line); m != nil {
		n := int(number(m[1]))
		if n < len(c.msgs) {
			return fmt.Errorf("fewer than the %d that are known", len(c.msgs))
		}
		c.msgs = append(c.msgs, make([]uint32, n-len(c.msgs))...)
	}
	if m := vanishedLine.FindStringSubmatch(line); m != nil {
		return c.vanished(m[2], m[1] != "")
	}
	if m := fetchLine.FindStringSubmatch(line); m != nil {
		return c.fetched(int(number(m[1])), m[2])
	}
	if strings.HasSuffix(line, " EXPUNGE") && strings.HasPrefix(line, "* ") {
		return fmt.Errorf("EXPUNGE after ENABLE QRESYNC")
	}
	return nil
}

func (c *cachingClient) vanished(set string, earlier bool) error {
	nums, err := wire.ParseNumSet(set)
	if err != nil {
		return err
	}
	for uid := range nums.Resolve(0).UpTo(1 << 20) {
		delete(c.flags, uid)
		if earlier {
			if i := slices.Index(c.msgs, uid); c.selected && i >= 0 {
				return fmt.Errorf("UID %d has number %d and vanished EARLIER", uid, i+1)
			}
			continue
		}
		i := slices.Index(c.msgs, uid)
		if i < 0 {
			i = c.untold(uid)
		}
		if i < 0 {
			return fmt.Errorf("UID %d was never there", uid)
		}
		c.msgs = slices.Delete(c.msgs, i, i+1)
	}
	return nil
}

// untold is the index of a message whose UID was not told and can be uid: behind all that have a lower one, before all that have a higher
// one. It is -1 if there is no such message.
func (c *cachingClient) untold(uid uint32) int {
	i := len(c.msgs)
	for i > 0 && (c.msgs[i-1] == 0 || c.msgs[i-1] > uid) {
		i--
	}
	if i < len(c.msgs) && c.msgs[i] == 0 {
		return i
	}
	return -1
}

func (c *cachingClient) fetched(n int, items string) error {
	c.place()
	uid, flags, modSeq := uidItem.FindStringSubmatch(items), flagsItem.FindStringSubmatch(items), modSeqItem.FindStringSubmatch(items)
	switch {
	case n < 1 || n > len(c.msgs):
		return fmt.Errorf("no such number among %d", len(c.msgs))
	case uid == nil && flags == nil && modSeq == nil:
		return nil // only what was asked for
	case uid == nil:
		return fmt.Errorf("news without UID")
	}
	u := uint32(number(uid[1]))
	if c.msgs[n-1] != 0 && c.msgs[n-1] != u {
		return fmt.Errorf("number %d is UID %d", n, c.msgs[n-1])
	}
	c.msgs[n-1] = u
	if modSeq != nil {
		c.seen = max(c.seen, number(modSeq[1]))
	}
	if flags != nil {
		names := strings.Fields(strings.ReplaceAll(flags[1], `\Recent`, ""))
		slices.Sort(names)
		c.flags[u] = strings.Join(names, " ")
		c.heard[u] = true
	}
	return nil
}

// storeSilently adds a flag to message k, whose UID and flags are known. What came of it is told only if it is not what
// everybody expects.
func (c *cachingClient) storeSilently(k int, flag string) error {
	uid := c.msgs[k-1]
	err := c.do("UID STORE %d +FLAGS.SILENT (%s)", uid, flag)
	if old, there := c.flags[uid]; err == nil && there && !c.answered[uid] && !strings.Contains(old, flag) {
		names := append(strings.Fields(old), flag)
		slices.Sort(names)
		c.flags[uid] = strings.Join(names, " ")
	}
	return err
}

// hole is the index of the first message of which nothing is known, -1 if there is none.
func (c *cachingClient) hole() int {
	return slices.IndexFunc(c.msgs, func(uid uint32) bool { _, known := c.flags[uid]; return !known })
}

// uids are the UIDs of the cache.
func (c *cachingClient) uids() (uids []uint32) {
	for uid := range c.flags {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids
}

// place numbers the cached messages when SELECT has told what went: those that are left come first.
func (c *cachingClient) place() {
	if c.selected {
		return
	}
	c.selected = true
	copy(c.msgs, c.uids())
}

// parameters are what SELECT is given of the cache: all forms that the grammar has.
func (c *cachingClient) parameters() string {
	if c.validity == 0 || c.modSeq == 0 {
		return ""
	}
	p := fmt.Sprintf("%d %d", c.validity, c.modSeq)
	uids := c.uids()
	if len(uids) == 0 {
		return " (QRESYNC (" + p + "))"
	}
	var known, seqs, some wire.SetBuilder
	for i, uid := range uids {
		known.Add(uid)
		if c.r.IntN(4) == 0 || i == len(uids)-1 {
			seqs.Add(uint32(i + 1))
			some.Add(uid)
		}
	}
	switch c.r.IntN(3) {
	case 0:
		p += fmt.Sprintf(" 1:%d", uids[len(uids)-1])
	case 1:
		p += " " + known.String()
	}
	if c.r.IntN(2) == 0 {
		p += fmt.Sprintf(" (%s %s)", seqs.String(), some.String())
	}
	return " (QRESYNC (" + p + "))"
}

// synchronise connects and brings the cache up to date.
func (c *cachingClient) synchronise() (err error) {
	if c.conn, err = dialWire(c.addr); err != nil {
		return err
	}
	c.msgs, c.selected, c.told, c.seen, c.heard = nil, false, 0, 0, map[uint32]bool{}
	for _, command := range []string{"LOGIN " + c.user + " demo", "ENABLE QRESYNC", "SELECT " + c.mailbox + c.parameters()} {
		if err := c.do("%s", command); err != nil {
			return err
		}
	}
	c.place()
	return c.learn()
}

// learn asks for what is new.
func (c *cachingClient) learn() error {
	i := c.hole()
	if i < 0 {
		return nil
	}
	from := uint32(1)
	if i > 0 {
		from = c.msgs[i-1] + 1
	}
	return c.do("UID FETCH %d:* (FLAGS)", from)
}

// work does something as mail programs do.
func (c *cachingClient) work() error {
	n := len(c.msgs)
	if n == 0 {
		return c.do("NOOP")
	}
	k := 1 + c.r.IntN(n)
	if hole := c.hole(); hole >= 0 && k > hole {
		return c.learn()
	}
	switch c.r.IntN(9) {
	case 0:
		return c.do("NOOP")
	case 1:
		return c.do("FETCH %d (UID FLAGS)", k)
	case 2:
		return c.do("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)", max(c.modSeq, 1))
	case 3:
		return c.storeSilently(k, `\Seen`)
	case 4:
		return c.do(`STORE %d -FLAGS (\Seen \Flagged)`, k)
	case 5:
		return c.do("UID SEARCH %d", k)
	case 6:
		return c.do("FETCH %d BODY[TEXT]<0.1>", k)
	case 7:
		if err := c.storeSilently(k, `\Deleted`); err != nil {
			return err
		}
		return c.do("EXPUNGE")
	}
	return c.learn()
}

// leave drops the connection without a word. What came behind a message that is not known is forgotten: the next connection asks for it
// as for what is new.
func (c *cachingClient) leave() {
	c.conn.net.Close()
	if !c.selected {
		return
	}
	if i := c.hole(); i >= 0 {
		for _, uid := range c.msgs[i:] {
			delete(c.flags, uid)
		}
	}
}

// trouble changes the mailbox as other sessions do, until stop is closed. quiet is held while the cache is compared.
func trouble(t *testing.T, addr string, inbox *maildir.Mailbox, r *rand.Rand, quiet *sync.RWMutex, stop chan struct{}) {
	c := dialAddr(t, addr)
	c.do("SELECT INBOX")
	for {
		select {
		case <-stop:
			return
		default:
		}
		quiet.RLock()
		snap := inbox.Snapshot()
		few := "1"
		if n := snap.Len(); n > 0 {
			i := r.IntN(n)
			few = fmt.Sprintf("%d:%d", snap.At(i).UID, snap.At(min(i+r.IntN(4), n-1)).UID)
		}
		switch what := r.IntN(6); {
		case snap.Len() > 40:
			c.do(fmt.Sprintf(`UID STORE %d:%d +FLAGS.SILENT (\Deleted)`, snap.At(5).UID, snap.At(35).UID))
			c.do("EXPUNGE")
		case what < 2:
			c.do("APPEND INBOX {10+}\r\na: b\r\n\r\nc\r\n")
			c.do(fmt.Sprintf("UID COPY %d:* INBOX", max(int(snap.UIDNext())-10, 1)))
		case what < 4:
			c.do(fmt.Sprintf(`UID STORE %s FLAGS.SILENT (\Flagged $k%d)`, few, r.IntN(3)))
		case what == 4:
			c.do(fmt.Sprintf(`UID STORE %s +FLAGS.SILENT (\Deleted)`, few))
			c.do("EXPUNGE")
		default:
			c.do(fmt.Sprintf("UID MOVE %s Trash", few))
		}
		quiet.RUnlock()
	}
}

// reading marks messages as read and not read, as other sessions of a user do who has a \Seen of his own, until stop is closed.
func reading(t *testing.T, addr, user, mailbox string, inbox *maildir.Mailbox, r *rand.Rand, quiet *sync.RWMutex, stop chan struct{}) {
	c, err := dialWire(addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.net.Close()
	do := func(text string) {
		if reply, err := c.finish("r", text); err != nil || !strings.HasPrefix(reply, "OK") {
			t.Errorf("%s: %s, %v", text, reply, err)
		}
	}
	do("LOGIN " + user + " demo")
	do("SELECT " + mailbox)
	for {
		select {
		case <-stop:
			return
		default:
		}
		quiet.RLock()
		if snap := inbox.Snapshot(); snap.Len() > 0 {
			i := r.IntN(snap.Len())
			few := fmt.Sprintf("%d:%d", snap.At(i).UID, snap.At(min(i+r.IntN(4), snap.Len()-1)).UID)
			switch r.IntN(4) {
			case 0:
				do(fmt.Sprintf(`UID STORE %s -FLAGS.SILENT (\Seen)`, few))
			case 1:
				do(fmt.Sprintf(`UID FETCH %s BODY[TEXT]<0.1>`, few))
			default:
				do(fmt.Sprintf(`UID STORE %s +FLAGS.SILENT (\Seen)`, few))
			}
		}
		quiet.RUnlock()
	}
}

// A client that reconnects a thousand times, after breaks at any moment and with two others changing the mailbox, has the server's state
// whenever it has synchronised, also when it was away for longer than the expunge history reaches.
func TestReconnectsEndWithTheServersState(t *testing.T) {
	reconnects(t, "imap@example.org", "INBOX", 1000)
}

// The same for a user with a \Seen of his own, while the owner, another user and another session of his change the mailbox and what they have read.
func TestReconnectsEndWithWhatTheUserHasRead(t *testing.T) {
	reconnects(t, "bob@example.org", `"Other Users/imap@example.org"`, 400)
}

func reconnects(t *testing.T, user, mailbox string, reconnects int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := testkit.Start(t, testkit.Options{
		Store: maildir.Options{KeepExpunged: 12},
		Gate:  gate.Options{AllowClear: true, Throttle: gate.Throttle{Off: true}},
		Users: []string{"bob@example.org", "carol@example.org"},
	})
	account, err := s.Account(t.Context(), "imap@example.org")
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	inbox, err := account.Mailbox(t.Context(), maildir.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	var eyes *maildir.Eyes
	if shared := user != "imap@example.org"; shared {
		all := func(maildir.Rights) maildir.Rights { return maildir.AllRights }
		for _, who := range []string{"bob@example.org", "carol@example.org"} {
			if _, _, err := account.Grant(t.Context(), maildir.Inbox, who, false, all); err != nil {
				t.Fatal(err)
			}
		}
		if err := account.SetPrivateSeen(t.Context(), maildir.Inbox, true); err != nil {
			t.Fatal(err)
		}
		if eyes, err = inbox.Eyes(t.Context(), user); err != nil || eyes == nil {
			t.Fatal("no eyes of his own", err)
		}
	}
	addr := s.Target().Addrs["imap"]
	var quiet sync.RWMutex
	var others sync.WaitGroup
	stop := make(chan struct{})
	for i := range 2 {
		others.Go(func() { trouble(t, addr, inbox, rand.New(rand.NewPCG(seed, uint64(i))), &quiet, stop) })
	}
	if eyes != nil {
		for i, who := range []string{"bob@example.org", "carol@example.org"} {
			others.Go(func() {
				reading(t, addr, who, mailbox, inbox, rand.New(rand.NewPCG(seed, uint64(10+i))), &quiet, stop)
			})
		}
	}
	defer others.Wait()
	defer close(stop)
	c := cachingClient{addr: addr, user: user, mailbox: mailbox, r: rand.New(rand.NewPCG(seed, 7))}
	compared, outlived := 0, 0
	if testing.Short() {
		reconnects = 100
	}
	for i := range reconnects {
		compare := i%10 == 9
		c.budget = c.r.IntN(60)
		if compare {
			quiet.Lock()
			c.budget = 1 << 30
			if _, complete, err := inbox.Vanished(t.Context(), maildir.ModSeq(c.modSeq)); err == nil && !complete {
				outlived++
			}
		}
		err := c.synchronise()
		if compare {
			if err == nil {
				if diff := c.differs(eyes.See(inbox.Snapshot())); diff != "" {
					t.Errorf("reconnect %d: %s", i, diff)
				}
			}
			compared++
			quiet.Unlock()
		}
		for err == nil && c.r.IntN(6) > 0 {
			err = c.work()
		}
		c.leave()
		if err != nil && err != errBroken {
			t.Errorf("reconnect %d: %v", i, err)
		}
		if t.Failed() {
			t.Logf("what the client saw:\n%s", strings.Join(c.wire, "\n"))
			return
		}
	}
	t.Logf("%d reconnects, %d compared, %d of them after more than the history holds; UIDs to %d, %d messages", reconnects, compared, outlived,
		inbox.Snapshot().UIDNext()-1, inbox.Snapshot().Len())
}

// differs compares the cache with the truth.
func (c *cachingClient) differs(snap *maildir.Snapshot) string {
	if snap.Len() != len(c.flags) {
		return fmt.Sprintf("%d messages, the cache has %d", snap.Len(), len(c.flags))
	}
	for _, m := range snap.All() {
		names := snap.FlagNames(m.Flags)
		slices.Sort(names)
		want := strings.Join(names, " ")
		if have, ok := c.flags[uint32(m.UID)]; !ok || have != want {
			return fmt.Sprintf("UID %d has flags %q, the cache has %v %q", m.UID, want, ok, have)
		}
	}
	if c.modSeq != uint64(snap.HighestModSeq()) {
		return fmt.Sprintf("HIGHESTMODSEQ is %d, the client has %d", snap.HighestModSeq(), c.modSeq)
	}
	return ""
}
