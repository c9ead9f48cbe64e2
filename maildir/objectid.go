package maildir

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"strings"

	"bascule/internal/message"
	"bascule/maildir/index"
)

// Object ids (RFC 8474). That of a mailbox is given once and follows it through renames. Those of mails and threads follow from the bytes
// of the message: so copies have them too, in any mailbox, and two processes or a new index never disagree with what clients
// were told. How they are made must not be changed any more.

// objectIDSize is how many octets of a digest an id has: nobody finds two messages with the same one.
const objectIDSize = 20

var objectIDText = base32.HexEncoding.WithPadding(base32.NoPadding)

func digestID(kind string, digest []byte) string {
	return kind + strings.ToLower(objectIDText.EncodeToString(digest[:objectIDSize]))
}

var emailIDs = derived{
	name: "email ids", read: index.Tx.EmailIDs, save: index.Tx.SetEmailID,
	derive: func(ctx context.Context, m *Mailbox, uids []UID, got func(UID, string)) error {
		s := m.current.Load()
		for _, uid := range uids {
			if err := ctx.Err(); err != nil {
				return err
			}
			msg := s.Find(uid)
			if msg == nil {
				continue
			}
			id, err := m.emailID(ctx, msg)
			if errors.Is(err, ErrGone) {
				continue
			}
			if err != nil {
				return err
			}
			got(uid, id)
		}
		return nil
	},
}

// emailID is made of the message as it is on the wire, however it is stored.
func (m *Mailbox) emailID(ctx context.Context, msg *Message) (string, error) {
	b, err := m.Open(ctx, msg)
	if err != nil {
		return "", err
	}
	defer b.Close()
	h := sha256.New()
	if _, err := io.Copy(h, b.Section(0, b.Size())); err != nil {
		return "", err
	}
	return digestID("E", h.Sum(nil)), nil
}

// EmailIDs calls fn with the EMAILID of each of these messages that is still there, in UID order (RFC 8474 §5.1). Messages have the same one
// if, and only if, their octets are the same. Files that nobody has asked for before are read. fn is called with no lock held.
func (m *Mailbox) EmailIDs(ctx context.Context, uids []UID, fn func(UID, string) error) error {
	return emailIDs.each(ctx, m, uids, false, func(uid UID, id string, _ bool) error { return fn(uid, id) })
}

// ThreadID is the message's THREADID (RFC 8474 §5.2): made of the first message that it refers to, or else of the one it answers, or else of
// itself. Mail programs repeat their whole thread in References, so all of its messages name the same first one.
func (p Parsed) ThreadID() (string, error) {
	header, err := p.Header()
	if err != nil {
		return "", err
	}
	for _, field := range []string{"References", "In-Reply-To", "Message-ID"} {
		value, ok := message.HeaderValue(header, field)
		if !ok {
			continue
		}
		if ids := message.MessageIDs(value, 1); len(ids) > 0 {
			digest := sha256.Sum256([]byte("id " + ids[0]))
			return digestID("T", digest[:]), nil
		}
	}
	// It names nothing: a thread of its own.
	digest := sha256.Sum256(append([]byte("header "), header...))
	return digestID("T", digest[:]), nil
}
