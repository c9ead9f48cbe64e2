package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
)

func newSwitch(o *options) *cobra.Command {
	var domain string
	var at string
	var now, scheduled bool
	var cancel int64
	cmd := &cobra.Command{
		Use:   "switch ADDRESS pop3|imap|both|none|inherit",
		Short: "Say which protocols an account or a domain uses, at once and on open sessions too",
		Long: `Write the rule, then have every serving process end the sessions that may not stay: IMAP within two seconds, POP3 after
switch.grace (--now: at once, deleting nothing). No mail is moved and no UID or UIDL changes. It can be repeated: exit code 3
means that the rule is stored, but a process did not answer; it acts on the rule at its next look.

  bascule switch anna@example.org imap
  bascule switch --domain example.org both
  bascule switch anna@example.org pop3 --at 2030-01-31T04:00:00+01:00
  bascule switch --scheduled
  bascule switch --cancel 17`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if scheduled || cancel != 0 {
				if len(args) > 0 {
					return usagef("--scheduled and --cancel take no arguments")
				}
				return switchSchedule(cmd, o, cancel)
			}
			scope, value, err := switchArgs(args, domain)
			if err != nil {
				return err
			}
			base, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer base.Close()
			out := cmd.OutOrStdout()
			if at != "" {
				due, err := parseTime(at)
				if err != nil {
					return err
				}
				id, err := base.Accounts.Schedule(cmd.Context(), who(), scope, value, due)
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(out, map[string]any{"id": id, "scope": scope.String(), "value": value, "due": due.UTC()})
				}
				_, err = fmt.Fprintf(out, "%s will be switched to %s at %s (number %d)\n", scope, value, due.Format(time.RFC3339), id)
				return err
			}
			change, err := base.Accounts.SetProtocols(cmd.Context(), who(), scope, value)
			if err != nil {
				return err
			}
			told, evictErr := evict(cmd.Context(), cfg, scope, now)
			if o.json {
				err = printJSON(out, map[string]any{"scope": scope.String(), "old": change.Old, "new": change.New, "sessions_told_to_end": told})
			} else {
				_, err = fmt.Fprintf(out, "%s: %s → %s; %s told to end\n", scope, change.Old, change.New, plural(told, "session", "sessions"))
			}
			if evictErr != nil {
				return evictErr
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&domain, "domain", "", "switch a whole domain instead of an account")
	f.StringVar(&at, "at", "", "carry it out later: 2030-01-31T04:00:00+01:00, or \"2030-01-31 04:00\" in local time")
	f.BoolVar(&now, "now", false, "end POP3 sessions at once instead of after switch.grace")
	f.BoolVar(&scheduled, "scheduled", false, "list the switches to come")
	f.Int64Var(&cancel, "cancel", 0, "take a scheduled switch back, by its number")
	return cmd
}

func switchArgs(args []string, domain string) (scope accounts.Scope, value accounts.Protocols, err error) {
	want := 2
	if domain != "" {
		want = 1
	}
	if len(args) != want {
		return scope, "", usagef("wanted are an ADDRESS (or --domain) and one of pop3, imap, both, none, inherit")
	}
	if domain != "" {
		name, err := accounts.ParseDomain(domain)
		if err != nil {
			return scope, "", err
		}
		scope = accounts.DomainScope(name)
	} else {
		address, err := accounts.ParseAddress(args[0])
		if err != nil {
			return scope, "", err
		}
		scope = accounts.AccountScope(address)
	}
	value, err = accounts.ParseProtocols(args[len(args)-1])
	return scope, value, err
}

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%q is no time; write it like 2030-01-31T04:00:00+01:00 or \"2030-01-31 04:00\"", s)
}

// switchSchedule lists what is to come, or takes one of it back.
func switchSchedule(cmd *cobra.Command, o *options, cancel int64) error {
	base, _, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	if cancel != 0 {
		if err := base.Accounts.Unschedule(cmd.Context(), who(), cancel); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "switch %d is taken back\n", cancel)
		return err
	}
	list, err := base.Accounts.Scheduled(cmd.Context(), false)
	if err != nil {
		return err
	}
	if o.json {
		out := []map[string]any{}
		for _, s := range list {
			out = append(out, map[string]any{"id": s.ID, "due": s.Due.UTC(), "scope": s.Scope.String(), "value": s.Value, "who": s.Who})
		}
		return printJSON(cmd.OutOrStdout(), out)
	}
	rows := [][]string{}
	for _, s := range list {
		rows = append(rows, []string{strconv.FormatInt(s.ID, 10), s.Due.Local().Format(time.RFC3339), s.Scope.String(), string(s.Value), s.Who})
	}
	return printTable(cmd.OutOrStdout(), []string{"NUMBER", "DUE", "WHAT", "VALUE", "WHO"}, rows)
}
