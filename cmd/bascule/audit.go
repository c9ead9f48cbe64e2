package main

import (
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
)

func newAudit(o *options) *cobra.Command {
	var f accounts.AuditFilter
	var since time.Duration
	cmd := &cobra.Command{
		Use: "audit", Short: "List administrative changes, the newest first", Args: cobra.NoArgs,
		Long: `Every change of an account, a domain, a password or a setting stands here with who did it, as do kicked sessions, broken locks and wire
traces. Passwords are never part of it. Deletions of mail stand in the log of the serving processes.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if since > 0 {
				f.Since = time.Now().Add(-since)
			}
			list, err := base.Accounts.Audit(cmd.Context(), f)
			if err != nil {
				return err
			}
			if o.json {
				if list == nil {
					list = []accounts.AuditEntry{}
				}
				return printJSON(cmd.OutOrStdout(), list)
			}
			rows := [][]string{}
			for _, e := range list {
				rows = append(rows, []string{e.At.Local().Format(time.DateTime), e.Who, e.Action, e.Subject, e.Old, e.New})
			}
			return printTable(cmd.OutOrStdout(), []string{"AT", "WHO", "ACTION", "SUBJECT", "OLD", "NEW"}, rows)
		},
	}
	cmd.Flags().StringVar(&f.Subject, "subject", "", "only about this address or domain")
	cmd.Flags().DurationVar(&since, "since", 0, "only of the last hours: 24h")
	cmd.Flags().IntVar(&f.Limit, "limit", 100, "at most so many")
	return cmd
}
