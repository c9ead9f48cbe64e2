package server

import (
	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/maildir"
)

// policy turns the settings of an account into the store's rules for it.
func policy(cfg config.Config, e accounts.Effective) maildir.Policy {
	p := maildir.Policy{
		Exclusivity: maildir.Exclusivity(e.Exclusive),
		LockWait:    cfg.IMAP.LockWait.D(),
		TextIndex:   maildir.TextIndex(e.SearchIndex),
		QuotaBytes:  e.QuotaBytes, QuotaMessages: e.QuotaMessages, GraceBytes: int64(cfg.Quota.Grace),
	}
	for _, f := range cfg.Accounts.Folders {
		p.Folders = append(p.Folders, maildir.SpecialFolder{Name: f.Name, Use: f.Use})
	}
	return p
}

// defaults are the settings that domains and accounts inherit.
func defaults(cfg config.Config) accounts.Settings {
	return accounts.Settings{
		Protocols: accounts.Protocols(cfg.Accounts.Protocols), Exclusive: accounts.Exclusive(cfg.POP3.Exclusive),
		QuotaBytes: int64(cfg.Quota.Bytes), QuotaMessages: int64(cfg.Quota.Messages),
		SearchIndex: accounts.SearchIndex(cfg.IMAP.SearchIndex),
		Separator:   cfg.Accounts.Separator, InboxPrefix: cfg.Accounts.InboxPrefix, RefusalText: cfg.Accounts.RefusalText,
	}
}
