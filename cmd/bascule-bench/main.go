// Command bascule-bench measures Bascule beside Dovecot: see package bench and docs/benchmarks.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command()
	root.AddCommand(generate())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := bench.Options{Progress: os.Stderr}
	var results, docs string
	var list, render bool
	cmd := &cobra.Command{
		Use: "bascule-bench", Short: "Measure Bascule beside Dovecot", Args: cobra.NoArgs,
		Long: `Start Bascule and, where it is installed, Dovecot 2.3, run the same loads on both in turns, and print a table.

Exit code 1: something could not be measured, or an answer was wrong; the table says what. Nothing but the answers is judged.`,
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case list:
				return printLoads(o.Loads)
			case render:
				return renderDocs(results, docs)
			}
			if o.Short {
				short(cmd, &o)
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			o.Generator = []string{self, "generate"}
			return measure(cmd.Context(), o, results, docs)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Bascule, "bascule", "bin/bascule", "our program")
	f.StringVar(&o.Dir, "dir", "", "where to put the mail: on the disk that is to be measured (default /var/tmp)")
	f.StringSliceVar(&o.Loads, "load", nil, "loads to run, or beginnings of their names (default all)")
	f.StringVar(&o.Size, "size", "", "small, medium, large or a number (default all three)")
	f.BoolVar(&o.Short, "short", false, "tiny sizes, one pair, no results are written: are the answers right?")
	f.IntVar(&o.Pairs, "pairs", 3, "how often each load runs on each server")
	f.Float64Var(&o.Seconds, "seconds", 2, "how long a run of a load takes that has no end of its own")
	f.DurationVar(&o.Settle, "settle", 3*time.Second, "rest for the disk after much mail was made or removed; a tenth of it after little")
	f.StringVar(&o.Only, "only", "", "bascule or dovecot")
	f.BoolVar(&o.Sysctl, "sysctl", false, "raise fs.inotify.max_user_instances while it runs (Dovecot needs one for each idle session)")
	f.StringVar(&o.DovecotIn, "dovecot-config", "", "file with further configuration for Dovecot")
	f.StringVar(&results, "results", "", "JSON file for the results; loads that are not run keep what it has of them")
	f.StringVar(&docs, "docs", "", "Markdown file for the results")
	f.BoolVar(&list, "list", false, "list the loads and end")
	f.BoolVar(&render, "render", false, "write --docs from --results without measuring")
	return cmd
}

// short sets what was not set by flags.
func short(cmd *cobra.Command, o *bench.Options) {
	for name, set := range map[string]func(){
		"pairs":   func() { o.Pairs = 1 },
		"seconds": func() { o.Seconds = 0.05 },
		"settle":  func() { o.Settle = 0 },
	} {
		if !cmd.Flags().Changed(name) {
			set()
		}
	}
}

func measure(ctx context.Context, o bench.Options, results, docs string) error {
	report, failed := bench.Run(ctx, o)
	report.WriteTable(os.Stdout)
	if o.Short || ctx.Err() != nil {
		return failed
	}
	if results != "" {
		old, err := bench.LoadReportFile(results)
		if err != nil {
			return err
		}
		report.Merge(old)
		if err := report.Save(results); err != nil {
			return err
		}
	}
	if docs != "" {
		if err := report.WriteMarkdown(docs); err != nil {
			return err
		}
	}
	return failed
}

func renderDocs(results, docs string) error {
	report, err := bench.LoadReportFile(results)
	if err != nil {
		return err
	}
	return report.WriteMarkdown(docs)
}

func printLoads(names []string) error {
	loads, err := bench.Find(names)
	for _, l := range loads {
		fmt.Printf("%-16s %v %s: %s\n", l.Name, l.Sizes, l.Per, l.What)
	}
	return err
}

// generate is the generator, which bench.Run starts for each run.
func generate() *cobra.Command {
	return &cobra.Command{
		Use: "generate", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench.Work(cmd.Context(), os.Stdin, os.Stdout) },
	}
}
