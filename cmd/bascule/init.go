package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"bascule/internal/server"
)

func newInit(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Make data_dir a new, empty store", Args: cobra.NoArgs,
		Long: "Make data_dir and put the marker into it by which serve knows that the disk is mounted. On a store that is there it changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			if err := server.Init(cfg); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), cfg.DataDir, "is a store")
			return err
		},
	}
}
