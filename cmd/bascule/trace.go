package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/gate"
	"bascule/internal/server"
)

func newTrace(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "trace", Short: "Log what goes over the wire in an account's sessions, for a while",
		Long: `The log of the serving processes gets every line between the account's clients and the server, without passwords, SASL exchanges and the
contents of messages: of open sessions from their next command on, of new ones from their login on. It ends by itself; a process that starts
meanwhile does not know of it.`}
	cmd.AddCommand(newTraceOn(o), newTraceOff(o), newTraceList(o))
	return cmd
}

func newTraceOn(o *options) *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use: "on ADDRESS", Short: "Begin a trace, or give it more time", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if length <= 0 || length > gate.MaxTraceFor {
				return usagef("--for: between 1s and %s", gate.MaxTraceFor)
			}
			return trace(cmd, o, args[0], length)
		},
	}
	cmd.Flags().DurationVar(&length, "for", 15*time.Minute, "how long; at most 24h")
	return cmd
}

func newTraceOff(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "off ADDRESS", Short: "End a trace", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return trace(cmd, o, args[0], 0) },
	}
}

// trace switches a trace in all processes and notes it in the audit; length 0 ends it.
func trace(cmd *cobra.Command, o *options, name string, length time.Duration) error {
	address, err := accounts.ParseAddress(name)
	if err != nil {
		return err
	}
	base, cfg, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	if _, err := base.Accounts.Lookup(cmd.Context(), address); err != nil {
		return err
	}
	q, entry := server.Question{Op: "trace", Scope: address.String()}, accounts.AuditEntry{Who: who(), Action: "trace.off", Subject: address.String()}
	if length > 0 {
		q.Until = time.Now().Add(length)
		entry.Action, entry.New = "trace.on", length.String()
	}
	if err := base.Accounts.Note(cmd.Context(), entry); err != nil {
		return err
	}
	answers, askErr := server.Ask(cmd.Context(), cfg, q)
	n := 0
	for _, a := range answers {
		n += a.Count
	}
	state := "off"
	if length > 0 {
		state = "on for " + length.String()
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "trace of %s is %s in %s; %s open\n", address, state, plural(len(answers), "process", "processes"), plural(n, "session is", "sessions are"))
	return cmp.Or(askErr, err)
}

func newTraceList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the traces of all processes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			answers, askErr := server.Ask(cmd.Context(), cfg, server.Question{Op: "traces"})
			list := []server.TraceInfo{}
			for _, a := range answers {
				list = append(list, a.Traces...)
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), list)
			} else {
				rows := [][]string{}
				for _, t := range list {
					rows = append(rows, []string{t.Account, t.Until.Local().Format(time.DateTime), fmt.Sprint(t.Sessions), t.Process})
				}
				err = printTable(cmd.OutOrStdout(), []string{"ACCOUNT", "UNTIL", "SESSIONS", "PROCESS"}, rows)
			}
			return cmp.Or(askErr, err)
		},
	}
}
