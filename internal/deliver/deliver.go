package deliver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"bascule/internal/accounts"
	"bascule/maildir"
)

// Options are what a Deliverer needs; Store, Directory and Policy have no defaults.
type Options struct {
	Store     *maildir.Store
	Directory accounts.Directory
	// Policy turns an account's settings into those of the store.
	Policy func(accounts.Effective) maildir.Policy
	Log    *slog.Logger // nil: slog.Default

	Delimiter     string // between user and folder, "+"; empty: no subaddresses
	CreateFolders bool   // make the folder that a subaddress names
}

// Deliverer delivers messages. It has no state; its methods may be called from any goroutine.
type Deliverer struct{ opt Options }

// New makes a Deliverer.
func New(opt Options) *Deliverer {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	return &Deliverer{opt: opt}
}

// Deliver stores one message for one recipient. body is read to its end or to its first error; with crlf set, its LF become CRLF. It
// returns nil only when the message is durable. Errors are *Error, save those that reading body returned.
func (d *Deliverer) Deliver(ctx context.Context, r *Recipient, e Envelope, body io.Reader, crlf bool) error {
	account, err := d.opt.Store.Account(ctx, r.Account.Address.String(), d.opt.Policy(r.Account))
	if err != nil {
		return d.refused(r, e, err)
	}
	defer account.Close()
	mailbox, err := d.folder(ctx, account, r.Detail)
	if err != nil {
		return d.refused(r, e, err)
	}
	source := &sourceReader{r: body}
	got, err := account.Deliver(ctx, mailbox, io.MultiReader(strings.NewReader(e.header(r)), source), maildir.DeliverOptions{Internal: e.At, CRLF: crlf})
	if source.err != nil {
		return source.err
	}
	if err != nil {
		return d.refused(r, e, err)
	}
	d.opt.Log.Info("message delivered", "account", account.Address(), "mailbox", mailbox, "uid", uint32(got.UID), "size", got.Size, "from", e.From, "trace", e.Trace)
	return nil
}

// refused logs a failed delivery with its cause and gives it its class.
func (d *Deliverer) refused(r *Recipient, e Envelope, err error) error {
	err = classify(err)
	d.opt.Log.Warn("message not delivered", "account", r.Account.Address.String(), "from", e.From, "trace", e.Trace, "err", err)
	return err
}

// folder finds the mailbox that a detail names, by its name without regard to case; "." may stand for "/", which an address cannot
// hold. INBOX is the answer to everything that is not there.
func (d *Deliverer) folder(ctx context.Context, account *maildir.Account, detail string) (string, error) {
	if detail == "" {
		return maildir.Inbox, nil
	}
	name, err := find(ctx, account, detail)
	if err != nil || name != "" {
		return name, err
	}
	if !d.opt.CreateFolders {
		return maildir.Inbox, nil
	}
	made, err := account.CreateMailbox(ctx, detail, nil)
	if errors.Is(err, maildir.ErrMailboxExists) {
		// Another message for it came in the same moment.
		if name, err = find(ctx, account, detail); err == nil && name != "" {
			return name, nil
		}
	}
	if err != nil {
		// A name that no folder can have, or too many folders: the mail matters more than its place.
		d.opt.Log.Info("folder of a subaddress was not made", "account", account.Address(), "folder", detail, "err", err)
		return maildir.Inbox, nil
	}
	return made.Name, nil
}

// find gives the name of the mailbox that a detail names, or none.
func find(ctx context.Context, account *maildir.Account, detail string) (string, error) {
	boxes, err := account.Mailboxes(ctx)
	if err != nil {
		return "", err
	}
	for _, wanted := range []string{detail, strings.ReplaceAll(detail, ".", "/")} {
		for _, b := range boxes {
			if !b.NoSelect && strings.EqualFold(b.Name, wanted) {
				return b.Name, nil
			}
		}
	}
	return "", nil
}

// sourceReader keeps apart the errors of who brings the message from those of the store.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
