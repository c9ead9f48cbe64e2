package gate

import (
	"errors"
	"testing"

	"bascule/internal/accounts"
)

// Who is an administrator changes limits; the audit names him, and his right is that of the moment.
func TestAdministratorsSetQuotas(t *testing.T) {
	f := open(t, Options{})
	s := f.in(local(IMAP), string(anna), secret)
	defer s.End()
	if err := s.SetQuota(f.Context(), bert, 1<<20, 5); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("no administrator: %v", err)
	}
	if _, err := s.Administer(f.Context(), "nobody@example.org"); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("whether an account is there is told to everybody: %v", err)
	}
	f.set(accounts.AccountScope(anna), accounts.KeyAdmin, "domain")
	if err := s.SetQuota(f.Context(), bert, 1<<20, 5); err != nil {
		t.Fatal(err)
	}
	if e, err := f.db.Lookup(f.Context(), bert); err != nil || e.QuotaBytes != 1<<20 || e.QuotaMessages != 5 {
		t.Errorf("%+v, %v", e.Settings, err)
	}
	audit, err := f.db.Audit(f.Context(), accounts.AuditFilter{Subject: string(bert), Limit: 2})
	if err != nil || len(audit) != 2 {
		t.Fatal(audit, err)
	}
	for i, want := range []accounts.AuditEntry{{Action: "set quota_messages", New: "5"}, {Action: "set quota_bytes", New: "1048576"}} {
		if a := audit[i]; a.Who != "imap:"+string(anna) || a.Action != want.Action || a.New != want.New || a.Old != "inherit" {
			t.Errorf("%+v", a)
		}
	}
	if err := s.SetQuota(f.Context(), "nobody@example.org", 1, 1); !errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := s.SetQuota(f.Context(), "anna@example.com", 1, 1); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("another domain: %v", err)
	}
	f.set(accounts.AccountScope(anna), accounts.KeyAdmin, "inherit")
	if err := s.SetQuota(f.Context(), bert, 0, 0); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("no administrator any more: %v", err)
	}
}
