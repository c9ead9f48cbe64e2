package imap_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bascule/internal/testkit"
	"bascule/internal/testkit/dovecot"
)

// randomThread makes the header of one message of a mailbox that has many: answers to messages that are there or not, in any
// order, with subjects and references as good and bad mail programs make them.
func randomThread(r *rand.Rand, i, n int) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	id := func(k int) string { return fmt.Sprintf("<%d@%s>", k, []string{"a.example", "B.example"}[k%2]) }
	var h strings.Builder
	field := func(name, value string) { fmt.Fprintf(&h, "%s: %s\r\n", name, value) }
	field("From", pick("Ann <zoe@a.example>", `"Zoe, B." <ann@b.example>`, "=?utf-8?q?=C3=84nn?= <ben@c.example>", "carl@d.example",
		"_x <Ann@a.example>", "=?iso-8859-1?q?=E4NN?= <BEN@c.example>"))
	if r.IntN(4) > 0 {
		field("To", pick("list@a.example", "Friends: ann@x.example, ben@x.example;", "=?utf-8?q?=C3=89va?= <e@x.example>, b@y.example", "Eve <_@x.example>"))
	}
	if r.IntN(3) == 0 {
		field("Cc", pick("one@a.example", "Two <two@b.example>, one@a.example"))
	}
	if r.IntN(12) > 0 {
		zone := []int{0, 3600, -8 * 3600, 19800}[r.IntN(4)]
		at := time.Unix(1_780_000_000+int64(r.IntN(30))*3600, 0).In(time.FixedZone("", zone))
		field("Date", at.Format(time.RFC1123Z))
	}
	base := pick("lunch", "Lunch", "=?utf-8?q?K=C3=A4se?=", "=?iso-8859-1?q?k=C4SE?=", "[list] report", "report", "", "a  b", "_x", "~y")
	field("Subject", pick("", "", "", "Re: ", "re: [list] ", "Fwd: ", "[list] Re: ", "FW [x]: ", "Re: Re: ")+base+pick("", "", "", " (fwd)", " (FWD) "))
	if r.IntN(10) > 0 {
		k := i
		if r.IntN(12) == 0 {
			k = r.IntN(n) // one that another message may have
		}
		field("Message-ID", id(k))
	}
	var refs []string
	for range r.IntN(4) {
		refs = append(refs, id(r.IntN(n+n/3)))
	}
	switch {
	case r.IntN(3) == 0 && len(refs) > 0:
		field("In-Reply-To", pick(refs...))
	case len(refs) > 0:
		field("References", strings.Join(refs, pick(" ", "\r\n\t", " x ")))
	}
	return h.String()
}

// sortCommands are what is asked of both servers.
var sortCommands = []string{
	"UID SORT (ARRIVAL) UTF-8 ALL", "SORT (REVERSE DATE) US-ASCII ALL", "SORT (SUBJECT) UTF-8 ALL", "SORT (SUBJECT REVERSE DATE) UTF-8 NOT 3",
	"SORT (FROM) UTF-8 ALL", "SORT (REVERSE TO SUBJECT) UTF-8 ALL", "SORT (CC REVERSE ARRIVAL) UTF-8 ALL", "SORT (SIZE) UTF-8 ALL",
	"SORT (DISPLAYFROM) UTF-8 ALL", "SORT (REVERSE DISPLAYTO DATE) UTF-8 ALL",
	"SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL", "UID SORT RETURN (ALL) (REVERSE SUBJECT) UTF-8 SUBJECT r",
	"THREAD ORDEREDSUBJECT UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "UID THREAD REFS UTF-8 ALL", "THREAD REFERENCES UTF-8 2:9",
}

// TestSortAndThreadAsDovecot: generated mailboxes are sorted and threaded as Dovecot does.
func TestSortAndThreadAsDovecot(t *testing.T) {
	theirs := dialAddr(t, dovecot.Start(t).Addrs["imap"])
	ours := dial(t, testkit.Start(t, testkit.Options{}))
	r := rand.New(rand.NewPCG(3, 4))
	for box := range 40 {
		n := 4 + r.IntN(14)
		var all strings.Builder
		for _, c := range []*rawClient{ours, theirs} {
			c.do(fmt.Sprintf("CREATE box%d", box))
		}
		for i := range n {
			text := randomThread(r, i, n) + "\r\n" + strings.Repeat("x", r.IntN(9)) + "\r\n"
			date := time.Unix(1_780_100_000+int64(r.IntN(20))*3600, 0).UTC().Format("02-Jan-2006 15:04:05 -0700")
			fmt.Fprintf(&all, "--- %d, came %s\n%s", i+1, date, text)
			for _, c := range []*rawClient{ours, theirs} {
				c.do(fmt.Sprintf("APPEND box%d \"%s\" {%d+}\r\n%s", box, date, len(text), text))
			}
		}
		for _, c := range []*rawClient{ours, theirs} {
			c.do(fmt.Sprintf("SELECT box%d", box))
		}
		for _, command := range sortCommands {
			got, want := ours.ask(command), theirs.ask(command)
			tag := fmt.Sprintf(`"t%d"`, ours.n)
			want = strings.ReplaceAll(want, fmt.Sprintf(`"t%d"`, theirs.n), tag)
			if strings.Contains(command, "REFS") {
				// The draft orders threads by INTERNALDATE, Dovecot by Date: what is in each thread must be the same.
				got, want = sortedThreads(got), sortedThreads(want)
			}
			if got != want {
				t.Errorf("%s\n Bascule %s Dovecot %s%s", command, got, want, all.String())
			}
		}
		if t.Failed() {
			return
		}
	}
}

// sortedThreads puts the threads of an answer into an order that says nothing.
func sortedThreads(answer string) string {
	var threads []string
	depth, start := 0, 0
	for i, c := range answer {
		switch c {
		case '(':
			if depth++; depth == 1 {
				start = i
			}
		case ')':
			if depth--; depth == 0 {
				threads = append(threads, answer[start:i+1])
			}
		}
	}
	slices.Sort(threads)
	return strings.Join(threads, "")
}
