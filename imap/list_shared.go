package imap

import (
	"errors"
	"strings"

	"bascule/maildir"
)

// listShared adds the mailboxes of other accounts that the user may know of, and the levels above them. Accounts are opened only
// if a pattern may match in them.
func (c *conn) listShared(boxes []maildir.MailboxInfo, q *listRequest) ([]maildir.MailboxInfo, error) {
	if !q.reaches(othersRoot, c.ns.sep) && !q.reaches(sharedRoot, c.ns.sep) {
		return boxes, nil
	}
	owners, err := c.sess.Owners(c.ctx)
	if err != nil || len(owners) == 0 {
		return boxes, err
	}
	known := make(map[string]bool, len(boxes))
	for _, b := range boxes {
		known[b.Name] = true
	}
	for _, owner := range owners {
		m, err := c.mountOwner(owner)
		if errors.Is(err, maildir.ErrNoMailbox) {
			continue // closed to visitors
		}
		if err != nil {
			return nil, err
		}
		theirs, err := m.acct.MailboxesOf(c.ctx, c.user())
		if err != nil {
			return nil, err
		}
		for _, b := range theirs {
			b.Name = m.canonical(b.Name)
			boxes, known[b.Name] = append(boxes, b), true
		}
		c.trimMounts()
	}
	return c.levelsAbove(boxes, known), nil
}

// levelsAbove adds the levels above the mailboxes of others.
func (c *conn) levelsAbove(boxes []maildir.MailboxInfo, known map[string]bool) []maildir.MailboxInfo {
	for _, b := range boxes {
		if _, _, ok := splitOwner(b.Name); !ok {
			continue
		}
		for i := strings.LastIndexByte(b.Name, '/'); i > 0; i = strings.LastIndexByte(b.Name[:i], '/') {
			up := b.Name[:i]
			if up == othersRoot || up == sharedRoot {
				if c.ns.prefix == "" && known[up] {
					continue // the user has a mailbox of this name
				}
				up += "/"
			}
			if !known[up] {
				boxes, known[up] = append(boxes, maildir.MailboxInfo{Name: up, NoSelect: true}), true
			}
		}
	}
	return boxes
}

// reaches says whether a pattern may match a name, or names below it.
func (q *listRequest) reaches(root string, sep byte) bool {
	for _, p := range q.patterns {
		literal := p
		if i := strings.IndexAny(p, "%*"); i >= 0 {
			literal = p[:i]
		}
		below := root + string(sep)
		if strings.HasPrefix(literal, below) || len(literal) < len(p) && strings.HasPrefix(below, literal) || literal == root {
			return true
		}
	}
	return false
}
