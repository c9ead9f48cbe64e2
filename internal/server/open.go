package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"bascule/imap"
	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/deliver"
	"bascule/internal/metrics"
	"bascule/internal/notify"
	"bascule/locking"
	"bascule/locking/filelock"
	"bascule/maildir"
	"bascule/maildir/disk"
	"bascule/pop3"
)

// Base is what lies under the front ends; the command line works on it too, beside running servers.
type Base struct {
	Accounts  *accounts.DB
	Store     *maildir.Store
	Locks     locking.Manager
	Deliverer *deliver.Deliverer

	metrics *metrics.Metrics // counted by the store
	bus     notify.Bus
	watcher *disk.Watcher // nil when nothing is watched
	keeper  *keeper       // works while a Server runs
	log     *slog.Logger
	cfg     atomic.Pointer[config.Config]
	closers []func() error // in order of opening
}

// Init makes a new store at the configured place; on one that is there it changes nothing.
func Init(cfg config.Config) error {
	if err := maildir.Create(cfg.DataDir); err != nil {
		return Explain(err, cfg.DataDir)
	}
	if err := os.MkdirAll(cfg.Run(), 0o700); err != nil {
		return Explain(err, cfg.Run())
	}
	return nil
}

// Open opens the store of cfg. process names this process in the lists of who holds what.
func Open(ctx context.Context, cfg config.Config, process string, log *slog.Logger) (b *Base, err error) {
	if err := preflight(cfg); err != nil {
		return nil, err
	}
	b = &Base{log: log, metrics: metrics.New(imap.Verbs(), pop3.Verbs()), keeper: newKeeper()}
	b.cfg.Store(&cfg)
	defer func() {
		if err != nil {
			b.Close()
			b, err = nil, Explain(err, cfg.DataDir)
		}
	}()
	if cfg.Locks == "memory" {
		b.Locks, b.bus = locking.NewInProcess(), notify.NewInProcess()
		b.closers = append(b.closers, b.Locks.Close, b.bus.Close)
	} else {
		if b.Locks, err = filelock.New(filepath.Join(cfg.Run(), "locks"), filelock.Options{Process: process, Log: log}); err != nil {
			return b, err
		}
		b.closers = append(b.closers, b.Locks.Close)
		if b.bus, err = notify.NewInterprocess(filepath.Join(cfg.Run(), "notify"), log); err != nil {
			return b, err
		}
		b.closers = append(b.closers, b.bus.Close)
	}
	from, err := source(cfg, log)
	if err != nil {
		return b, err
	}
	b.Accounts, err = accounts.Open(ctx, filepath.Join(cfg.DataDir, "accounts.db"), accounts.Options{Defaults: defaults(cfg), Log: log, Source: from,
		SourceTimeout: cfg.Accounts.SourceTimeout.D(), SourceMemory: cfg.Accounts.SourceMemory.D(), SourceRecheck: cfg.Accounts.SourceRecheck.D()})
	if err != nil {
		return b, err
	}
	b.closers = append(b.closers, b.Accounts.Close)
	opts := maildir.Options{DataDir: cfg.DataDir, IndexDir: cfg.IndexDir, Locks: b.Locks, Bus: b.bus, Log: log, Hostname: hostname(cfg),
		MinFree: int64(cfg.MinFree), Dropped: b.keeper.drop, Metrics: b.metrics.Store, Describe: cfg.Log.Deletions != "off",
		Sharing: func(ctx context.Context, owner string, with []string, exact bool) error {
			return b.Accounts.SetShares(ctx, accounts.Address(owner), with, exact)
		}}
	if cfg.Watch != "off" {
		w := disk.NewWatcher(disk.WatchOptions{ForcePolling: cfg.Watch == "poll", Log: log})
		b.closers = append(b.closers, func() error { w.Close(); return nil })
		opts.Watcher, b.watcher = w, w
	}
	if b.Store, err = maildir.Open(opts); err != nil {
		return b, err
	}
	b.closers = append(b.closers, b.Store.Close)
	b.Deliverer = deliver.New(deliver.Options{Store: b.Store, Directory: b.Accounts, Policy: b.Policy, Log: log,
		Delimiter: cfg.LMTP.Subaddress, CreateFolders: cfg.LMTP.CreateFolders})
	return b, nil
}

// Policy is the store's rules for an account, by the configuration as it is now.
func (b *Base) Policy(e accounts.Effective) maildir.Policy { return policy(*b.cfg.Load(), e) }

// Mail opens an account's mail. Close the result.
func (b *Base) Mail(ctx context.Context, a accounts.Address) (*maildir.Account, error) {
	e, err := b.Accounts.Lookup(ctx, a)
	if err != nil {
		return nil, err
	}
	return b.Store.Account(ctx, a.String(), b.Policy(e))
}

// Unshare takes away all rights in an account's mailboxes, and all that others gave to it, before it is removed: who gets the
// address next must not find them.
func (b *Base) Unshare(ctx context.Context, a accounts.Address) error {
	shares, err := b.Accounts.SharesAny(ctx, a)
	if err != nil {
		return err
	}
	if shares { // else its mail need not be opened, which would make it
		mail, err := b.Mail(ctx, a)
		if errors.Is(err, accounts.ErrNotFound) {
			// Its source has removed it already; the rights are still here.
			mail, err = b.Store.Account(ctx, a.String(), b.Policy(accounts.Effective{Settings: defaults(*b.cfg.Load())}))
		}
		if err == nil {
			err = mail.UngrantAll(ctx)
			mail.Close()
		}
		if err != nil {
			return err
		}
	}
	owners, err := b.Accounts.Owners(ctx, a)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		mail, err := b.Mail(ctx, owner)
		if errors.Is(err, accounts.ErrNotFound) {
			continue
		}
		if err == nil {
			_, err = mail.Ungrant(ctx, a.String())
			mail.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Hostname is the configured name, or the system's.
func (b *Base) Hostname() string { return hostname(*b.cfg.Load()) }

func hostname(cfg config.Config) string {
	if cfg.Hostname != "" {
		return cfg.Hostname
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// Close closes everything, the last opened first.
func (b *Base) Close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		if err := b.closers[i](); err != nil {
			errs = append(errs, err)
		}
	}
	b.closers = nil
	return errors.Join(errs...)
}
