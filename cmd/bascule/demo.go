package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/netserve"
	"bascule/internal/server"
	"bascule/internal/server/demo"
)

const demoPassword = "demo"

// demoAccounts are the three settings.
var demoAccounts = []struct {
	address   accounts.Address
	protocols accounts.Protocols
}{
	{"pop@example.org", accounts.POP3},
	{"imap@example.org", accounts.IMAP},
	{"both@example.org", accounts.Both},
}

func newDemo(o *options) *cobra.Command {
	var dir string
	addresses := map[string]*string{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Serve a small sample store on this machine, for trying things out", Args: cobra.NoArgs,
		Long: `Make a directory with a store, a self-signed certificate, three accounts and sample mail, and serve it on loopback. A second
start in the same directory finds the same mail. The directory's bascule.yaml works with every other command. It is kept as you
edit it, unless an address is given.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := map[string]string{}
			for key, value := range addresses {
				if cmd.Flags().Changed(key) {
					given[key] = *value
				}
			}
			cfg, err := prepareDemo(o, dir, addresses, len(given) > 0)
			if err != nil {
				return err
			}
			if err := fillDemo(cmd.Context(), cfg); err != nil {
				return err
			}
			return serve(cmd.Context(), o, cfg, nil, func(s *server.Server) error {
				_, err := fmt.Fprint(cmd.OutOrStdout(), demoText(o.config, s.Addrs()))
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "demo-data", "directory of the demo")
	for _, l := range []struct{ key, address, text string }{
		{"imap", "127.0.0.1:1143", "IMAP with STARTTLS"}, {"imaps", "127.0.0.1:1993", "IMAP over TLS"},
		{"pop3", "127.0.0.1:1110", "POP3 with STLS"}, {"pop3s", "127.0.0.1:1995", "POP3 over TLS"}, {"lmtp", "127.0.0.1:1024", "LMTP"},
	} {
		addresses[l.key] = f.String(l.key, l.address, "address of "+l.text)
	}
	return cmd
}

// prepareDemo makes the directory, the certificate and the configuration file, and loads that.
func prepareDemo(o *options, dir string, addresses map[string]*string, given bool) (config.Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return config.Config{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return config.Config{}, fmt.Errorf("cannot make the demo's directory: %w; choose another by --dir", err)
	}
	o.config = filepath.Join(dir, "bascule.yaml")
	if _, err := os.Stat(o.config); errors.Is(err, fs.ErrNotExist) || given {
		c := config.Default()
		c.DataDir, c.TLS.Cert, c.TLS.Key = "data", "tls/cert.pem", "tls/key.pem"
		c.Log.Level = "warn"
		for key, list := range map[string]*[]config.Address{
			"imap": &c.Listeners.IMAP, "imaps": &c.Listeners.IMAPS, "pop3": &c.Listeners.POP3, "pop3s": &c.Listeners.POP3S, "lmtp": &c.Listeners.LMTP,
		} {
			*list = make([]config.Address, 1)
			if err := (*list)[0].UnmarshalText([]byte(*addresses[key])); err != nil {
				return c, usagef("--%s: %v", key, err)
			}
		}
		text := append([]byte("# Written by bascule demo. bascule.example.yaml shows every key.\n"), c.Marshal()...)
		if err := os.WriteFile(o.config, text, 0o600); err != nil {
			return c, err
		}
	}
	cfg, err := o.load()
	if err != nil {
		return cfg, err
	}
	if cfg.TLS.Cert != "" {
		pair := netserve.KeyPair{Cert: cfg.TLS.Cert, Key: cfg.TLS.Key}
		if err := netserve.SelfSigned(pair, []string{"localhost", "127.0.0.1", "::1"}, 3650*24*time.Hour); err != nil {
			return cfg, err
		}
	}
	return cfg, server.Init(cfg)
}

// fillDemo makes what is missing of accounts and mail.
func fillDemo(ctx context.Context, cfg config.Config) error {
	log, _ := server.Logger(cfg.Log, os.Stderr)
	base, err := server.Open(ctx, cfg, server.ProcessName("demo"), log)
	if err != nil {
		return err
	}
	defer base.Close()
	for _, a := range demoAccounts {
		if _, err := base.Accounts.Lookup(ctx, a.address); err == nil {
			continue // whatever has become of it is as it should be
		} else if !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
		// The mail first: an account that is there is taken for finished.
		mail, err := base.Store.Account(ctx, a.address.String(), base.Policy(accounts.Effective{}))
		if err != nil {
			return err
		}
		_, err = demo.Populate(ctx, mail)
		mail.Close()
		if err != nil {
			return err
		}
		if err := base.Accounts.AddAccount(ctx, "demo", a.address, accounts.Clear(demoPassword)); err != nil {
			return err
		}
		if _, err := base.Accounts.SetProtocols(ctx, "demo", accounts.AccountScope(a.address), a.protocols); err != nil {
			return err
		}
	}
	return nil
}

func demoText(file string, addrs []server.Addr) string {
	at := map[string]string{}
	var b strings.Builder
	b.WriteString("Bascule demo\n\n")
	for _, a := range addrs {
		at[a.Listener] = a.Address
		fmt.Fprintf(&b, "  %-6s %s\n", a.Listener, a.Address)
	}
	b.WriteString("\n")
	for _, a := range demoAccounts {
		fmt.Fprintf(&b, "  %-17s password %s   setting %s\n", a.address, demoPassword, a.protocols)
	}
	program := os.Args[0]
	fmt.Fprintf(&b, "\nTry:\n  curl -u both@example.org:%s pop3://%s/\n  curl -u both@example.org:%s 'imap://%s/INBOX;MAILINDEX=1'\n  %s switch both@example.org imap --config %s\n",
		demoPassword, at["pop3"], demoPassword, at["imap"], program, file)
	fmt.Fprintf(&b, "\nConfiguration: %s\nready; Ctrl-C ends it\n", file)
	return b.String()
}
