package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
)

func newDomain(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "domain", Short: "Add, show, change and remove domains"}
	cmd.AddCommand(newDomainAdd(o), newDomainList(o), newDomainShow(o), newDomainRemove(o), newDomainSet(o))
	return cmd
}

type domainJSON struct {
	Name     string            `json:"name"`
	Created  time.Time         `json:"created"`
	Accounts int               `json:"accounts"`
	Own      map[string]string `json:"own_settings,omitempty"`
}

func domainToJSON(d accounts.Domain) domainJSON {
	out := domainJSON{Name: d.Name, Created: d.Created, Accounts: d.Accounts, Own: map[string]string{}}
	for k, v := range d.Own {
		out.Own[string(k)] = v
	}
	return out
}

func newDomainAdd(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "add DOMAIN", Short: "Add a domain (account add does it too)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := accounts.ParseDomain(args[0])
			if err != nil {
				return err
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.AddDomain(cmd.Context(), who(), name); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "added", name)
			return err
		},
	}
}

func newDomainList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List domains", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			list, err := base.Accounts.Domains(cmd.Context())
			if err != nil {
				return err
			}
			out := []domainJSON{}
			rows := [][]string{}
			for _, d := range list {
				out = append(out, domainToJSON(d))
				var own []string
				for _, k := range accounts.Keys(true) {
					if v, ok := d.Own[k]; ok {
						own = append(own, string(k)+"="+v)
					}
				}
				rows = append(rows, []string{d.Name, strconv.Itoa(d.Accounts), strings.Join(own, " ")})
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), out)
			}
			return printTable(cmd.OutOrStdout(), []string{"DOMAIN", "ACCOUNTS", "SETTINGS"}, rows)
		},
	}
}

func newDomainShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show DOMAIN", Short: "Show a domain and its settings", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := accounts.ParseDomain(args[0])
			if err != nil {
				return err
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			d, err := base.Accounts.Domain(cmd.Context(), name)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), domainToJSON(d))
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s: %s, since %s\n", d.Name, plural(d.Accounts, "account", "accounts"), d.Created.Local().Format(time.DateTime))
			printOwn(w, d.Own)
			return nil
		},
	}
}

func newDomainRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove DOMAIN", Short: "Remove a domain that has no accounts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := accounts.ParseDomain(args[0])
			if err != nil {
				return err
			}
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			if err := base.Accounts.DeleteDomain(cmd.Context(), who(), name); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "removed", name)
			return err
		},
	}
}

func newDomainSet(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "set DOMAIN KEY=VALUE...", Short: "Change settings that its accounts inherit; the value inherit removes one", Args: cobra.MinimumNArgs(2),
		Long: "Settings: " + keyNames(true) + ". The value inherit removes a setting, so that the server's holds.",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := accounts.ParseDomain(args[0])
			if err != nil {
				return err
			}
			values, err := parseKeys(args[1:], true)
			if err != nil {
				return err
			}
			return setKeys(cmd, o, accounts.DomainScope(name), values)
		},
	}
}
