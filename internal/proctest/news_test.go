package proctest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// newsLimit is how soon an idling session must know what another did.
const newsLimit = 100 * time.Millisecond

// Two idling sessions, one of them in another process, hear of everything that a third does, in the order in which it was done.
func TestSessionsSeeEachOther(t *testing.T) {
	for _, other := range []string{"same process", "second IMAP process"} {
		t.Run(other, func(t *testing.T) {
			s := site.New(t, site.Options{Users: []string{user}})
			s.Serve()
			fill(s, 3)
			actor := selectBox(t, s, "INBOX")
			near := selectBox(t, s, "INBOX")
			if other != "same process" {
				s.Serve("imap") // the newest serves the next login
			}
			far := selectBox(t, s, "INBOX")
			must(t, near.Idle())
			must(t, far.Idle())
			var slowest []time.Duration
			act := func(what string, do func(), heard ...string) {
				t.Helper()
				do()
				acked := time.Now()
				for _, c := range []*strict.IMAP{near, far} {
					hears(t, c, heard...)
					took := time.Since(acked)
					slowest = append(slowest, took)
					if took > newsLimit {
						t.Errorf("%s: an idling session knew only %v after the reply", what, took)
					}
				}
			}
			ok := func(format string, args ...any) func() {
				return func() { t.Helper(); must(t, actor.OK(format, args...)) }
			}
			for range 5 {
				n := len(actor.View.Messages)
				act("flag", ok(`STORE 1 +FLAGS (\Flagged $Work)`), `1 FETCH (FLAGS`)
				act("unflag", ok(`STORE 1 -FLAGS (\Flagged $Work)`), `1 FETCH (FLAGS`)
				act("append", func() {
					r, err := actor.Append("INBOX", `\Seen`, mail(100))
					if err != nil || !r.OK() {
						t.Fatal(r, err)
					}
				}, fmt.Sprintf("%d EXISTS", n+1))
				act("delivery", func() { s.Deliver(user, mail(101)) }, fmt.Sprintf("%d EXISTS", n+2))
				must(t, actor.OK("NOOP"))
				must(t, actor.Learn())
				act("move", ok("MOVE 2 Trash"), "2 EXPUNGE")
				act("delete", ok(`STORE 1 +FLAGS (\Deleted)`), "1 FETCH (FLAGS")
				act("expunge", ok("EXPUNGE"), "1 EXPUNGE")
				act("two at once", func() {
					must(t, actor.OK("COPY %d INBOX", n))
				}, fmt.Sprintf("%d EXISTS", n+1))
				must(t, actor.Learn())
				act("take it back", ok("MOVE %d Archive", n+1), fmt.Sprintf("%d EXPUNGE", n+1))
			}
			for _, c := range []*strict.IMAP{near, far} {
				_, err := c.Done()
				must(t, err)
				must(t, c.Learn())
				if diff := strict.Differ(c.View, actor.View); diff != "" {
					t.Error(diff)
				}
			}
			slices.Sort(slowest)
			t.Logf("news in IDLE: median %v, 90%% %v, slowest %v of %d", slowest[len(slowest)/2], slowest[len(slowest)*9/10], slowest[len(slowest)-1], len(slowest))
		})
	}
}

// Without IDLE the news come with the next command, and never where they would break its numbers.
func TestNewsWaitForTheirPlace(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 4)
		a, b := selectBox(t, s, "INBOX"), selectBox(t, s, "INBOX")
		must(t, a.OK(`STORE 2 +FLAGS (\Deleted)`))
		must(t, a.OK("EXPUNGE"))
		for _, command := range []string{"FETCH 3 (FLAGS)", `STORE 4 +FLAGS (\Flagged)`, "SEARCH ALL"} {
			r, err := b.Do("%s", command) // an EXPUNGE here is an error of the client's
			must(t, err)
			if !r.OK() {
				t.Errorf("%s: %+v", command, r)
			}
		}
		if n := len(b.View.Messages); n != 4 {
			t.Errorf("%d messages are known, want 4 still", n)
		}
		must(t, b.OK("NOOP"))
		if diff := strict.Differ(a.View, b.View); diff != "" && !strings.Contains(diff, "flags") {
			t.Error(diff)
		}
	})
}

// A program that knows nothing of us puts a file into new/ and renames one in cur/; idling sessions hear of both.
func TestForeignProgramsAreNoticed(t *testing.T) {
	inBoth(t, "", func(t *testing.T, s *site.Site) {
		fill(s, 1)
		c := selectBox(t, s, "INBOX")
		must(t, c.OK("NOOP"))
		must(t, c.Idle())
		foreign(t, s, "1700000000.M1P1.elsewhere", mail(7))
		within(t, 5*time.Second, "foreign delivery in IDLE", func() { hears(t, c, "2 EXISTS") })
		_, err := c.Done()
		must(t, err)
		must(t, c.Learn())
		must(t, c.OK(`STORE 2 +FLAGS (\Answered)`))
		must(t, c.Idle())
		renameFlags(t, s, "1700000000.M1P1.elsewhere", "FRS")
		within(t, 5*time.Second, "foreign flags in IDLE", func() { hears(t, c, `2 FETCH (FLAGS`) })
		if m := c.View.Messages[1]; !m.Has(`\Flagged`) || !m.Has(`\Answered`) || !m.Has(`\Seen`) {
			t.Errorf("flags are %v", m.Flags)
		}
	})
}
