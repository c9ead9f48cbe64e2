package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"bascule/internal/config"
	"bascule/internal/server"
	"bascule/internal/systemd"
)

func newServe(o *options) *cobra.Command {
	var only []string
	var initialise bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve POP3, IMAP and LMTP", Args: cobra.NoArgs,
		Long: `Serve what is configured, in the foreground, with the log on standard error.

SIGTERM and SIGINT: take no new connections, say goodbye, let a running POP3 QUIT finish, end within stop_timeout.
SIGHUP: read certificates and the configuration again; keys that need a restart are named in the log.
Sockets that systemd passes take the place of the listeners whose names they have (FileDescriptorName=imaps).
--only runs some of the front ends, so that several processes share one store.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			if initialise {
				if err := server.Init(cfg); err != nil {
					return err
				}
			}
			return serve(cmd.Context(), o, cfg, only, nil)
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "front ends to serve: "+strings.Join(server.FrontEnds, ", ")+" (default all)")
	cmd.Flags().BoolVar(&initialise, "init", false, "make data_dir a store first, if it is none (for containers)")
	return cmd
}

// serve runs a server until a signal ends it. ready is called once it listens; may be nil.
func serve(ctx context.Context, o *options, cfg config.Config, only []string, ready func(*server.Server) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	log, level := server.Logger(cfg.Log, os.Stderr)
	sockets, err := systemd.Sockets()
	if err != nil {
		return err
	}
	tell := func(state string) {
		if err := systemd.Notify(state); err != nil {
			log.Warn("the service manager was not told", "err", err)
		}
	}
	s, err := server.New(ctx, server.Options{
		Config: cfg, Only: only, Sockets: sockets, Version: version, Log: log, Level: level, Stderr: os.Stderr,
		Reload: func() (config.Config, error) {
			next, _, err := config.Load(o.config, os.Environ())
			return next, err
		},
	})
	if err != nil {
		return err
	}
	for _, a := range s.Addrs() {
		log.Info("listening", "listener", a.Listener, "address", a.Address)
	}
	log.Info("ready", "version", version, "data", cfg.DataDir)
	tell(systemd.Ready)
	go func() {
		for {
			select {
			case <-ctx.Done():
				tell(systemd.Stopping)
				return
			case <-hup:
				tell(systemd.Reloading())
				if err := s.Reload(ctx); err != nil {
					log.Error("not everything was reloaded", "err", err)
				}
				tell(systemd.Ready)
			}
		}
	}()
	var readyErr error
	if ready != nil {
		if readyErr = ready(s); readyErr != nil {
			stop()
		}
	}
	if err := s.Run(ctx); err != nil {
		return err
	}
	return readyErr
}
