package passwdfile

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/accounts"
	"bascule/internal/accounts/directorytest"
)

// editor writes passwd files as an operator's program does: a new one, put in place.
type editor struct {
	path      string
	passwords map[accounts.Address]string
	extra     map[accounts.Address]string
}

func newEditor(t *testing.T) *editor {
	return &editor{filepath.Join(t.TempDir(), "passwd"), map[accounts.Address]string{}, map[accounts.Address]string{}}
}

func (e *editor) save(t *testing.T) {
	t.Helper()
	var b strings.Builder
	for a, password := range e.passwords {
		fmt.Fprintf(&b, "%s:%s:1000:1000::/home/%s:/bin/false:%s\n", a, password, a, e.extra[a])
	}
	if err := os.WriteFile(e.path+".new", []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(e.path+".new", e.path); err != nil {
		t.Fatal(err)
	}
}

func TestDirectorySuite(t *testing.T) {
	for _, owner := range []string{"bascule", "file"} {
		t.Run("protocols of "+owner, func(t *testing.T) {
			directorytest.Run(t, func(t *testing.T) directorytest.Harness {
				e, data := newEditor(t), t.TempDir()
				e.save(t)
				db := directorytest.OverSource(t, data, New(Options{Path: e.path}))
				return directorytest.Harness{
					Directory: db,
					Put: func(t *testing.T, a accounts.Address, password string) {
						e.passwords[a] = directorytest.SCRAMHash(t, password)
						e.save(t)
					},
					Protocols: func(t *testing.T, a accounts.Address, p accounts.Protocols) {
						if owner == "file" {
							e.extra[a] = "userdb_protocols=" + string(p)
							e.save(t)
							return
						}
						if _, err := db.SetProtocols(t.Context(), "test", accounts.AccountScope(a), p); err != nil {
							t.Fatal(err)
						}
					},
					Again: func(t *testing.T) accounts.Directory {
						return directorytest.OverSource(t, data, New(Options{Path: e.path}))
					},
					Down: func(t *testing.T) { os.Rename(e.path, e.path+".away") },
					Up:   func(t *testing.T) { os.Rename(e.path+".away", e.path) },
				}
			})
		})
	}
}

func TestLines(t *testing.T) {
	for line, want := range map[string]string{
		"anna@example.org:{SHA512-CRYPT}$6$x$y:1:1::/h::": "anna@example.org {SHA512-CRYPT}$6$x$y map[]",
		"Anna:$6$x$y":                        "anna@example.net $6$x$y map[]",
		"anna:{PLAIN}a":                      "anna@example.net {PLAIN}a map[]",
		"anna":                               "anna@example.net  map[]",
		"anna:*:::::":                        "anna@example.net  map[]",
		"anna:!!::":                          "anna@example.net  map[]",
		"anna:h::::::protocols=POP3 other=1": "anna@example.net h map[protocols:pop3]",
		"anna:h::::::userdb_quota_rule=*:bytes=2G:messages=9 userdb_mail=maildir:/x": "anna@example.net h map[quota_bytes:2147483648 quota_messages:9]",
		"anna:h::::::userdb_quota_rule=*:storage=3":                                  "anna@example.net h map[quota_bytes:3072]",
		"anna:h::::::userdb_quota_rule=Trash:storage=3":                              "anna@example.net h map[]",
		"anna:h::::::nologin status_reason=unpaid":                                   "anna@example.net h map[status:suspended status_reason:unpaid]",
		"anna:h::::::userdb_imap_hide=Qresync,notify search_index=OFF":               "anna@example.net h map[imap_hide:QRESYNC NOTIFY search_index:off]",
		"anna:h::::::active=no":                                                      "anna@example.net h map[status:suspended]",
		"":                                                                           "no entry",
		"# anna:h":                                                                   "no entry",
		"anna:h::::::protocols=smtp":                                                 `not a possible value: protocols "smtp": want pop3, imap, both, none or inherit`,
		"an na:h":                                                                    `not a usable address: "an na@example.net": the character ' ' is not allowed in a name`,
	} {
		a, e, err := parseLine(line, "example.net")
		got := fmt.Sprint(a, " ", e.Password, " ", map[accounts.Key]string(maps.Collect(maps.All(e.Settings))))
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
	if _, _, err := parseLine("anna:h", ""); err == nil {
		t.Error("a name without a domain, and no default")
	}
}

// A bad line, a second one of a name and one that is too long concern nobody else.
func TestBadLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	text := "../../etc@example.org:{PLAIN}x\nanna@example.org:{PLAIN}one\nanna@example.org:{PLAIN}two\nbert@example.org:{PLAIN}b::::::quota_bytes=many\n" +
		"carl@example.org:{PLAIN}c\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := New(Options{Path: path})
	for a, want := range map[accounts.Address]string{"anna@example.org": "{PLAIN}one", "bert@example.org": "", "carl@example.org": "{PLAIN}c"} {
		e, err := f.Find(t.Context(), a)
		if e.Password != want || (want == "") != (err == accounts.ErrNotFound) {
			t.Errorf("%s: %q, %v", a, e.Password, err)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("anna@example.org:{SHA512-CRYPT}$6$x$y:1:1::/h::userdb_quota_rule=*:storage=1G nologin=y protocols=imap")
	f.Add("anna:x:")
	f.Fuzz(func(t *testing.T, line string) {
		a, e, err := parseLine(line, "example.org")
		if err != nil {
			return
		}
		if again, err := accounts.ParseAddress(a.String()); again != a || err != nil {
			t.Errorf("%q gives the name %q", line, a)
		}
		for k, v := range e.Settings {
			if stored, err := accounts.ParseValue(k, v, false); stored != v || err != nil {
				t.Errorf("%q gives %s=%q: %v", line, k, v, err)
			}
		}
	})
}
