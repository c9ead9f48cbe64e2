package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
)

func newAccount(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Add, show, change and remove accounts"}
	cmd.AddCommand(newAccountAdd(o), newAccountList(o), newAccountShow(o), newAccountRemove(o), newAccountPassword(o),
		newAccountQuota(o), newAccountSet(o), newAccountSuspend(o), newAccountResume(o), newAccountBackup(o))
	return cmd
}

func newAccountAdd(o *options) *cobra.Command {
	var hashed, without bool
	var protocols string
	cmd := &cobra.Command{
		Use: "add ADDRESS", Short: "Add an account; the password comes from a prompt or standard input", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			value := accounts.Inherit
			if protocols != "" {
				if value, err = accounts.ParseProtocols(protocols); err != nil {
					return err
				}
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.Local(); err != nil {
				return err
			}
			var secret *accounts.Secret
			if !without {
				if secret, err = readSecret(hashed); err != nil {
					return err
				}
			}
			if err := base.Accounts.AddAccount(cmd.Context(), who(), address, secret); err != nil {
				return err
			}
			if value != accounts.Inherit {
				if _, err := base.Accounts.SetProtocols(cmd.Context(), who(), accounts.AccountScope(address), value); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "added", address)
			return err
		},
	}
	cmd.Flags().BoolVar(&hashed, "hash", false, "what is read is another server's password hash, such as {SHA512-CRYPT}$6$...")
	cmd.Flags().BoolVar(&without, "no-password", false, "add it without a password; nobody can log in until it has one")
	cmd.Flags().StringVar(&protocols, "protocols", "", "protocol setting: pop3, imap, both, none (default: that of the domain)")
	return cmd
}

func newAccountRemove(o *options) *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use: "remove ADDRESS", Short: "Remove an account; its mail stays unless --purge is given", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			base, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.Removable(cmd.Context(), address); err != nil {
				return err // before its shares are gone
			}
			if err := base.Unshare(cmd.Context(), address); err != nil && !errors.Is(err, accounts.ErrNotFound) {
				return fmt.Errorf("%s still shares mailboxes: %w", address, err)
			}
			if err := base.Accounts.DeleteAccount(cmd.Context(), who(), address); err != nil {
				return err
			}
			told, evictErr := evict(cmd.Context(), cfg, accounts.AccountScope(address), true)
			if purge {
				if evictErr != nil {
					return fmt.Errorf("the account is removed, its mail is kept since sessions may still have it open: %w", evictErr)
				}
				if err := base.Accounts.Note(cmd.Context(), accounts.AuditEntry{Who: who(), Action: "mail.purge", Subject: address.String()}); err != nil {
					return err
				}
				if err := base.Store.Remove(address.String()); err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "removed %s; %s told to end\n", address, plural(told, "session", "sessions"))
			return evictErr
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "delete the account's mail too, for good")
	return cmd
}

func newAccountPassword(o *options) *cobra.Command {
	var hashed, without bool
	cmd := &cobra.Command{
		Use: "password ADDRESS", Short: "Set the password, from a prompt or standard input", Args: cobra.ExactArgs(1),
		Long: "Set the password. It is read from a prompt or the first line of standard input. Open sessions go on; end them with session kick.",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.Local(); err != nil {
				return err
			}
			if _, err := base.Accounts.Lookup(cmd.Context(), address); err != nil {
				return fmt.Errorf("%s: %w", address, err) // before asking for a password in vain
			}
			var secret *accounts.Secret
			if !without {
				if secret, err = readSecret(hashed); err != nil {
					return err
				}
			}
			if err := base.Accounts.SetPassword(cmd.Context(), who(), address, secret); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the password of", address, "is set")
			return err
		},
	}
	cmd.Flags().BoolVar(&hashed, "hash", false, "what is read is another server's password hash")
	cmd.Flags().BoolVar(&without, "remove", false, "take the password away")
	return cmd
}
