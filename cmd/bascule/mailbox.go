package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/server"
	"bascule/maildir"
)

func newMailbox(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "mailbox", Short: "List, share, check, rescan, index, back up and restore mailboxes"}
	cmd.AddCommand(newMailboxList(o), newMailboxShare(o), newMailboxUnshare(o), newMailboxShares(o), newMailboxSeen(o), newMailboxCheck(o), newMailboxRescan(o), newMailboxIndex(o), newMailboxBackup(o), newMailboxRestore(o))
	return cmd
}

// withMail opens an account's mail for the length of do.
func withMail(cmd *cobra.Command, o *options, address string, do func(context.Context, *maildir.Account) error) error {
	return withBase(cmd, o, address, func(ctx context.Context, _ *server.Base, mail *maildir.Account) error { return do(ctx, mail) })
}

// withBase is withMail for who needs the store too, for the audit for example.
func withBase(cmd *cobra.Command, o *options, address string, do func(context.Context, *server.Base, *maildir.Account) error) error {
	a, err := accounts.ParseAddress(address)
	if err != nil {
		return err
	}
	base, _, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	mail, err := base.Mail(cmd.Context(), a)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	defer mail.Close()
	return do(cmd.Context(), base, mail)
}

func newMailboxList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list ADDRESS", Short: "List an account's mailboxes with their numbers", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withMail(cmd, o, args[0], func(ctx context.Context, mail *maildir.Account) error {
				boxes, err := mail.Mailboxes(ctx)
				if err != nil {
					return err
				}
				list := []map[string]any{}
				rows := [][]string{}
				for _, m := range boxes {
					if m.NoSelect {
						continue
					}
					st, err := mail.Status(ctx, m.Name, true)
					if errors.Is(err, maildir.ErrNoMailbox) {
						continue // removed meanwhile
					}
					if err != nil {
						return err
					}
					list = append(list, map[string]any{"name": m.Name, "id": m.ID, "special_use": m.Attr, "subscribed": m.Subscribed, "messages": st.Messages, "unseen": st.Unseen,
						"size": st.Size, "uidvalidity": st.UIDValidity, "uidnext": st.UIDNext, "highestmodseq": st.HighestModSeq})
					rows = append(rows, []string{m.Name, strings.Join(m.Attr, " "), strconv.Itoa(st.Messages), strconv.Itoa(st.Unseen), strconv.FormatInt(st.Size, 10),
						strconv.FormatUint(uint64(st.UIDValidity), 10), strconv.FormatUint(uint64(st.UIDNext), 10)})
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), list)
				}
				return printTable(cmd.OutOrStdout(), []string{"MAILBOX", "USE", "MESSAGES", "UNSEEN", "OCTETS", "UIDVALIDITY", "UIDNEXT"}, rows)
			})
		},
	}
}

func newMailboxCheck(o *options) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "check ADDRESS... | --all", Short: "Verify disk, index, UIDs and counters; repairs nothing; exit code 6 if something is wrong",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usagef("addresses are wanted, or --all")
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			addresses, err := checkList(cmd.Context(), base, args, all)
			if err != nil {
				return err
			}
			problems := 0
			report := []map[string]string{}
			for _, a := range addresses {
				found, err := checkAccount(cmd.Context(), base, a)
				if err != nil {
					return fmt.Errorf("%s: %w", a, err)
				}
				problems += len(found)
				for _, p := range found {
					report = append(report, map[string]string{"account": a.String(), "mailbox": p.Mailbox, "problem": p.What})
					if !o.json {
						fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", a, printable(p.String()))
					}
				}
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s checked, %s\n", plural(len(addresses), "account", "accounts"), plural(problems, "problem", "problems"))
			}
			if problems > 0 {
				return codeError{exitProblems, ""}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "check every account")
	return cmd
}

func checkList(ctx context.Context, base *server.Base, args []string, all bool) ([]accounts.Address, error) {
	var list []accounts.Address
	for _, arg := range args {
		a, err := accounts.ParseAddress(arg)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if !all {
		return list, nil
	}
	q := accounts.AccountQuery{}
	for {
		page, err := base.Accounts.Accounts(ctx, q)
		if err != nil || len(page) == 0 {
			return list, err
		}
		for _, a := range page {
			list = append(list, a.Address)
			q.After = a.Address
		}
	}
}

func checkAccount(ctx context.Context, base *server.Base, a accounts.Address) ([]maildir.Problem, error) {
	mail, err := base.Mail(ctx, a)
	if err != nil {
		return nil, err
	}
	defer mail.Close()
	return mail.Check(ctx)
}

func newMailboxRescan(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "rescan ADDRESS [MAILBOX...]", Short: "Read the directories again, for changes that times do not tell (a restored backup)", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withMail(cmd, o, args[0], func(ctx context.Context, mail *maildir.Account) error {
				names := args[1:]
				if len(names) == 0 {
					boxes, err := mail.Mailboxes(ctx)
					if err != nil {
						return err
					}
					for _, m := range boxes {
						if !m.NoSelect {
							names = append(names, m.Name)
						}
					}
				}
				for _, name := range names {
					if err := rescan(ctx, mail, name); errors.Is(err, maildir.ErrNoMailbox) {
						return codeError{exitNotFound, fmt.Sprintf("%s has no mailbox %q", mail.Address(), name)}
					} else if err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s read again\n", mail.Address(), plural(len(names), "mailbox", "mailboxes"))
				return err
			})
		},
	}
}

func rescan(ctx context.Context, mail *maildir.Account, name string) error {
	m, err := mail.Mailbox(ctx, name)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Rescan(ctx)
}

func newMailboxIndex(o *options) *cobra.Command {
	var rebuild bool
	cmd := &cobra.Command{
		Use: "index ADDRESS", Short: "Bring an account's search index up now, or make it anew, and tell its size", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withMail(cmd, o, args[0], func(ctx context.Context, mail *maildir.Account) error {
				if mail.Policy().TextIndex == maildir.TextIndexOff {
					return fmt.Errorf("search_index of %s is off; bascule account set %s search_index=on changes that", mail.Address(), mail.Address())
				}
				var err error
				if rebuild {
					err = mail.RebuildTexts(ctx)
				} else {
					_, err = mail.FillTexts(ctx, false)
				}
				if err != nil {
					return err
				}
				index, err := mail.TextIndex(ctx)
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(cmd.OutOrStdout(), indexJSON(index))
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", mail.Address(), describeIndex(index))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&rebuild, "rebuild", false, "empty it first")
	return cmd
}
