package crashtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

var subject = regexp.MustCompile(`(?m)^Subject: (id-[0-9]+)\r$`)

var listed = regexp.MustCompile(`^LIST \(([^)]*)\) "/" "?([^"]+)"?$`)

// read gives everything that an account shows, and verifies each message octet for octet.
func (p *place) read(user string) (state, error) {
	c, err := strict.LoginIMAP(p.s.Addr("imap"), user, site.Password)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r, err := c.Must(`LIST "" *`)
	if err != nil {
		return nil, err
	}
	found := state{}
	for _, line := range r.Untagged {
		m := listed.FindStringSubmatch(line)
		if m == nil {
			return nil, wrong("LIST says %q", line)
		}
		if found[m[2]], err = readBox(c, m[2]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func readBox(c *strict.IMAP, name string) (*box, error) {
	if err := c.OK("EXAMINE %s", name); err != nil {
		return nil, err
	}
	b := &box{validity: c.View.UIDValidity, next: c.View.UIDNext}
	if len(c.View.Messages) == 0 {
		return b, nil
	}
	r, err := c.Must("FETCH 1:* (UID FLAGS BODY.PEEK[])")
	if err != nil {
		return nil, fmt.Errorf("%s, which has %v: %w", name, c.View.UIDs(), err)
	}
	if len(r.Fetches) != len(c.View.Messages) {
		return nil, wrong("%s: %d messages, but FETCH 1:* tells of %d", name, len(c.View.Messages), len(r.Fetches))
	}
	for _, f := range r.Fetches {
		body := f.Items["BODY[]"]
		m := subject.FindStringSubmatch(body)
		if m == nil || !strings.HasSuffix(body, text(m[1])) {
			return nil, wrong("%s: UID %d is not what was sent: %q", name, f.UID, body)
		}
		b.entries = append(b.entries, entry{f.UID, m[1], joined(f.Flags)})
	}
	return b, nil
}

// ids lists the messages of a mailbox.
func (b *box) ids() []string {
	out := make([]string, len(b.entries))
	for i, e := range b.entries {
		out[i] = e.id
	}
	slices.Sort(out)
	return out
}

// severed says whether an error can come of a killed server.
func severed(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op)
}

// excuse passes on what a kill explains; everything else is wrong.
func excuse(err error) error {
	if err == nil || severed(err) {
		return err
	}
	return wrong("%v", err)
}
