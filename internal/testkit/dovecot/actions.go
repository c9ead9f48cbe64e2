package dovecot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bascule/internal/testkit/dovecot/instance"
	"bascule/maildir/disk/disktest"
)

// mailer carries out the actions of scripts that need no server, as package testkit describes them: those that touch files.
type mailer struct {
	dir string
	n   atomic.Int64
}

func (m *mailer) act(_ context.Context, words []string, stdin string) (string, error) {
	name, args := words[0], words[1:]
	switch {
	case name == "mail" && len(args) == 1:
		return "", m.mail(args[0], stdin)
	case name == "fill" && len(args) == 2:
		n, err := strconv.Atoi(args[1])
		for i := 1; i <= n && err == nil; i++ {
			err = m.mail(args[0], fmt.Sprintf("From: sender@example.org\nSubject: message %d\nMessage-ID: <%d@example.org>\n\nThis is message %d.\n", i, i, i))
		}
		return "", err
	case name == "drop" && len(args) == 2:
		return "", m.drop(args[0], args[1], stdin)
	case name == "truncate" && len(args) == 3:
		n, err := strconv.Atoi(args[2])
		if err != nil || n > len(stdin) {
			return "", fmt.Errorf("dovecot: truncate to %s of %d octets", args[2], len(stdin))
		}
		return "", m.drop(args[0], args[1], stdin[:n])
	case name == "rename" && len(args) == 3:
		box := instance.Maildir(m.dir, args[0])
		return "", os.Rename(filepath.Join(box, args[1]), filepath.Join(box, args[2]))
	case name == "erase" && len(args) == 2:
		found, err := filepath.Glob(filepath.Join(instance.Maildir(m.dir, args[0]), args[1]))
		if err == nil && len(found) == 0 {
			err = errors.New("dovecot: nothing is called " + args[1])
		}
		for _, f := range found {
			err = errors.Join(err, os.Remove(f))
		}
		return "", err
	case name == "files" && len(args) == 2:
		return disktest.Listing(filepath.Join(instance.Maildir(m.dir, args[0]), args[1]))
	}
	return "", errors.New("dovecot cannot " + strings.Join(words, " "))
}

func (m *mailer) mail(account, text string) error {
	name := fmt.Sprintf("new/%d.M%dP%d.test", time.Now().Unix(), m.n.Add(1), os.Getpid())
	return m.drop(account, name, strings.ReplaceAll(text, "\n", "\r\n"))
}

func (m *mailer) drop(account, name, data string) error {
	box := instance.Maildir(m.dir, account)
	tmp := filepath.Join(box, "tmp", filepath.Base(name))
	if err := os.WriteFile(tmp, []byte(data), 0o600); err != nil {
		return err
	}
	if err := instance.Give(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(box, filepath.FromSlash(name)))
}
