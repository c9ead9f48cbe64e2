package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bascule/internal/accounts"
)

// Recipient is an address that resolved to an account which takes mail now.
type Recipient struct {
	Given    string // as the client wrote it
	Account  accounts.Effective
	Detail   string // what stood behind the delimiter; empty: INBOX
	resolved string
}

// Mailbox identifies what the message goes to: two recipients of one message with the same Mailbox need one copy.
func (r *Recipient) Mailbox() string { return r.resolved }

// Resolve finds who gets the mail for an address. The account with the whole address comes first: "a+b@example.org" may be somebody's
// name. Only then is what stands behind the delimiter taken for a folder.
func (d *Deliverer) Resolve(ctx context.Context, given string) (*Recipient, error) {
	address, err := accounts.ParseAddress(given)
	if err != nil {
		return nil, classify(err)
	}
	r := &Recipient{Given: given}
	r.Account, err = d.opt.Directory.Lookup(ctx, address)
	if errors.Is(err, accounts.ErrNotFound) && d.opt.Delimiter != "" {
		// The folder's name keeps its case, so it is cut from what was given.
		at := strings.LastIndexByte(given, '@')
		local, detail, found := strings.Cut(given[:at], d.opt.Delimiter)
		if found && local != "" {
			if address, err = accounts.ParseAddress(local + given[at:]); err != nil {
				return nil, classify(err)
			}
			r.Detail = detail
			r.Account, err = d.opt.Directory.Lookup(ctx, address)
		}
	}
	if err != nil {
		return nil, classify(fmt.Errorf("resolve %q: %w", given, err))
	}
	r.resolved = r.Account.Address.String() + "\x00" + strings.ToLower(r.Detail)
	switch r.Account.Delivery {
	case accounts.Defer:
		return nil, &Error{Class: Deferred, Text: "This account takes no mail just now; try again later"}
	case accounts.Reject:
		return nil, &Error{Class: Rejected, Text: "This account takes no mail"}
	}
	return r, nil
}

// CheckQuota refuses early what could not be delivered, as the account or the disk is full: a message of size bytes, 0 when the size is
// not known. The delivery itself checks again.
func (d *Deliverer) CheckQuota(ctx context.Context, r *Recipient, size int64) error {
	if err := d.opt.Store.HasRoom(r.Account.Address.String()); err != nil {
		return classify(err)
	}
	if r.Account.QuotaBytes <= 0 && r.Account.QuotaMessages <= 0 {
		return nil
	}
	account, err := d.opt.Store.Account(ctx, r.Account.Address.String(), d.opt.Policy(r.Account))
	if err != nil {
		return classify(err)
	}
	defer account.Close()
	return classify(account.QuotaAllows(ctx, max(size, 1), 1))
}
