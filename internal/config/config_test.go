package config

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write bascule.example.yaml and the table in docs/operations.md anew")

const (
	examplePath = "../../bascule.example.yaml"
	docPath     = "../../docs/operations.md"
	tableBegin  = "<!-- keys: made by go test ./internal/config -update -->\n"
	tableEnd    = "<!-- end of keys -->\n"
)

// TestFilesInStep keeps the example and the documentation equal to what the struct says.
func TestFilesInStep(t *testing.T) {
	if *update {
		if err := os.WriteFile(examplePath, Example(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(examplePath)
	if err != nil || !bytes.Equal(got, Example()) {
		t.Errorf("%s is not in step (%v): run go test ./internal/config -update", examplePath, err)
	}
	page, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), tableBegin)
	table, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table of keys", docPath)
	}
	if *update {
		if err := os.WriteFile(docPath, []byte(before+tableBegin+string(Table())+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if table != string(Table()) {
		t.Errorf("%s is not in step: run go test ./internal/config -update", docPath)
	}
}

func TestExampleIsTheDefault(t *testing.T) {
	var c Config
	if err := c.Parse("example", Example()); err != nil {
		t.Fatal(err)
	}
	if d := Default(); !equal(c, d) {
		t.Errorf("the example gives\n%+v\nwant\n%+v", c, d)
	}
	c, _, err := Load("", nil)
	if err != nil || !equal(c, Default()) {
		t.Errorf("nothing configured: %v", err)
	}
}

// equal compares as the keys show themselves; an empty list equals none.
func equal(a, b Config) bool { return reflect.DeepEqual(shown(&a), shown(&b)) }

func shown(c *Config) []string {
	var out []string
	for _, k := range c.Keys() {
		out = append(out, k.Name+"="+strings.Join(k.Values(), ","))
	}
	return out
}

// The examples of the documentation are accepted as they stand.
func TestExamplesOfSources(t *testing.T) {
	doc, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "## Accounts elsewhere")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```yaml\n")[1:]
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		c := Default()
		if err := c.Parse("f", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		} else if err := c.Validate(); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	if len(blocks) != 3 {
		t.Errorf("%d examples", len(blocks))
	}
	for text, want := range map[string]string{
		"accounts: {source: ldap}\nldap: {url: 'ldap://ldap.example.org', start_tls: false, base: x}": "in clear",
		"accounts: {source: ldap}\nldap: {url: 'http://x', base: x}":                                  "ldap.url",
		"accounts: {source: ldap}\nldap: {url: 'ldaps://x', base: x, attributes: [x]}":                "setting=attribute",
		"accounts: {source: passwd}":     "passwd.file: must be given",
		"accounts: {source: postgresql}": "postgresql.query: must be given",
		"accounts: {source: mysql}":      "not one of",
	} {
		c := Default()
		if err := errors.Join(c.Parse("f", []byte(text)), c.Validate()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	c := Default()
	for _, k := range c.Keys() {
		if len(k.Doc) < 10 || !strings.HasSuffix(k.Doc, ".") && !strings.HasSuffix(k.Doc, `\Use.`) {
			t.Errorf("%s: %q is no documentation", k.Name, k.Doc)
		}
	}
}

func TestMarshalRoundTrip(t *testing.T) {
	c := Default()
	c.DataDir, c.Listeners.IMAP, c.POP3.LockWait = "/x y", []Address{"127.0.0.1:1", ":2"}, Duration(90*time.Second)
	c.Accounts.Folders = []Folder{{"Gesendet: alles", `\Sent`}}
	c.Listeners.LMTP, c.TLS.More = nil, []Pair{{"a", "b"}}
	back := Default()
	if err := back.Parse("x", c.Marshal()); err != nil || !equal(back, c) {
		t.Errorf("%v\n%s", err, c.Marshal())
	}
}

func TestComplaintsNameTheLine(t *testing.T) {
	for _, tc := range []struct{ file, want string }{
		{"data_dir: /x\npop3:\n  lock_wiat: 5s\n", `f.yaml:3: unknown key "pop3.lock_wiat"; is "lock_wait" meant?`},
		{"\n\nfoo: 1\n", `f.yaml:3: unknown key "foo"`},
		{"pop3:\n  lock_wait: 5\n", `f.yaml:2: pop3.lock_wait: "5" is not a duration; write it like 30s`},
		{"pop3:\n  mark_seen: maybe\n", `f.yaml:2: pop3.mark_seen: "maybe" is neither true nor false`},
		{"quota:\n  bytes: 1X\n", `f.yaml:2: quota.bytes: "1X" is not a size`},
		{"listeners:\n  imap: [':1143', 'here']\n", `f.yaml:2: listeners.imap: "here" is not an address`},
		{"listeners:\n  imap: {a: b}\n", `f.yaml:2: listeners.imap: a list is wanted`},
		{"pop3: 5\n", `f.yaml:1: pop3: a section with keys is wanted`},
		{"data_dir: /a\ndata_dir: /b\n", `f.yaml:2: data_dir is there twice`},
		{"data_dir: [a]\n", `f.yaml:1: data_dir: one value is wanted`},
		{"data_dir: \"\n", `f.yaml: `},
		{"a: b\n---\nc: d\n", `one document is wanted`},
		{"accounts:\n  folders: ['Sent=\\Post']\n", `f.yaml:2: accounts.folders: "Sent=\\Post" is not a folder`},
	} {
		c := Default()
		err := c.Parse("f.yaml", []byte(tc.file))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", tc.file, err, tc.want)
		}
	}
}

func TestEmptySectionsAndSingleValues(t *testing.T) {
	c := Default()
	if err := c.Parse("f", []byte("pop3:\nlisteners:\n  imap: :1144\n  lmtp:\nquota:\n  bytes: 2g\n")); err != nil {
		t.Fatal(err)
	}
	if len(c.Listeners.IMAP) != 1 || c.Listeners.IMAP[0] != ":1144" || len(c.Listeners.LMTP) != 0 || c.Quota.Bytes != 2<<30 {
		t.Errorf("got %+v", c)
	}
}

func TestEnvironment(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Default()
	warnings, err := c.Environment([]string{
		"BASCULE_POP3_LOCK_WAIT=7s", "BASCULE_LISTENERS_IMAP=127.0.0.1:1, :2", "BASCULE_ACCOUNTS_REFUSAL_TEXT_FILE=" + secret,
		"BASCULE_LISTENERS_LMTP=", "BASCULE_SERVICE_HOST=10.0.0.1", "PATH=/bin", "BASCULE_CONFIG=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.POP3.LockWait != Duration(7*time.Second) || len(c.Listeners.IMAP) != 2 || c.Accounts.RefusalText != "from file" || len(c.Listeners.LMTP) != 0 {
		t.Errorf("got %+v", c)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "BASCULE_SERVICE_HOST") {
		t.Errorf("warnings %q", warnings)
	}
	for _, bad := range [][]string{
		{"BASCULE_POP3_LOCK_WAIT=5"}, {"BASCULE_HOSTNAME=a", "BASCULE_HOSTNAME_FILE=" + secret}, {"BASCULE_HOSTNAME_FILE=/nowhere/at/all"},
	} {
		if _, err := c.Environment(bad); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), strings.SplitN(bad[0], "=", 2)[0]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEnvironmentNamesAreUnique(t *testing.T) {
	c := Default()
	seen := map[string]string{}
	for _, k := range c.Keys() {
		for _, name := range []string{k.Env(), k.Env() + "_FILE"} {
			if other := seen[name]; other != "" {
				t.Errorf("%s and %s share %s", other, k.Name, name)
			}
			seen[name] = k.Name
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.DataDir = "" }, "data_dir"},
		{func(c *Config) { c.POP3.Exclusive = "maybe" }, "pop3.exclusive"},
		{func(c *Config) { c.LMTP.OverQuota = 550 }, "lmtp.over_quota"},
		{func(c *Config) { c.Listeners.IMAPS = []Address{":1"} }, "need a certificate"},
		{func(c *Config) { c.Listeners.IMAPProxied = []Address{":1"} }, "listeners.proxy_trusted"},
		{func(c *Config) { c.TLS.Cert = "x" }, "tls.key"},
		{func(c *Config) { c.TLS.ClientCA = "x" }, "tls.client_ca"},
		{func(c *Config) { c.TLS.ClientID = "uid" }, "tls.client_identity"},
		{func(c *Config) { c.Listeners.OldTLS = []Address{":1"} }, "listeners.old_tls"},
		{func(c *Config) { c.ACME.Names = []string{"mail.example.org"} }, "acme.accept_terms"},
		{func(c *Config) { c.ACME.Names, c.ACME.Terms = []string{"*.example.org"}, true }, "acme.names"},
		{func(c *Config) { c.ACME.Directory = "http://example.org/dir" }, "acme.directory"},
		{func(c *Config) { c.Limits.PerAddress = -1 }, "limits.per_address"},
		{func(c *Config) { c.POP3.LoginDelay, c.POP3.LoginBucket = 1, 0 }, "pop3.login_bucket"},
		{func(c *Config) { c.StopTimeout = 0 }, "stop_timeout"},
		{func(c *Config) { c.LMTP.Subaddress = "++" }, "lmtp.subaddress"},
		{func(c *Config) { c.Accounts.Folders = []Folder{{"a", ""}, {"A", ""}} }, "accounts.folders"},
		{func(c *Config) { c.IMAP.MaxMessage = 0 }, "imap.max_message"},
		{func(c *Config) { c.IMAP.AdminContact = "postmaster@example.org" }, "imap.admin_contact"},
	} {
		c := Default()
		tc.change(&c)
		if err := c.Validate(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("want a complaint about %s, got %v", tc.want, err)
		}
	}
}

func TestRelativePathsFollowTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bascule.yaml")
	if err := os.WriteFile(path, []byte("data_dir: mail\ntls: {cert: c.pem, key: /k.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(path, nil)
	if err != nil || c.DataDir != filepath.Join(dir, "mail") || c.TLS.Cert != filepath.Join(dir, "c.pem") || c.TLS.Key != "/k.pem" {
		t.Errorf("%v %+v", err, c)
	}
	if c.Run() != filepath.Join(dir, "mail", "run") {
		t.Errorf("run directory %s", c.Run())
	}
	if _, _, err := Load(filepath.Join(dir, "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestValuesShowAsTheyAreRead(t *testing.T) {
	for _, s := range []string{"5s", "1m30s", "10m", "2h", "1h0m5s", "0s"} {
		var d Duration
		if err := d.UnmarshalText([]byte(s)); err != nil || d.String() != s {
			t.Errorf("%s: %v %v", s, d, err)
		}
	}
	for _, s := range []string{"0", "1", "1K", "1536M", "2G", "3T", "1023"} {
		n, err := ParseSize(s)
		if err != nil || n.String() != s {
			t.Errorf("%s: %v %v", s, n, err)
		}
	}
	for _, s := range []string{"", "-1", "K", "1KK", "9999999T", "1.5G"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("%q is %v", s, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Example())
	f.Add([]byte("pop3: &a {lock_wait: 5s}\nimap: *a\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		if c.Parse("f", data) == nil && c.Validate() == nil {
			back := Default()
			if err := back.Parse("g", c.Marshal()); err != nil || !equal(c, back) {
				t.Errorf("not the same after writing it: %v\n%s", err, c.Marshal())
			}
		}
	})
}
