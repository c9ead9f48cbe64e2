package dialogue

import (
	"fmt"
	"strings"
	"time"
)

// transcript is the whole dialogue as it went, for a person who looks for the reason of a failure.
type transcript struct {
	start time.Time
	text  strings.Builder
}

// longest is how much of one line is printed.
const longest = 2000

func (l *transcript) add(conn, who, line string) {
	cut := ""
	if len(line) > longest {
		cut = fmt.Sprintf("… (%d octets)", len(line))
		line = line[:longest]
	}
	for i, part := range strings.Split(line, "\r\n") {
		mark := who
		if i > 0 {
			mark = "|"
		}
		fmt.Fprintf(&l.text, "%8.3f %-4s %s: %s\n", time.Since(l.start).Seconds(), conn, mark, printable(part))
	}
	if cut != "" {
		fmt.Fprintf(&l.text, "%s\n", cut)
	}
}

// printable leaves UTF-8 alone and shows control characters and stray octets by their code.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r < 0x20 || r == 0x7F {
			fmt.Fprintf(&b, "<x%02X>", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
