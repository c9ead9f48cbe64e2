package conventions

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bascule/internal/testkit"
)

// rfcRow is a row of the table in docs/rfcs.md.
type rfcRow struct {
	number, title, announced, state, shown string
}

func rfcTable(t *testing.T) []rfcRow {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "rfcs.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []rfcRow
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 7 || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[1]) == "RFC" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, rfcRow{cells[1], cells[2], cells[3], cells[4], cells[5]})
	}
	if len(rows) < 20 {
		t.Fatalf("docs/rfcs.md has %d rows", len(rows))
	}
	return rows
}

// Every script that docs/rfcs.md names exists.
func TestScriptsOfRFCsExist(t *testing.T) {
	dirs := map[string]string{"imap": "imap", "pop3": "pop3", "lmtp": "internal/lmtp"}
	for _, row := range rfcTable(t) {
		if row.shown == "" {
			continue
		}
		where, names, ok := strings.Cut(row.shown, ": ")
		dir := dirs[where]
		if !ok || dir == "" {
			t.Errorf("RFC %s: %q is no list of scripts", row.number, row.shown)
			continue
		}
		for name := range strings.SplitSeq(names, ", ") {
			if _, err := os.Stat(filepath.Join("..", "..", dir, "testdata", name+".script")); err != nil {
				t.Errorf("RFC %s: %v", row.number, err)
			}
		}
	}
}

// ask sends lines to a server and returns what it says up to the line that begins with end.
func ask(t *testing.T, addr, end string, lines ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, strings.Join(lines, "\r\n")+"\r\n")
	var all strings.Builder
	for in := bufio.NewScanner(c); in.Scan(); {
		fmt.Fprintln(&all, in.Text())
		if strings.HasPrefix(in.Text(), end) {
			return all.String()
		}
	}
	t.Fatalf("%s ended early: %s", addr, all.String())
	return ""
}

// Everything that the servers announce has a row in docs/rfcs.md.
func TestCapabilitiesHaveRows(t *testing.T) {
	rows := map[string]bool{}
	quoted := regexp.MustCompile("`([^`]+)`")
	for _, row := range rfcTable(t) {
		for _, m := range quoted.FindAllStringSubmatch(row.announced, -1) {
			rows[m[1]] = true
		}
	}
	seen := 0
	check := func(where, word string) {
		seen++
		if !rows[word] {
			t.Errorf("%s announces %s, which no row of docs/rfcs.md has", where, word)
		}
	}
	for _, config := range [][]string{nil, {"imap.literal_minus true"}} {
		s := testkit.Start(t, testkit.Options{Config: config})
		addrs := s.Target().Addrs
		for _, login := range []string{"a NOOP", "a LOGIN imap@example.org demo"} {
			said := ask(t, addrs["imap"], "b ", login, "b CAPABILITY")
			_, words, _ := strings.Cut(said, "* CAPABILITY ")
			words, _, _ = strings.Cut(words, "\n")
			for word := range strings.FieldsSeq(words) {
				if name, _, ok := strings.Cut(word, "="); ok && name == "APPENDLIMIT" {
					word = name
				}
				check("IMAP", word)
			}
		}
		_, capa, _ := strings.Cut(ask(t, addrs["pop3"], ".", "CAPA"), "Capabilities follow\n")
		for line := range strings.Lines(capa) {
			if word := strings.Fields(line)[0]; word != "." {
				check("POP3", word)
			}
		}
		for line := range strings.Lines(ask(t, addrs["lmtp"], "250 ", "LHLO a.example")) {
			if rest, ok := strings.CutPrefix(line, "250"); ok && !strings.Contains(rest, "Hello") {
				check("LMTP", strings.Fields(rest[1:])[0])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d capabilities were seen", seen)
	}
}

var update = flag.Bool("update", false, "write the table of RFCs in README.md from docs/rfcs.md")

// The README has the first columns and the state of docs/rfcs.md, between its marks.
func TestReadmeHasTheRFCs(t *testing.T) {
	readme := filepath.Join("..", "..", "README.md")
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(b), "<!-- rfcs:")
	_, after, _ = strings.Cut(after, "-->\n")
	have, _, ok2 := strings.Cut(after, "<!-- end of rfcs -->")
	if !ok || !ok2 {
		t.Fatal("README.md has lost the marks of its table of RFCs")
	}
	var want strings.Builder
	want.WriteString("\n| RFC | Title | State |\n| --- | --- | --- |\n")
	for _, row := range rfcTable(t) {
		fmt.Fprintf(&want, "| %s | %s | %s |\n", row.number, row.title, row.state)
	}
	want.WriteString("\n")
	if have == want.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of RFCs in README.md is not that of docs/rfcs.md; -update writes it:\n%s", want.String())
	}
	if err := os.WriteFile(readme, []byte(strings.Replace(string(b), have, want.String(), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
