package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/server"
	"bascule/locking"
)

func newLock(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "lock", Short: "Show and break the locks on mailboxes"}
	cmd.AddCommand(newLockList(o), newLockBreak(o))
	return cmd
}

func newLockList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show who has which mailbox, since when, and who waits", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			list, listErr := lockList(cmd, base, cfg)
			if o.json {
				if list == nil {
					list = []locking.Status{}
				}
				err = printJSON(cmd.OutOrStdout(), list)
			} else {
				err = printTable(cmd.OutOrStdout(), []string{"MAILBOX", "STATE", "MODE", "PROTOCOL", "SESSION", "REMOTE", "AGE", "PROCESS"}, lockRows(list))
			}
			if listErr != nil {
				return listErr
			}
			return err
		},
	}
}

// lockList asks the manager between processes, or, where each process keeps its own, the processes.
func lockList(cmd *cobra.Command, base *server.Base, cfg config.Config) ([]locking.Status, error) {
	if cfg.Locks != "memory" {
		list, err := base.Locks.List(cmd.Context())
		if err != nil {
			err = codeError{exitSilent, err.Error()}
		}
		return list, err
	}
	var list []locking.Status
	answers, err := server.Ask(cmd.Context(), cfg, server.Question{Op: "locks"})
	for _, a := range answers {
		list = append(list, a.Locks...)
	}
	return list, err
}

func lockRows(list []locking.Status) [][]string {
	now := time.Now()
	rows := [][]string{}
	for _, s := range list {
		for i, h := range append(s.Holders[:len(s.Holders):len(s.Holders)], s.Waiters...) {
			state := "held"
			if i >= len(s.Holders) {
				state = "waits"
			}
			rows = append(rows, []string{string(s.Key), state, h.Mode.String(), h.Protocol, h.Session, h.Remote, ago(h.Since, now), h.Process})
		}
	}
	return rows
}

func newLockBreak(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "break ADDRESS", Short: "End the session that has an account's mailbox; nothing is deleted", Args: cobra.ExactArgs(1),
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
			if err := base.Accounts.Note(cmd.Context(), accounts.AuditEntry{Who: who(), Action: "lock.break", Subject: address.String()}); err != nil {
				return err
			}
			if cfg.Locks == "memory" {
				answers, err := server.Ask(cmd.Context(), cfg, server.Question{Op: "break", Key: address.String()})
				n := 0
				for _, a := range answers {
					n += a.Count
				}
				if err == nil && n == 0 {
					err = codeError{exitNotFound, "nobody has the mailbox of " + address.String()}
				}
				if err != nil {
					return err
				}
			} else if err := base.Locks.Break(cmd.Context(), locking.Key(address.String())); err != nil {
				return lockError(err, address)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the lock on %s is broken\n", address)
			return err
		},
	}
}

// lockError gives errors of breaking a lock their exit codes.
func lockError(err error, address accounts.Address) error {
	if errors.Is(err, locking.ErrNotHeld) {
		return codeError{exitNotFound, "nobody has the mailbox of " + address.String()}
	}
	return codeError{exitSilent, err.Error()}
}
