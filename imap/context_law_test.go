package imap_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bascule/internal/testkit"
)

// contextClient is a client that keeps the results of its searches by ADDTO and REMOVEFROM alone.
type contextClient struct {
	*rawClient
	results map[string][]int // by tag
	uid     map[string]bool
	sorted  map[string]bool
	queries map[string]string // what to send for a fresh result
}

var (
	updateLine = regexp.MustCompile(`^\* ESEARCH \(TAG "([^"]*)"\)( UID)?( (?:REMOVEFROM|ADDTO) .*)\r\n$`)
	updateData = regexp.MustCompile(` (REMOVEFROM|ADDTO) \(([^)]*)\)`)
	expunged   = regexp.MustCompile(`^\* (\d+) EXPUNGE\r\n$`)
)

// play sends a command and applies everything that is told until its reply.
func (c *contextClient) play(command string) {
	for line := range strings.Lines(c.ask(command)) {
		if m := expunged.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			for tag, list := range c.results {
				if c.uid[tag] {
					continue
				}
				if slices.Contains(list, n) {
					c.t.Fatalf("%s: %d is expunged and was not removed before", tag, n)
				}
				for i := range list {
					if list[i] > n {
						list[i]--
					}
				}
			}
		}
		if m := updateLine.FindStringSubmatch(line); m != nil {
			c.apply(m[1], m[3], line)
		}
		if strings.Contains(line, "NOUPDATE") {
			c.t.Fatal(line)
		}
	}
}

func (c *contextClient) apply(tag, data, line string) {
	for _, m := range updateData.FindAllStringSubmatch(data, -1) {
		words := strings.Fields(m[2])
		for i := 0; i+1 < len(words); i += 2 {
			at, _ := strconv.Atoi(words[i])
			nums := numbersOf(words[i+1])
			list := c.results[tag]
			switch {
			case at == 0 && c.sorted[tag]:
				c.t.Fatalf("no place in a sorted result: %s", line)
			case m[1] == "REMOVEFROM" && at == 0:
				for _, n := range nums {
					k := slices.Index(list, n)
					if k < 0 {
						c.t.Fatalf("%d is not in %v: %s", n, list, line)
					}
					list = slices.Delete(list, k, k+1)
				}
			case m[1] == "REMOVEFROM":
				if at-1+len(nums) > len(list) || !slices.Equal(list[at-1:at-1+len(nums)], nums) {
					c.t.Fatalf("%v do not stand at %d of %v: %s", nums, at, list, line)
				}
				list = slices.Delete(list, at-1, at-1+len(nums))
			case at == 0:
				list = append(list, nums...)
				slices.Sort(list)
			default:
				if at-1 > len(list) {
					c.t.Fatalf("%d is behind the end of %v: %s", at, list, line)
				}
				list = slices.Insert(list, at-1, nums...)
			}
			c.results[tag] = list
		}
	}
}

func numbersOf(set string) (out []int) {
	for part := range strings.SplitSeq(set, ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		a, _ := strconv.Atoi(lo)
		b := a
		if ranged {
			b, _ = strconv.Atoi(hi)
		}
		for ; a <= b; a++ {
			out = append(out, a)
		}
	}
	return out
}

// fresh asks for a result anew.
func (c *contextClient) fresh(tag string) (out []int) {
	answer := c.ask(c.queries[tag])
	if _, set, ok := strings.Cut(strings.TrimSpace(strings.ReplaceAll(answer, "\r\n", " ")), " ALL "); ok {
		out = numbersOf(strings.Fields(set)[0])
	}
	return out
}

// TestContextLaw: a client that does nothing but apply ADDTO and REMOVEFROM has at any time what a fresh SEARCH or SORT gives, whatever it and
// others do to the mailbox.
func TestContextLaw(t *testing.T) {
	for seed := range uint64(6) {
		contextLaw(t, rand.New(rand.NewPCG(9, seed)))
	}
}

func contextLaw(t *testing.T, r *rand.Rand) {
	s := testkit.Start(t, testkit.Options{})
	if _, err := s.Act(t.Context(), []string{"fill", "imap@example.org", "12"}, ""); err != nil {
		t.Fatal(err)
	}
	c := &contextClient{dial(t, s), map[string][]int{}, map[string]bool{}, map[string]bool{}, map[string]string{}}
	other := dial(t, s)
	for _, cl := range []*rawClient{c.rawClient, other} {
		cl.do("SELECT INBOX")
	}
	keys := []string{"UNSEEN", "FLAGGED NOT DELETED", "OR SEEN SUBJECT b", "KEYWORD $x", "BODY word", "UID 3:* UNFLAGGED", "NOT (SEEN FLAGGED)"}
	orders := []string{"(SUBJECT)", "(REVERSE SUBJECT)", "(REVERSE ARRIVAL SIZE)", "(FROM REVERSE DATE)"}
	for range 8 {
		key, uid, sorted := keys[r.IntN(len(keys))], r.IntN(2) == 0, r.IntN(2) == 0
		verb, rest := "SEARCH", key
		if sorted {
			verb, rest = "SORT", orders[r.IntN(len(orders))]+" UTF-8 "+key
		}
		if uid {
			verb = "UID " + verb
		}
		tag := fmt.Sprintf("t%d", c.n+1)
		c.uid[tag], c.sorted[tag], c.queries[tag] = uid, sorted, verb+" RETURN (ALL) "+rest
		c.play(verb + " RETURN (UPDATE) " + rest)
		c.results[tag] = c.fresh(tag)
	}
	flags := []string{`\Seen`, `\Flagged`, `\Deleted`, `$x`}
	for step := range 60 {
		act := func(do func(string)) {
			switch r.IntN(6) {
			case 0, 1, 2:
				a := 1 + r.IntN(20)
				do(fmt.Sprintf("UID STORE %d:%d %sFLAGS%s (%s)", a, a+r.IntN(3), []string{"+", "-"}[r.IntN(2)], []string{"", ".SILENT"}[r.IntN(2)], flags[r.IntN(4)]))
			case 3:
				text := fmt.Sprintf("From: %c@example.org\r\nSubject: %c\r\n\r\n%s\r\n", 'a'+r.IntN(3), 'a'+r.IntN(3), []string{"word", "nothing"}[r.IntN(2)])
				do(fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(text), text))
			case 4:
				a := 1 + r.IntN(20)
				do(fmt.Sprintf("UID COPY %d:%d INBOX", a, a+1))
			case 5:
				do("EXPUNGE")
			}
		}
		if r.IntN(2) == 0 {
			act(c.play)
		} else {
			act(func(s string) { other.do(s) })
		}
		if r.IntN(3) == 0 {
			c.play([]string{"FETCH 1 UID", "SEARCH ALL", "UID FETCH 1:* BODY[TEXT]"}[r.IntN(3)])
		}
		if step%3 != 0 {
			continue
		}
		c.play("NOOP")
		for tag, list := range c.results {
			if want := c.fresh(tag); !slices.Equal(list, want) {
				t.Fatalf("step %d, %s: the client has %v, fresh is %v", step, c.queries[tag], list, want)
			}
		}
	}
}
