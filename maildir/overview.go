package maildir

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bascule/internal/notify"
)

// State is a mailbox, or a level above one, as Overview gives it.
type State struct {
	MailboxInfo
	Status // zero if NoSelect
}

// Overview lists all mailboxes with their counters, and the subscribed names, which need not
// exist. look says that changes of other programs are to be looked for, at the price of two
// stats for each mailbox.
func (a *Account) Overview(ctx context.Context, look bool) (boxes []State, subscribed []string, err error) {
	if look {
		if err := a.lookEverywhere(ctx); err != nil {
			return nil, nil, err
		}
	}
	err = a.glance(ctx, func() error {
		subs, err := a.dir.ReadSubscriptions()
		if err != nil {
			return err
		}
		subscribed = subs.Names(a.encoding())
		for _, info := range a.list(subscribed) {
			s := State{MailboxInfo: info}
			if f := a.byName[info.Name]; f != nil {
				s.Status = f.status()
			}
			boxes = append(boxes, s)
		}
		return nil
	})
	return boxes, subscribed, err
}

// OverviewOf is Overview for a user who is not the owner: the mailboxes that are there for him, with what he may do in each, and the counters, as he
// sees them, of those that he may read. The levels above and subscriptions are not among it.
func (a *Account) OverviewOf(ctx context.Context, user string, look bool) (boxes []State, err error) {
	if look {
		if err := a.lookEverywhere(ctx); err != nil {
			return nil, err
		}
	}
	var private []int
	err = a.glance(ctx, func() error {
		for name, f := range a.byName {
			r := f.rightsOf(user)
			if !r.Has(RightLookup) {
				continue
			}
			s := State{MailboxInfo: MailboxInfo{Name: name, ID: f.row.ObjectID, Rights: r}}
			if r.Has(RightRead) {
				s.Status = f.status()
				if f.row.SeenPrivate {
					private = append(private, len(boxes))
				}
			}
			boxes = append(boxes, s)
		}
		return nil
	})
	for _, i := range private {
		st, err := a.StatusOf(ctx, boxes[i].Name, user, false)
		if errors.Is(err, ErrNoMailbox) || errors.Is(err, ErrGone) {
			continue // it went meanwhile, which the next look finds
		}
		if err != nil {
			return nil, err
		}
		boxes[i].Status = st
	}
	slices.SortFunc(boxes, func(x, y State) int { return strings.Compare(x.Name, y.Name) })
	return boxes, err
}

// lookEverywhere opens the mailboxes whose directories have changed, which brings them in step.
func (a *Account) lookEverywhere(ctx context.Context) error {
	if err := a.lookForFolders(ctx); err != nil {
		return err
	}
	var changed []string
	err := a.glance(ctx, func() error {
		for name, f := range a.byName {
			if readNew, readCur, err := f.stale(); readNew || readCur || err != nil {
				changed = append(changed, name)
			}
		}
		return nil
	})
	for _, name := range changed {
		// One that cannot be read, or went meanwhile, must not hide the others.
		if m, err := a.Mailbox(ctx, name); err == nil {
			m.Close()
		}
	}
	return err
}

// topic is the account's name on the nudge bus. It covers all mailboxes, their list and the subscriptions.
func (a *Account) topic() notify.Topic { return notify.Topic(a.address) }

// nudge tells those who watch the whole account to look again.
func (a *Account) nudge() { a.store.opts.Bus.Publish(a.topic()) }

// Watch calls wake whenever a mailbox, the list of mailboxes or the subscriptions may have
// changed, in any process. wake is called from any goroutine, with locks held: it must not
// block and not call the account. What other programs do to mailboxes that nobody watches is not
// among it; see Overview.
func (a *Account) Watch(wake func()) (cancel func()) {
	return a.store.opts.Bus.Subscribe(a.topic(), wake)
}
