package stresstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bascule/internal/testkit"
	"bascule/internal/testkit/strict"
)

// pace waits a little, so that the others get their turn; false when all is over.
func pace(stop <-chan struct{}, d time.Duration) bool {
	select {
	case <-stop:
		return false
	case <-time.After(d):
		return true
	}
}

// poller is a POP3 client that comes every now and then.
type poller struct {
	s        *testkit.Server
	l        *ledger
	rnd      *rand.Rand
	sessions int
	inUse    int
	deleted  int
}

func (p *poller) run(stop <-chan struct{}) error {
	for pace(stop, time.Duration(50+p.rnd.IntN(200))*time.Millisecond) {
		if err := p.session(); err != nil {
			return err
		}
	}
	return nil
}

func (p *poller) session() error {
	c, err := strict.LoginPOP3(p.s.Target().Addrs["pop3"], user, testkit.Password)
	var d *strict.Denied
	if errors.As(err, &d) && d.Code == "IN-USE" {
		p.inUse++
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	p.sessions++
	uidls, err := c.UIDL()
	if err != nil {
		return err
	}
	if sorted := slices.Sorted(slices.Values(uidls)); len(slices.Compact(sorted)) != len(uidls) {
		return fmt.Errorf("UIDLs are not unique: %v", uidls)
	}
	deleted := 0
	for _, i := range p.rnd.Perm(len(uidls))[:min(6, len(uidls))] {
		lines, err := c.Lines("RETR %d", i+1)
		if err != nil {
			return fmt.Errorf("message %d, UIDL %s: %w", i+1, uidls[i], err)
		}
		body := strings.Join(lines, "\r\n") + "\r\n"
		m := subject.FindStringSubmatch(body)
		if m == nil || !strings.HasSuffix(body, "End of "+m[1]+".\r\n") {
			return fmt.Errorf("message %d reads %q", i+1, body)
		}
		id := m[1]
		p.l.mu.Lock()
		old, known := p.l.uidl[uidls[i]]
		p.l.uidl[uidls[i]], p.l.popped[id] = id, true
		p.l.mu.Unlock()
		if known && old != id {
			return fmt.Errorf("UIDL %s was %s and is %s", uidls[i], old, id)
		}
		if p.rnd.IntN(2) == 0 {
			note(p.l, p.l.popDoomed, id)
			if _, err := c.Do("DELE %d", i+1); err != nil {
				return err
			}
			deleted++
		}
	}
	if p.rnd.IntN(5) == 0 {
		return nil // without QUIT
	}
	p.deleted += deleted
	_, err = c.Do("QUIT")
	return err
}

// sender delivers by LMTP.
type sender struct {
	s    *testkit.Server
	l    *ledger
	rnd  *rand.Rand
	sent int
}

func (p *sender) run(stop <-chan struct{}) error {
	c, err := strict.DialLMTP(p.s.Target().Addrs["lmtp"])
	if err != nil {
		return err
	}
	defer c.Close()
	for pace(stop, time.Duration(p.rnd.IntN(40))*time.Millisecond) {
		id := p.l.fresh()
		if err := c.Deliver(user, text(id)); err != nil {
			return err
		}
		note(p.l, p.l.delivered, id)
		p.sent++
	}
	return nil
}

// stranger is a program that knows nothing of us: it delivers as an MDA does, and renames as a mail program does that works in the Maildir.
type stranger struct {
	s          *testkit.Server
	l          *ledger
	rnd        *rand.Rand
	delivered  int
	renamed    int
	wasQuicker int
}

func (p *stranger) run(stop <-chan struct{}) error {
	root := filepath.Join(p.s.Dir, "mail", "example.org", "both", "Maildir")
	dirs := []string{root, filepath.Join(root, ".Archive"), filepath.Join(root, ".Work")}
	for pace(stop, time.Duration(p.rnd.IntN(40))*time.Millisecond) {
		dir := dirs[p.rnd.IntN(len(dirs))]
		if p.rnd.IntN(2) == 0 {
			if err := p.deliver(dir); err != nil {
				return err
			}
		} else if err := p.rename(dir); err != nil {
			return err
		}
	}
	return nil
}

func (p *stranger) deliver(dir string) error {
	id := p.l.fresh()
	name := fmt.Sprintf("%d.M%dP1%s.elsewhere", time.Now().Unix(), p.rnd.IntN(1_000_000), id)
	m := text(id)
	if p.rnd.IntN(2) == 0 {
		m = strings.ReplaceAll(m, "\r\n", "\n") // as most programs store it
	}
	tmp := filepath.Join(dir, "tmp", name)
	if err := os.WriteFile(tmp, []byte(m), 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, "new", name)); err != nil {
		return err
	}
	note(p.l, p.l.delivered, id)
	p.delivered++
	return nil
}

// rename toggles a flag of a file.
func (p *stranger) rename(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, "cur"))
	if err != nil || len(entries) == 0 {
		return err
	}
	old := entries[p.rnd.IntN(len(entries))].Name()
	base, flags, ok := strings.Cut(old, ":2,")
	if !ok {
		return nil
	}
	letter := []string{"S", "F", "R"}[p.rnd.IntN(3)]
	letters := strings.Split(flags, "")
	if i := slices.Index(letters, letter); i >= 0 {
		letters = slices.Delete(letters, i, i+1)
	} else {
		letters = append(letters, letter)
	}
	slices.Sort(letters)
	to := base + ":2," + strings.Join(letters, "")
	err = os.Rename(filepath.Join(dir, "cur", old), filepath.Join(dir, "cur", to))
	if errors.Is(err, os.ErrNotExist) {
		p.wasQuicker++ // the server renamed or removed it
		return nil
	}
	p.renamed++
	return err
}
