package postgres

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/accounts/directorytest"
)

// tables are those of Postfixadmin, as far as mail servers read them.
const tables = `
DROP TABLE IF EXISTS mailbox, domain;
CREATE TABLE domain (domain text PRIMARY KEY, active boolean NOT NULL DEFAULT true, modified timestamptz NOT NULL DEFAULT now());
CREATE TABLE mailbox (username text PRIMARY KEY, password text NOT NULL, domain text NOT NULL, quota bigint NOT NULL DEFAULT 0,
	active boolean NOT NULL DEFAULT true, modified timestamptz NOT NULL DEFAULT now(), protocols text);
GRANT SELECT ON mailbox, domain TO reader;
INSERT INTO domain (domain) VALUES ('example.org');
`

// The queries of docs/operations.md.
const (
	kept = `SELECT m.password, greatest(m.quota, 0) AS quota_bytes, m.active AND d.active AS active
  FROM mailbox m JOIN domain d ON d.domain = m.domain WHERE m.username = @address`
	changes = `SELECT (SELECT count(*) || ' ' || max(modified) FROM mailbox) || ' ' || (SELECT count(*) || ' ' || max(modified) FROM domain)`
)

var owned = strings.Replace(kept, "SELECT", "SELECT m.protocols,", 1)

func open(t *testing.T, o Options) *Source {
	t.Helper()
	o.Password, o.Changes, o.Timeout = password, changes, 5*time.Second
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPostgreSQL(t *testing.T) {
	s := start(t)
	here := "host=" + s.dir + " port=" + s.port + " dbname=postgres user=reader"
	t.Run("suite", func(t *testing.T) {
		for name, query := range map[string]string{"kept": kept, "owned": owned} {
			t.Run("protocols "+name, func(t *testing.T) {
				directorytest.Run(t, func(t *testing.T) directorytest.Harness { return s.harness(t, query) })
			})
		}
	})
	t.Run("values", func(t *testing.T) { s.values(t, here) })
	t.Run("bad queries", func(t *testing.T) { s.badQueries(t, here) })
	t.Run("injection", func(t *testing.T) { s.injection(t, here) })
	t.Run("tls", func(t *testing.T) { s.tls(t) })
	t.Run("bounded", func(t *testing.T) { s.bounded(t, here) })
}

func (s *server) harness(t *testing.T, query string) directorytest.Harness {
	s.exec(t, tables)
	p := directorytest.NewProxy(t, "unix", s.socket)
	host, port, _ := net.SplitHostPort(p.Address)
	url := "host=" + host + " port=" + port + " dbname=postgres user=reader sslmode=disable"
	data := t.TempDir()
	db := directorytest.OverSource(t, data, open(t, Options{URL: url, Query: query}))
	return directorytest.Harness{
		Directory: db, Down: p.Down, Up: p.Up,
		Put: func(t *testing.T, a accounts.Address, password string) {
			s.exec(t, `INSERT INTO mailbox (username, password, domain) VALUES ($1, $2, $3)
				ON CONFLICT (username) DO UPDATE SET password = excluded.password, modified = clock_timestamp()`, a.String(), directorytest.SCRAMHash(t, password), a.Domain())
		},
		Protocols: func(t *testing.T, a accounts.Address, value accounts.Protocols) {
			if query == owned {
				s.exec(t, "UPDATE mailbox SET protocols = $2, modified = clock_timestamp() WHERE username = $1", a.String(), string(value))
				return
			}
			if _, err := db.SetProtocols(t.Context(), "test", accounts.AccountScope(a), value); err != nil {
				t.Fatal(err)
			}
		},
		Again: func(t *testing.T) accounts.Directory {
			return directorytest.OverSource(t, data, open(t, Options{URL: url, Query: query}))
		},
	}
}

// Whatever types a provider's columns have.
func (s *server) values(t *testing.T, url string) {
	src := open(t, Options{URL: url, Query: `SELECT '{PLAIN}x'::varchar AS password, 2147483648::numeric AS quota_bytes, 7::smallint AS quota_messages,
		false AS active, 'unpaid'::text AS status_reason, NULL::text AS protocols, 'Defer' AS delivery WHERE @local || '@' || @domain = @address`})
	defer src.Close()
	e, err := src.Find(t.Context(), "anna@example.org")
	if err != nil {
		t.Fatal(err)
	}
	want := map[accounts.Key]string{accounts.KeyQuotaBytes: "2147483648", accounts.KeyQuotaMessages: "7", accounts.KeyStatus: "suspended",
		accounts.KeyStatusReason: "unpaid", accounts.KeyDelivery: "defer"}
	if e.Password != "{PLAIN}x" || len(e.Settings) != len(want) {
		t.Errorf("%+v", e)
	}
	for k, v := range want {
		if e.Settings[k] != v {
			t.Errorf("%s: %q, want %q", k, e.Settings[k], v)
		}
	}
}

func (s *server) badQueries(t *testing.T, url string) {
	for query, want := range map[string]string{
		"SELECT 'x' AS password, 'imap' AS protocol":                 "neither password nor a setting",
		"SELECT 'x' AS password, 'smtp' AS protocols":                "not a possible value",
		"SELECT 'x' AS password FROM generate_series(1, 2)":          "several rows",
		"SELECT password FROM nowhere":                               "does not exist",
		"SELECT 'x' AS password WHERE @address = 'else@example.org'": accounts.ErrNotFound.Error(),
	} {
		src := open(t, Options{URL: url, Query: query})
		if _, err := src.Find(t.Context(), "anna@example.org"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
		src.Close()
	}
}

// Names are parameters. ParseAddress refuses most of these; the source does not rely on it.
func (s *server) injection(t *testing.T, url string) {
	s.exec(t, tables)
	s.exec(t, "INSERT INTO mailbox (username, password, domain) VALUES ('anna@example.org', '{PLAIN}x', 'example.org')")
	src := open(t, Options{URL: url, Query: kept})
	defer src.Close()
	for _, name := range []string{"' OR '1'='1", "anna@example.org' --", "x'; DROP TABLE mailbox; --", `\' OR true`, "anna@example.org\x00", "%"} {
		if e, err := src.Find(t.Context(), accounts.Address(name)); err == nil || e.Password != "" {
			t.Errorf("%q finds %+v", name, e)
		}
	}
	if _, err := src.Find(t.Context(), "anna@example.org"); err != nil {
		t.Error(err)
	}
}

// The certificate is verified where the URL says so.
func (s *server) tls(t *testing.T) {
	s.exec(t, tables)
	for options, good := range map[string]bool{
		"sslmode=disable": true, "sslmode=require": true, "sslmode=verify-full sslrootcert=" + s.dir + "/cert.pem": true, "sslmode=verify-full": false,
	} {
		src := open(t, Options{URL: "host=localhost port=" + s.port + " dbname=postgres user=reader " + options, Query: kept})
		_, err := src.Find(t.Context(), "anna@example.org")
		if errors.Is(err, accounts.ErrNotFound) != good {
			t.Errorf("%s: %v", options, err)
		}
		src.Close()
	}
}

// Many who ask at once share the connections.
func (s *server) bounded(t *testing.T, url string) {
	s.exec(t, tables)
	src := open(t, Options{URL: url, Query: kept, Connections: 2})
	defer src.Close()
	done := make(chan error)
	for range 50 {
		go func() { _, err := src.Find(t.Context(), "anna@example.org"); done <- err }()
	}
	for range 50 {
		if err := <-done; !errors.Is(err, accounts.ErrNotFound) {
			t.Error(err)
		}
	}
	if n := src.pool.Stat().TotalConns(); n > 2 {
		t.Errorf("%d connections", n)
	}
}
