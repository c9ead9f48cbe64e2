package testkit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/deliver"
	"bascule/locking"
	"bascule/maildir"
	"bascule/maildir/disk"
	"bascule/maildir/disk/disktest"
)

// action is one row of the table of what scripts can do outside of a connection.
type action struct {
	words int // that must follow, at least
	run   func(s *Server, ctx context.Context, words []string, stdin string) (string, error)
}

var actions map[string]action

func init() {
	actions = map[string]action{
		"mail":     {1, (*Server).mail},
		"deliver":  {1, (*Server).deliver},
		"fill":     {2, (*Server).fill},
		"drop":     {2, (*Server).drop},
		"erase":    {2, (*Server).erase},
		"rename":   {3, (*Server).rename},
		"files":    {2, (*Server).files},
		"rescan":   {2, (*Server).rescan},
		"seen":     {3, (*Server).seen},
		"index":    {1, (*Server).index},
		"switch":   {2, (*Server).switchTo},
		"set":      {3, (*Server).set},
		"break":    {1, (*Server).breakLock},
		"locks":    {0, (*Server).listLocks},
		"kick":     {1, (*Server).kick},
		"truncate": {3, (*Server).truncate},
		"waiting":  {1, (*Server).waiting},
		"sessions": {0, (*Server).listSessions},
		"clients":  {0, (*Server).listClients},
		"stop":     {0, func(s *Server, _ context.Context, _ []string, _ string) (string, error) { return "", s.Stop() }},
	}
}

// Act carries out an action of a script; see the package's description.
func (s *Server) Act(ctx context.Context, words []string, stdin string) (string, error) {
	a, ok := actions[words[0]]
	if !ok {
		return "", fmt.Errorf("testkit: no action %q", words[0])
	}
	if len(words)-1 < a.words {
		return "", fmt.Errorf("testkit: %s needs %d words", words[0], a.words)
	}
	return a.run(s, ctx, words[1:], stdin)
}

func (s *Server) mail(ctx context.Context, words []string, stdin string) (string, error) {
	account, err := s.Account(ctx, words[0])
	if err != nil {
		return "", err
	}
	defer account.Close()
	_, err = account.Deliver(ctx, "INBOX", strings.NewReader(stdin), maildir.DeliverOptions{CRLF: true})
	return "", err
}

func (s *Server) deliver(ctx context.Context, words []string, stdin string) (string, error) {
	r, err := s.Deliverer.Resolve(ctx, words[0])
	if err != nil {
		return "", err
	}
	return "", s.Deliverer.Deliver(ctx, r, deliver.Envelope{Unknown: true, At: time.Now()}, strings.NewReader(stdin), true)
}

func (s *Server) fill(ctx context.Context, words []string, _ string) (string, error) {
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return "", err
	}
	for i := 1; i <= n; i++ {
		text := fmt.Sprintf("From: sender@example.org\nSubject: message %d\nMessage-ID: <%d@example.org>\n\nThis is message %d.\n", i, i, i)
		if _, err := s.mail(ctx, words[:1], text); err != nil {
			return "", err
		}
	}
	return "", nil
}

// maildir is the directory of an account's Maildir.
func (s *Server) maildir(address string) string {
	return filepath.Join(disk.AccountDir(s.Dir, address), "Maildir")
}

// path makes sure that the Maildir is there and gives a path in it.
func (s *Server) path(ctx context.Context, address, name string) (string, error) {
	account, err := s.Account(ctx, address)
	if err != nil {
		return "", err
	}
	account.Close()
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("testkit: %q leaves the Maildir", name)
	}
	return filepath.Join(s.maildir(address), name), nil
}

func (s *Server) drop(ctx context.Context, words []string, stdin string) (string, error) {
	path, err := s.path(ctx, words[0], words[1])
	if err != nil {
		return "", err
	}
	tmp := filepath.Join(s.maildir(words[0]), "tmp", filepath.Base(path))
	if err := os.WriteFile(tmp, []byte(stdin), 0o600); err != nil {
		return "", err
	}
	return "", os.Rename(tmp, path)
}

