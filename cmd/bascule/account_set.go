package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
)

// setKeys stores settings of an account or a domain and lets them act on open sessions.
func setKeys(cmd *cobra.Command, o *options, scope accounts.Scope, values map[accounts.Key]string) error {
	base, cfg, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	changes, err := base.Accounts.Set(cmd.Context(), who(), scope, values)
	if err != nil {
		return err
	}
	_, evictErr := evict(cmd.Context(), cfg, scope, false)
	if o.json {
		out := []map[string]string{}
		for _, c := range changes {
			out = append(out, map[string]string{"key": string(c.Key), "old": c.Old, "new": c.New})
		}
		err = printJSON(cmd.OutOrStdout(), out)
	} else {
		for _, c := range changes {
			if _, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s: %s → %s\n", scope, c.Key, c.Old, c.New); err != nil {
				break
			}
		}
	}
	if evictErr != nil {
		return evictErr
	}
	return err
}

// parseKeys reads KEY=VALUE arguments.
func parseKeys(args []string, domain bool) (map[accounts.Key]string, error) {
	values := map[accounts.Key]string{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, usagef("%q is not KEY=VALUE", arg)
		}
		if !slices.Contains(accounts.Keys(domain), accounts.Key(key)) {
			return nil, usagef("there is no setting %q; there are %s", key, keyNames(domain))
		}
		values[accounts.Key(key)] = value
	}
	return values, nil
}

func keyNames(domain bool) string {
	var names []string
	for _, k := range accounts.Keys(domain) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func newAccountSet(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "set ADDRESS KEY=VALUE...", Short: "Change settings of an account; the value inherit removes one", Args: cobra.MinimumNArgs(2),
		Long: "Settings: " + keyNames(false) + ". The value inherit removes a setting, so that the domain's holds.",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			values, err := parseKeys(args[1:], false)
			if err != nil {
				return err
			}
			return setKeys(cmd, o, accounts.AccountScope(address), values)
		},
	}
}

func newAccountQuota(o *options) *cobra.Command {
	var bytes, messages string
	cmd := &cobra.Command{
		Use: "quota ADDRESS", Short: "Set the quota: --bytes 2G --messages 50000; 0 is none, inherit is the domain's", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			values := map[accounts.Key]string{}
			if cmd.Flags().Changed("bytes") {
				values[accounts.KeyQuotaBytes] = bytes
			}
			if cmd.Flags().Changed("messages") {
				values[accounts.KeyQuotaMessages] = messages
			}
			if len(values) == 0 {
				return usagef("--bytes or --messages is wanted (account show tells the present ones)")
			}
			return setKeys(cmd, o, accounts.AccountScope(address), values)
		},
	}
	cmd.Flags().StringVar(&bytes, "bytes", "", "octets, such as 500M or 2G")
	cmd.Flags().StringVar(&messages, "messages", "", "number of messages")
	return cmd
}

func newAccountSuspend(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "suspend ADDRESS", Short: "Let nobody log in to an account and end its sessions; mail is still delivered", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			values := map[accounts.Key]string{accounts.KeyStatus: string(accounts.Suspended), accounts.KeyStatusReason: string(accounts.Inherit)}
			if reason != "" {
				values[accounts.KeyStatusReason] = reason
			}
			return setKeys(cmd, o, accounts.AccountScope(address), values)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "told to the client after the right password")
	return cmd
}

func newAccountResume(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "resume ADDRESS", Short: "Take a suspension back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			return setKeys(cmd, o, accounts.AccountScope(address), map[accounts.Key]string{
				accounts.KeyStatus: string(accounts.Inherit), accounts.KeyStatusReason: string(accounts.Inherit)})
		},
	}
}

// printOwn shows stored settings, one a line.
func printOwn(w io.Writer, own map[accounts.Key]string) {
	for _, k := range slices.Sorted(maps.Keys(own)) {
		fmt.Fprintf(w, "  %s = %s\n", k, printable(own[k]))
	}
}
