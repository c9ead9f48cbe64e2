package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/server"
	"bascule/maildir"
)

func newMailboxShare(o *options) *cobra.Command {
	var with, rights string
	cmd := &cobra.Command{
		Use: "share ADDRESS MAILBOX --with WHO --rights LETTERS", Short: "Let others use a mailbox by IMAP under their own logins", Args: cobra.ExactArgs(2),
		Long: `Gives WHO rights in a mailbox of ADDRESS: an address, or anyone for all accounts of the owner's domain; with a dash before it the rights
are taken away from him whoever else gives them. The letters (RFC 4314) replace what WHO has; +LETTERS adds, -LETTERS takes away:

  l see that it is there   r read   s mark as read   w other flags   i add   t mark as deleted   e expunge
  k make mailboxes below   x delete and rename it    a give rights to others   p post

lrs is for reading, lrswite for working in it. Who has a mailbox shared with him finds it below "Other Users", or below "Shared Folders" if the
owner's account has the setting shared=true (account set). Open sessions have their new rights at once.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := parseRights(rights)
			if err != nil {
				return err
			}
			return grant(cmd, o, args[0], args[1], with, change)
		},
	}
	cmd.Flags().StringVar(&with, "with", "", "an address, anyone, or one of these with a dash before it")
	cmd.Flags().StringVar(&rights, "rights", "", "letters, such as lrs")
	cmd.MarkFlagRequired("with")
	cmd.MarkFlagRequired("rights")
	return cmd
}

func newMailboxUnshare(o *options) *cobra.Command {
	var with string
	cmd := &cobra.Command{
		Use: "unshare ADDRESS MAILBOX --with WHO", Short: "Take somebody's rights in a mailbox away", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return grant(cmd, o, args[0], args[1], with, func(maildir.Rights) maildir.Rights { return 0 })
		},
	}
	cmd.Flags().StringVar(&with, "with", "", "as share was told")
	cmd.MarkFlagRequired("with")
	return cmd
}

// parseRights reads letters, or a change of them.
func parseRights(letters string) (func(maildir.Rights) maildir.Rights, error) {
	plus, minus := strings.HasPrefix(letters, "+"), strings.HasPrefix(letters, "-")
	if plus || minus {
		letters = letters[1:]
	}
	r, err := maildir.ParseRights(letters)
	if err != nil {
		return nil, usagef("%q: rights are some of %s", letters, maildir.RightLetters)
	}
	return func(was maildir.Rights) maildir.Rights {
		switch {
		case plus:
			return was | r
		case minus:
			return was &^ r
		}
		return r
	}, nil
}

func grant(cmd *cobra.Command, o *options, address, mailbox, with string, to func(maildir.Rights) maildir.Rights) error {
	other, negative := strings.CutPrefix(with, "-")
	if other != maildir.Anyone && other != maildir.Authenticated {
		a, err := accounts.ParseAddress(other)
		if err != nil {
			return err
		}
		other = a.String()
	}
	return withBase(cmd, o, address, func(ctx context.Context, base *server.Base, mail *maildir.Account) error {
		owner := mail.Address()
		if _, err := base.Accounts.Lookup(ctx, accounts.Address(other)); errors.Is(err, accounts.ErrNotFound) && strings.Contains(other, "@") {
			fmt.Fprintf(os.Stderr, "bascule: warning: there is no account %s\n", other)
		}
		before, after, err := mail.Grant(ctx, mailbox, other, negative, to)
		switch {
		case errors.Is(err, maildir.ErrNoMailbox):
			return codeError{exitNotFound, fmt.Sprintf("%s has no mailbox %q", owner, mailbox)}
		case err != nil:
			return fmt.Errorf("%s: %w", owner, err)
		}
		id := maildir.Grant{Who: other, Negative: negative}.Identifier()
		if before != after {
			e := accounts.ShareEntry(owner, mailbox, id, before.String(), after.String())
			e.Who = who()
			if err := base.Accounts.Note(ctx, e); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s: %s: %s → %s\n", owner, printable(mailbox), id, printable(before.String()), printable(after.String()))
		return err
	})
}

func newMailboxShares(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "shares ADDRESS", Short: "Show who has which rights in whose mailboxes", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			list, err := sharesOf(cmd.Context(), base, a)
			if err != nil {
				return fmt.Errorf("%s: %w", a, err)
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			rows := [][]string{}
			for _, s := range list {
				rows = append(rows, []string{s.Owner, s.Mailbox, s.Who, s.Rights, s.Seen})
			}
			return printTable(cmd.OutOrStdout(), []string{"OWNER", "MAILBOX", "WHO", "RIGHTS", "SEEN"}, rows)
		},
	}
}

// share is one line of the list: what somebody has in a mailbox.
type share struct {
	Owner   string `json:"owner"`
	Mailbox string `json:"mailbox"`
	Who     string `json:"who"`
	Rights  string `json:"rights"`
	Seen    string `json:"seen"` // private or shared
}

// sharesOf lists what an account gives, and what is given to it.
func sharesOf(ctx context.Context, base *server.Base, a accounts.Address) ([]share, error) {
	list := []share{}
	mail, err := base.Mail(ctx, a)
	if err != nil {
		return nil, err
	}
	defer mail.Close()
	boxes, err := mail.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range boxes {
		if m.NoSelect {
			continue
		}
		acl, err := mail.ACL(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		private, err := mail.PrivateSeen(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		for _, g := range acl.Grants {
			list = append(list, share{a.String(), m.Name, g.Identifier(), g.Rights.String(), seenWord(private)})
		}
	}
	owners, err := base.Accounts.Owners(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		theirs, err := base.Mail(ctx, owner)
		if errors.Is(err, accounts.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list, err = appendShared(ctx, list, theirs, a)
		theirs.Close()
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// appendShared lists what an account gives to another one.
func appendShared(ctx context.Context, list []share, theirs *maildir.Account, to accounts.Address) ([]share, error) {
	boxes, err := theirs.MailboxesOf(ctx, to.String())
	if err != nil {
		return nil, err
	}
	for _, m := range boxes {
		private, err := theirs.PrivateSeen(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, share{theirs.Address(), m.Name, to.String(), m.Rights.String(), seenWord(private)})
	}
	return list, nil
}

func seenWord(private bool) string {
	if private {
		return "private"
	}
	return "shared"
}

func newMailboxSeen(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "seen ADDRESS MAILBOX private|shared", Short: "Say whether each user of a shared mailbox has a \\Seen of his own", Args: cobra.ExactArgs(3),
		Long: `With private, each user with whom the mailbox of ADDRESS is shared has his own idea of what is read, and begins with nothing read; the owner, and POP3, keep
the one that stands with the messages. All other flags stay common. With shared, as it is at first, \Seen is everybody's, and what each had read is
forgotten. Sessions of others that have the mailbox open are ended, so that they look again. Mailboxes that are made below it are as it is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[2] != "private" && args[2] != "shared" {
				return usagef("%q: want private or shared", args[2])
			}
			return withBase(cmd, o, args[0], func(ctx context.Context, base *server.Base, mail *maildir.Account) error {
				owner := mail.Address()
				before, err := mail.PrivateSeen(ctx, args[1])
				if err == nil {
					err = mail.SetPrivateSeen(ctx, args[1], args[2] == "private")
				}
				switch {
				case errors.Is(err, maildir.ErrNoMailbox):
					return codeError{exitNotFound, fmt.Sprintf("%s has no mailbox %q", owner, args[1])}
				case err != nil:
					return fmt.Errorf("%s: %w", owner, err)
				}
				if seenWord(before) != args[2] {
					e := accounts.AuditEntry{Who: who(), Action: "seen", Subject: owner, Old: args[1] + " " + seenWord(before), New: args[1] + " " + args[2]}
					if err := base.Accounts.Note(ctx, e); err != nil {
						return err
					}
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s: \\Seen: %s → %s\n", owner, printable(args[1]), seenWord(before), args[2])
				return err
			})
		},
	}
}
