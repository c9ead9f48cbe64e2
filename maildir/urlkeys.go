package maildir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Access keys of mailboxes vouch for URLs by which others may read single messages (RFC 4467 §2). A key is a mailbox's own: it
// goes with it when it is renamed, and is lost when it is deleted or the index is, which takes back all URLs that it vouched for.

// urlKeyLen is the length of a key, octets.
const urlKeyLen = 32

// URLKey is the access key of a mailbox, as of now in all processes; nil if it has none. Errors: ErrNoMailbox.
func (a *Account) URLKey(ctx context.Context, name string) (key []byte, err error) {
	err = a.withFolder(ctx, name, func(f *folder) (err error) {
		key, err = f.urlKey()
		return err
	})
	return key, err
}

// MakeURLKey is URLKey that makes a key where there is none. When it returns, the key is durable.
func (a *Account) MakeURLKey(ctx context.Context, name string) ([]byte, error) {
	if key, err := a.URLKey(ctx, name); key != nil || err != nil {
		return key, err
	}
	return a.changeURLKey(ctx, name, false)
}

// ResetURLKey gives a mailbox another key, which takes back all URLs into it. Errors: ErrNoMailbox.
func (a *Account) ResetURLKey(ctx context.Context, name string) error {
	if err := a.withFolder(ctx, name, func(*folder) error { return nil }); err != nil {
		return err
	}
	_, err := a.changeURLKey(ctx, name, true)
	return err
}

func (a *Account) changeURLKey(ctx context.Context, name string, always bool) (key []byte, err error) {
	err = a.write(ctx, func(w *writing) error {
		f := a.byName[name]
		if f == nil {
			return fmt.Errorf("%w: %s", ErrNoMailbox, name)
		}
		if key, err = f.urlKey(); err != nil || key != nil && !always {
			return err // another process was quicker
		}
		key = make([]byte, urlKeyLen)
		rand.Read(key)
		c := w.change(f)
		c.row.URLKey, c.access = hex.EncodeToString(key), always
		return nil
	})
	return key, err
}

// ForgetURLKeys takes the keys of all mailboxes away, and with them all URLs of the account.
func (a *Account) ForgetURLKeys(ctx context.Context) error {
	return a.write(ctx, func(w *writing) error {
		for _, f := range a.byID {
			if f.row.URLKey != "" {
				c := w.change(f)
				c.row.URLKey, c.access = "", true
			}
		}
		return nil
	})
}

// urlKey is the folder's key. a.mu is held.
func (f *folder) urlKey() ([]byte, error) {
	if f.row.URLKey == "" {
		return nil, nil
	}
	return hex.DecodeString(f.row.URLKey)
}

// URLKeyID tells one access key of the mailbox from another, as far as this process knows; "" stands for none. It costs an
// atomic load.
func (m *Mailbox) URLKeyID() string { return m.where.Load().urlKey }
