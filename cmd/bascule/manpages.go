//go:build manpages

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The man pages and completions that a package ships are made from the commands' own definitions, by a program built with the tag
// manpages: the one that serves needs no renderer of them.
func init() { extra = append(extra, newManPages) }

func newManPages(*options) *cobra.Command {
	return &cobra.Command{
		Use: "manpages DIR", Short: "Write a man page for every command into a directory", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			date := time.Unix(0, 0) // the same pages from the same source
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Bascule " + version, Manual: "Bascule", Date: &date}, args[0]); err != nil {
				return fmt.Errorf("man pages: %w", err)
			}
			return nil
		},
	}
}
