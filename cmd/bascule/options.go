package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/server"
)

// options are the flags of every command.
type options struct {
	config string
	json   bool
}

// load reads the configuration and tells the warnings.
func (o *options) load() (config.Config, error) {
	cfg, warnings, err := config.Load(o.config, os.Environ())
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, "bascule: warning:", w)
	}
	if errors.Is(err, fs.ErrPermission) {
		err = server.Explain(err, o.config)
	}
	return cfg, err
}

// open opens the store beside whatever serves it. Only what an operator must know is logged.
func (o *options) open(ctx context.Context) (*server.Base, config.Config, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, cfg, err
	}
	cfg.Watch = "off" // a command ends before anything could change under it
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	base, err := server.Open(ctx, cfg, server.ProcessName("cli"), log)
	return base, cfg, err
}

// who is the operator in the audit.
func who() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return "cli:" + name
	}
	if name := os.Getenv("USER"); name != "" {
		return "cli:" + name
	}
	return fmt.Sprintf("cli:uid%d", os.Getuid())
}

// evict lets a changed rule act on open sessions, in every process.
func evict(ctx context.Context, cfg config.Config, scope accounts.Scope, now bool) (told int, err error) {
	answers, err := server.Ask(ctx, cfg, server.Question{Op: "evict", Scope: scope.String(), Now: now})
	for _, a := range answers {
		told += a.Count
	}
	if err != nil {
		err = fmt.Errorf("the change is stored, but not every process has acted on it yet (each will within a second of its next look): %w", err)
	}
	return told, err
}
