package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/server"
)

func newSession(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "session", Short: "List and end open sessions, in all serving processes"}
	cmd.AddCommand(newSessionList(o), newSessionKick(o))
	return cmd
}

func newSessionList(o *options) *cobra.Command {
	var q server.Question
	cmd := &cobra.Command{
		Use: "list", Short: "List who is logged in", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			q.Op = "sessions"
			answers, askErr := server.Ask(cmd.Context(), cfg, q)
			list := []server.SessionInfo{}
			for _, a := range answers {
				list = append(list, a.Sessions...)
			}
			slices.SortFunc(list, func(a, b server.SessionInfo) int {
				return cmp.Or(strings.Compare(a.Account, b.Account), a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
			})
			if o.json {
				err = printJSON(cmd.OutOrStdout(), list)
			} else {
				now := time.Now()
				rows := [][]string{}
				for _, s := range list {
					secure := "clear"
					if s.TLS {
						secure = "tls"
					}
					rows = append(rows, []string{s.ID, s.Account, s.Protocol, secure, s.Remote, ago(s.Since, now), ago(s.Active, now), s.Mailbox, s.Client, s.Ending, s.Process})
				}
				err = printTable(cmd.OutOrStdout(), []string{"SESSION", "ACCOUNT", "PROTOCOL", "WIRE", "REMOTE", "AGE", "IDLE", "MAILBOX", "CLIENT", "ENDING", "PROCESS"}, rows)
			}
			return cmp.Or(askErr, err)
		},
	}
	cmd.Flags().StringVar(&q.Scope, "account", "", "only of this account or domain")
	cmd.Flags().StringVar(&q.Proto, "protocol", "", "only pop3 or imap")
	cmd.Flags().StringVar(&q.Remote, "remote", "", "only from this address")
	return cmd
}

func newSessionKick(o *options) *cobra.Command {
	var text, protocol string
	cmd := &cobra.Command{
		Use: "kick SESSION|ADDRESS|DOMAIN", Short: "End sessions at once; their clients may come back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			base, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.Note(cmd.Context(), accounts.AuditEntry{Who: who(), Action: "session.kick", Subject: args[0], New: text}); err != nil {
				return err
			}
			q := server.Question{Op: "kick", Text: text, Proto: protocol}
			if strings.ContainsAny(args[0], "@.") {
				q.Scope = args[0]
			} else {
				q.Session = args[0]
			}
			answers, err := server.Ask(cmd.Context(), cfg, q)
			n := 0
			for _, a := range answers {
				n += a.Count
			}
			if o.json {
				printJSON(cmd.OutOrStdout(), map[string]int{"ended": n})
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), plural(n, "session", "sessions"), "told to end")
			}
			if err == nil && n == 0 {
				return codeError{exitNotFound, "no such session"}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&text, "text", "Session ended by the administrator", "what the client is told")
	cmd.Flags().StringVar(&protocol, "protocol", "", "only pop3 or imap")
	return cmd
}
