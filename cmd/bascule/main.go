// Command bascule is a POP3 and IMAP server over one Maildir store, and the tools to run it. One file per noun; this one only wires them.
package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

// extra are commands that only some builds have.
var extra []func(*options) *cobra.Command

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return report(cmd, err)
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "bascule",
		Short: "POP3 and IMAP over one mail store, with a switch between them",
		Long: `Bascule serves one Maildir store over POP3 and IMAP.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 some serving process did not
answer; 4 no such account, domain, session or lock; 5 exists already; 6 a check
found problems. The deliver command uses those of sysexits.h instead.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVarP(&o.config, "config", "c", os.Getenv("BASCULE_CONFIG"), "configuration file (or the variable BASCULE_CONFIG)")
	root.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON for scripts")
	root.AddCommand(
		newServe(o), newDemo(o), newInit(o), newAccount(o), newDomain(o), newSwitch(o), newSession(o), newTrace(o), newAudit(o), newLock(o), newMailbox(o), newDeliver(o), newHealthcheck(o), newConfig(o), newVersion(o),
	)
	for _, add := range extra {
		root.AddCommand(add(o))
	}
	wrapArgs(root)
	return root
}

// wrapArgs makes wrong numbers of arguments usage errors, for every command.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	if c.HasSubCommands() && c.RunE == nil && c.HasParent() {
		c.Args = func(_ *cobra.Command, args []string) error { return nil }
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usagef("%s has no command %q", cmd.CommandPath(), args[0])
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}
