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
	Source        string            `json:"source"`
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
	SearchIndex   *searchIndexJSON  `json:"search_index,omitempty"`
	Logins        []loginJSON       `json:"last_logins,omitempty"`
}

type usageJSON struct {
	Bytes    int64 `json:"bytes"`
	Messages int64 `json:"messages"`
}

type searchIndexJSON struct {
	Mode     string `json:"mode"`
	Bytes    int64  `json:"bytes"`
	Messages int64  `json:"messages"`
	Unread   int64  `json:"read_by_every_search"`
}

func indexJSON(x maildir.TextIndexInfo) *searchIndexJSON {
	return &searchIndexJSON{string(x.Mode), x.Bytes, x.Messages, x.Unread}
}

// describeIndex is the state of a text index in a line.
func describeIndex(x maildir.TextIndexInfo) string {
	if x.Bytes == 0 {
		return string(x.Mode) + ", there is none"
	}
	s := fmt.Sprintf("%s, %d octets for %s", x.Mode, x.Bytes, plural(int(x.Messages), "message", "messages"))
	if x.Unread > 0 {
		s += fmt.Sprintf(", %d more are read by every search", x.Unread)
	}
	return s
}

type loginJSON struct {
	Protocol string    `json:"protocol"`
	At       time.Time `json:"at"`
	Remote   string    `json:"remote"`
	Client   string    `json:"client,omitempty"`
}

func toJSON(a accounts.Account) accountJSON {
	out := accountJSON{
		Address: a.Address.String(), Source: a.Source, Protocols: string(a.Protocols), ProtocolsFrom: string(a.ProtocolsFrom), Status: string(a.Status),
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
					rows = append(rows, []string{a.Address.String(), string(a.Protocols), string(a.ProtocolsFrom), string(a.Status), string(a.Delivery), quota(a.QuotaBytes, a.QuotaMessages), a.Source})
					q.After = a.Address
				}
				if len(page) == 0 {
					break
				}
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printTable(cmd.OutOrStdout(), []string{"ACCOUNT", "PROTOCOLS", "FROM", "STATUS", "DELIVERY", "QUOTA", "SOURCE"}, rows)
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
			index, err := mail.TextIndex(cmd.Context())
			if err != nil {
				return err
			}
			if o.json {
				out := toJSON(a)
				out.Usage, out.SearchIndex = &usageJSON{usage.Bytes, usage.Messages}, indexJSON(index)
				return printJSON(cmd.OutOrStdout(), out)
			}
			return showAccount(cmd, a, usage, index)
		},
	}
}

func showAccount(cmd *cobra.Command, a accounts.Account, usage maildir.Usage, index maildir.TextIndexInfo) error {
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
		{"source", a.Source},
		{"protocols", fmt.Sprintf("%s (%s)", a.Protocols, whence(a))},
		{"status", status},
		{"delivery", string(a.Delivery)},
		{"exclusive", string(a.Exclusive)},
		{"quota", quota(a.QuotaBytes, a.QuotaMessages)},
		{"usage", fmt.Sprintf("%d octets in %s", usage.Bytes, plural(int(usage.Messages), "message", "messages"))},
		{"search index", describeIndex(index)},
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

// whence says where the protocol setting comes from.
func whence(a accounts.Account) string {
	if a.ProtocolsFrom == accounts.FromSource {
		return "from " + a.Source
	}
	return "set for the " + string(a.ProtocolsFrom)
}
