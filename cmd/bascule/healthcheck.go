package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/server"
)

func newHealthcheck(o *options) *cobra.Command {
	var only []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Say whether what is served on this host works", Args: cobra.NoArgs,
		Long: `For Docker's HEALTHCHECK and the like. The store must be mounted and writable, its databases must open, the serving processes of this
host (of this container) must answer, and each of their listeners must greet. Processes elsewhere on the same store do not matter. A
listener that refuses because limits.connections is reached is no fault. Exit code 1 names everything that is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			h := server.CheckHealth(ctx, cfg, only)
			if o.json {
				if err := printJSON(cmd.OutOrStdout(), h); err != nil {
					return err
				}
			}
			if len(h.Problems) > 0 {
				if o.json {
					return codeError{exitFailed, ""}
				}
				return codeError{exitFailed, strings.Join(h.Problems, "\n")}
			}
			if !o.json {
				for _, a := range h.Listeners {
					state := "answers"
					if a.Full {
						state = "is full (limits.connections)"
					}
					if _, err := fmt.Fprintln(cmd.OutOrStdout(), a.Listener, a.Address, state); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "front ends that must be served here: "+strings.Join(server.FrontEnds, ", ")+" (default whatever is)")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Second, "for all of it")
	return cmd
}
