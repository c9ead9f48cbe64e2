package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"bascule/internal/config"
	"bascule/internal/server"
)

func newConfig(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check or print the configuration"}
	cmd.AddCommand(newConfigCheck(o), &cobra.Command{
		Use: "example", Short: "Print the commented example with every key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Example())
			return err
		},
	})
	return cmd
}

func newConfigCheck(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Say whether the configuration is good, and what it comes to", Args: cobra.NoArgs,
		Long: "Read the file and the environment as serve does. Prints the keys that differ from their defaults, environment included.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			if err := server.Check(cfg); err != nil {
				return err
			}
			for _, path := range []string{cfg.TLS.Cert, cfg.TLS.Key, cfg.TLS.Directory, cfg.TLS.ClientCA, cfg.ACME.CA} {
				if path == "" {
					continue
				}
				if _, err := os.Stat(path); err != nil {
					return fmt.Errorf("tls: %w", err)
				}
			}
			cfg = cfg.WithoutSecrets()
			out := cmd.OutOrStdout()
			if o.json {
				values := map[string]any{}
				for _, k := range cfg.Keys() {
					if k.IsList() {
						values[k.Name] = k.Values()
					} else {
						values[k.Name] = k.Values()[0]
					}
				}
				return printJSON(out, values)
			}
			if _, err := out.Write(cfg.Marshal()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(out, "# the configuration is good")
			return err
		},
	}
}
