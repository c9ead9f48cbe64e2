package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newAccountBackup(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy accounts.db to a new file, whole and consistent, while servers run", Args: cobra.ExactArgs(1),
		Long: "Copy accounts, passwords, settings, scheduled switches and the audit to a new file, which can take the place of data_dir/accounts.db while no server runs. Mail is not in it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "accounts.db is copied to", args[0])
			return err
		},
	}
}
