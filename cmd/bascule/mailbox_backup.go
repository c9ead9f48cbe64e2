package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/server"
	"bascule/maildir"
)

func newMailboxBackup(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "backup ADDRESS FILE", Short: "Write an account's mail to a tar archive while servers run", Args: cobra.ExactArgs(2),
		Long: `Writes the account's Maildir as it is at one moment to a new tar archive, or to standard output if FILE is a dash. Changes of the account wait while its
files get second links (about ten microseconds a message); the archive is written after that. It holds messages, flags, folders, subscriptions, UIDs and UIDLs;
bascule mailbox restore and tar read it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			defer untilSignal(cmd)()
			return withMail(cmd, o, args[0], func(ctx context.Context, mail *maildir.Account) error {
				if args[1] == "-" {
					_, err := mail.Backup(ctx, cmd.OutOrStdout())
					return err
				}
				done, err := backupTo(ctx, mail, args[1])
				if err != nil {
					return err
				}
				return printArchived(cmd, o, done, "written to", args[1])
			})
		},
	}
}

// untilSignal lets a signal end the command's context, so that what it has made beside the mail is removed; a second one ends
// the program at once. If the program that reads a backup has ended, writing fails: SIGPIPE, which would come with that and end this
// one, is ignored.
func untilSignal(cmd *cobra.Command) (stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	cmd.SetContext(ctx)
	return stop
}

// backupTo makes a new file with a backup, durably; after an error it is not there.
func backupTo(ctx context.Context, mail *maildir.Account, path string) (maildir.Archived, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return maildir.Archived{}, err
	}
	done, err := mail.Backup(ctx, f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
	}
	return done, err
}

func newMailboxRestore(o *options) *cobra.Command {
	var into string
	cmd := &cobra.Command{
		Use: "restore ADDRESS FILE [--into MAILBOX]", Short: "Bring an account's mail back from a tar archive", Args: cobra.ExactArgs(2),
		Long: `Reads a tar archive that bascule mailbox backup made, or tar of a Maildir; a dash for FILE is standard input.

Without --into the account must have no Maildir yet: it gets the one of the archive, with the same UIDs and UIDLs, so that no program downloads anything again.
With --into the archive's messages are added as new ones to mailboxes below MAILBOX, which are made, while the account is in use.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			defer untilSignal(cmd)()
			in := io.Reader(os.Stdin)
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			if into != "" {
				return restoreInto(cmd, o, args[0], in, strings.TrimSuffix(into, "/"))
			}
			return restoreWhole(cmd, o, args[0], in)
		},
	}
	cmd.Flags().StringVar(&into, "into", "", "a mailbox, such as \"Restored 2026-11-25\"")
	return cmd
}

func restoreInto(cmd *cobra.Command, o *options, address string, in io.Reader, under string) error {
	return withBase(cmd, o, address, func(ctx context.Context, base *server.Base, mail *maildir.Account) error {
		done, err := mail.RestoreInto(ctx, in, under)
		if done.Messages > 0 {
			err = errors.Join(err, noteRestore(ctx, base, mail.Address(), under, done))
		}
		if err != nil {
			return fmt.Errorf("%w (%s had been added)", err, plural(done.Messages, "message", "messages"))
		}
		return printArchived(cmd, o, done, "added below", under)
	})
}

func restoreWhole(cmd *cobra.Command, o *options, address string, in io.Reader) error {
	a, err := accounts.ParseAddress(address)
	if err != nil {
		return err
	}
	base, _, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	if _, err := base.Accounts.Lookup(cmd.Context(), a); err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	done, err := base.Store.Restore(cmd.Context(), a.String(), in)
	if errors.Is(err, maildir.ErrHasMail) {
		return codeError{exitExists, fmt.Sprintf("%s has a Maildir already: add the archive's messages to it with --into MAILBOX", a)}
	}
	if err == nil {
		err = noteRestore(cmd.Context(), base, a.String(), "whole", done)
	}
	if err != nil {
		return err
	}
	return printArchived(cmd, o, done, "restored to", a.String())
}

// noteRestore puts a restore into the audit.
func noteRestore(ctx context.Context, base *server.Base, address, where string, done maildir.Archived) error {
	return base.Accounts.Note(ctx, accounts.AuditEntry{Who: who(), Action: "mailbox.restore", Subject: address,
		New: where + ": " + plural(done.Messages, "message", "messages")})
}

func printArchived(cmd *cobra.Command, o *options, done maildir.Archived, verb, where string) error {
	if o.json {
		return printJSON(cmd.OutOrStdout(), map[string]any{"messages": done.Messages, "bytes": done.Bytes})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s, %d bytes, %s %s\n", plural(done.Messages, "message", "messages"), done.Bytes, verb, printable(where))
	return err
}
