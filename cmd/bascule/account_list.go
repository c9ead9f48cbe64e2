package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/server"
	"bascule/maildir"
)

// accountJSON is an account for scripts.
type accountJSON struct {
	Address       string            `json:"address"`
	Protocols     string            `json:"protocols"`
	ProtocolsFrom string            `json:"protocols_from"`
	Status        string            `json:"status"`
	StatusReason  string            `json:"status_reason,omitempty"`
	Delivery      string            `json:"delivery"`
	Exclusive     string            `json:"exclusive"`
	QuotaBytes    int64             `json:"quota_bytes"`
	QuotaMessages int64             `json:"quota_messages"`
	Password      string            `json:"password_scheme,omitempty"`
	SCRAM         bool              `json:"scram"`
	Created       time.Time         `json:"created"`
	Own           map[string]string `json:"own_settings,omitempty"`
	Usage         *usageJSON        `json:"usage,omitempty"`
	Logins        []loginJSON       `json:"last_logins,omitempty"`
}

type usageJSON struct {
	Bytes    int64 `json:"bytes"`
	Messages int64 `json:"messages"`
}

type loginJSON struct {
	Protocol string    `json:"protocol"`
	At       time.Time `json:"at"`
	Remote   string    `json:"remote"`
	Client   string    `json:"client,omitempty"`
}

func toJSON(a accounts.Account) accountJSON {
	out := accountJSON{
		Address: a.Address.String(), Protocols: string(a.Protocols), ProtocolsFrom: string(a.ProtocolsFrom), Status: string(a.Status),
		StatusReason: a.StatusReason, Delivery: string(a.Delivery), Exclusive: string(a.Exclusive), QuotaBytes: a.QuotaBytes,
		QuotaMessages: a.QuotaMessages, Password: a.Scheme, SCRAM: a.SCRAM, Created: a.Created,
	}
	for k, v := range a.Own {
		if out.Own == nil {
			out.Own = map[string]string{}
		}
		out.Own[string(k)] = v
	}
	for _, l := range a.Logins {
		out.Logins = append(out.Logins, loginJSON{l.Protocol, l.At, l.Remote, l.Client})
	}
	return out
}

func newAccountList(o *options) *cobra.Command {
	var domain string
	cmd := &cobra.Command{
		Use: "list", Short: "List accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			base, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			q := accounts.AccountQuery{}
			if domain != "" {
				if q.Domain, err = accounts.ParseDomain(domain); err != nil {
					return err
				}
				if _, err := base.Accounts.Domain(cmd.Context(), q.Domain); err != nil {
					return err
				}
			}
			list := []accountJSON{}
			rows := [][]string{}
			for {
				page, err := base.Accounts.Accounts(cmd.Context(), q)
				if err != nil {
					return err
				}
				for _, a := range page {
					list = append(list, toJSON(a))
					rows = append(rows, []string{a.Address.String(), string(a.Protocols), string(a.ProtocolsFrom), string(a.Status), string(a.Delivery), quota(a.QuotaBytes, a.QuotaMessages)})
					q.After = a.Address
				}
				if len(page) == 0 {
					break
				}
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printTable(cmd.OutOrStdout(), []string{"ACCOUNT", "PROTOCOLS", "FROM", "STATUS", "DELIVERY", "QUOTA"}, rows)
		},
	}
	cmd.Flags().StringVar(&domain, "domain", "", "only of this domain")
	return cmd
}

func quota(bytes, messages int64) string {
	var parts []string
	if bytes > 0 {
		parts = append(parts, config.Size(bytes).String())
	}
	if messages > 0 {
		parts = append(parts, plural(int(messages), "message", "messages"))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func newAccountShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show ADDRESS", Short: "Show an account: settings and where they come from, usage, last logins", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := accounts.ParseAddress(args[0])
			if err != nil {
				return err
			}
			base, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			// Serving processes write last logins every few seconds. One that does not answer
			// makes the answer a little old, not wrong.
			server.Ask(cmd.Context(), cfg, server.Question{Op: "flush"})
			a, err := base.Accounts.Account(cmd.Context(), address)
			if err != nil {
				return err
			}
			mail, err := base.Mail(cmd.Context(), address)
			if err != nil {
				return err
			}
			defer mail.Close()
			usage, err := mail.Usage(cmd.Context())
			if err != nil {
				return err
			}
			if o.json {
				out := toJSON(a)
				out.Usage = &usageJSON{usage.Bytes, usage.Messages}
				return printJSON(cmd.OutOrStdout(), out)
			}
			return showAccount(cmd, a, usage)
		},
	}
}

func showAccount(cmd *cobra.Command, a accounts.Account, usage maildir.Usage) error {
	password := a.Scheme
	switch {
	case password == "":
		password = "none"
	case a.SCRAM:
		password += ", SCRAM-SHA-256"
	}
	status := string(a.Status)
	if a.StatusReason != "" {
		status += " (" + a.StatusReason + ")"
	}
	rows := [][]string{
		{"protocols", fmt.Sprintf("%s (set for the %s)", a.Protocols, a.ProtocolsFrom)},
		{"status", status},
		{"delivery", string(a.Delivery)},
		{"exclusive", string(a.Exclusive)},
		{"quota", quota(a.QuotaBytes, a.QuotaMessages)},
		{"usage", fmt.Sprintf("%d octets in %s", usage.Bytes, plural(int(usage.Messages), "message", "messages"))},
		{"password", password},
		{"created", a.Created.Local().Format(time.DateTime)},
	}
	for _, k := range slices.Sorted(maps.Keys(a.Own)) {
		rows = append(rows, []string{"own " + string(k), a.Own[k]})
	}
	for _, p := range []string{"pop3", "imap"} {
		line := "never"
		for _, l := range a.Logins {
			if l.Protocol == p {
				line = fmt.Sprintf("%s from %s", l.At.Local().Format(time.DateTime), l.Remote)
				if l.Client != "" {
					line += " by " + l.Client
				}
			}
		}
		rows = append(rows, []string{"last " + p + " login", line})
	}
	return printTable(cmd.OutOrStdout(), []string{"ACCOUNT", a.Address.String()}, rows)
}