// truncate drops a file and cuts it to so many octets, for messages that no text of a script can show: blocks end with a line end.
func (s *Server) truncate(ctx context.Context, words []string, stdin string) (string, error) {
	size, err := strconv.Atoi(words[2])
	if err != nil || size > len(stdin) {
		return "", fmt.Errorf("testkit: truncate to %s of %d octets", words[2], len(stdin))
	}
	return s.drop(ctx, words[:2], stdin[:size])
}

func (s *Server) erase(ctx context.Context, words []string, _ string) (string, error) {
	path, err := s.path(ctx, words[0], words[1])
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(path)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("testkit: nothing is called %s", words[1])
	}
	for _, f := range found {
		if err := os.Remove(f); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (s *Server) rename(ctx context.Context, words []string, _ string) (string, error) {
	from, err := s.path(ctx, words[0], words[1])
	if err != nil {
		return "", err
	}
	to, err := s.path(ctx, words[0], words[2])
	if err != nil {
		return "", err
	}
	return "", os.Rename(from, to)
}

// files prints the names that match, without the unique part in front of ":2,", sorted as the unique parts are.
func (s *Server) files(ctx context.Context, words []string, _ string) (string, error) {
	path, err := s.path(ctx, words[0], words[1])
	if err != nil {
		return "", err
	}
	return disktest.Listing(path)
}

// seen makes \Seen of a mailbox private or shared.
func (s *Server) seen(ctx context.Context, words []string, _ string) (string, error) {
	account, err := s.Account(ctx, words[0])
	if err != nil {
		return "", err
	}
	defer account.Close()
	return "", account.SetPrivateSeen(ctx, words[1], words[2] == "private")
}

func (s *Server) rescan(ctx context.Context, words []string, _ string) (string, error) {
	account, err := s.Account(ctx, words[0])
	if err != nil {
		return "", err
	}
	defer account.Close()
	box, err := account.Mailbox(ctx, words[1])
	if err != nil {
		return "", err
	}
	defer box.Close()
	_, err = box.Refresh(ctx)
	return "", err
}

func (s *Server) index(ctx context.Context, words []string, _ string) (string, error) {
	account, err := s.Account(ctx, words[0])
	if err != nil {
		return "", err
	}
	defer account.Close()
	if _, err := account.FillTexts(ctx, false); err != nil {
		return "", err
	}
	info, err := account.TextIndex(ctx)
	return fmt.Sprintf("%d indexed, %d unread\n", info.Messages, info.Unread), err
}

func (s *Server) set(ctx context.Context, words []string, _ string) (string, error) {
	scope, err := accounts.ParseScope(words[0])
	if err != nil {
		return "", err
	}
	_, err = s.Accounts.Set(ctx, "test", scope, map[accounts.Key]string{accounts.Key(words[1]): strings.Join(words[2:], " ")})
	return "", err
}

func (s *Server) breakLock(ctx context.Context, words []string, _ string) (string, error) {
	return "", s.Locks.Break(ctx, locking.Key(words[0]))
}

// waiting returns when somebody waits for the lock on an account's maildrop.
func (s *Server) waiting(ctx context.Context, words []string, _ string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		list, err := s.Locks.List(ctx)
		if err != nil {
			return "", err
		}
		for _, l := range list {
			if l.Key == locking.Key(words[0]) && len(l.Waiters) > 0 {
				return "", nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return "", fmt.Errorf("testkit: nobody waits for %s", words[0])
}

func (s *Server) listLocks(ctx context.Context, _ []string, _ string) (string, error) {
	list, err := s.Locks.List(ctx)
	var b strings.Builder
	for _, l := range list {
		for _, h := range l.Holders {
			fmt.Fprintf(&b, "%s %s %s\n", l.Key, h.Mode, h.Protocol)
		}
	}
	return b.String(), err
}
