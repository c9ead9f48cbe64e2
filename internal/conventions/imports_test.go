package conventions

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "bascule"

// mayImport says, per package, which packages of the module it may import, besides
// those below it. A prefix ends in "/...". Who is not listed may import nothing.
var mayImport = map[string][]string{
	"cmd/bascule":           {"..."},
	"cmd/bascule-bench":     {"internal/bench", "internal/bench/...", "internal/config"},
	"internal/bench":        {"internal/...", "maildir/..."},
	"internal/server":       {"internal/...", "imap", "pop3", "maildir", "maildir/...", "locking", "locking/..."},
	"internal/testkit":      {"..."},
	"internal/clienttest":   {"..."},
	"internal/crashtest":    {"..."},
	"internal/stresstest":   {"..."},
	"internal/dockertest":   {"..."},
	"internal/web":          {"internal/metrics"},
	"imap":                  {"imap/wire", "internal/language", "internal/utf7", "imap/imapurl", "internal/gate", "internal/accounts", "internal/netserve", "internal/message", "internal/notify", "maildir", "locking", "internal/rfc822", "internal/sasl"},
	"pop3":                  {"internal/language", "internal/gate", "internal/accounts", "internal/netserve", "internal/message", "maildir", "locking"},
	"internal/lmtp":         {"internal/deliver", "internal/accounts", "internal/netserve", "internal/message", "maildir"},
	"internal/deliver":      {"internal/accounts", "internal/message", "maildir"},
	"internal/acme":         {},
	"internal/gate":         {"internal/accounts", "maildir", "locking"},
	"internal/accounts":     {"internal/sqlitex"},
	"maildir":               {"maildir/disk", "maildir/index", "maildir/search", "internal/message", "internal/notify", "internal/sqlitex", "internal/metrics", "locking"},
	"maildir/index":         {"internal/sqlitex"},
	"maildir/search":        {"internal/sqlitex"},
	"maildir/disk":          {"internal/utf7"},
	"maildir/disk/disktest": {"maildir/disk"},
	"imap/wire":             {"internal/utf7"},
	"imap/imapurl":          {},
	"internal/language":     {},
	"locking":               {},
	"locking/filelock":      {"locking", "internal/peers"},
	"locking/lockingtest":   {"locking"},
	"internal/notify":       {"internal/peers"},
	"internal/peers":        {},
	"internal/metrics":      {},
	"internal/message":      {},
	"internal/netserve":     {"internal/inflate"},
	"internal/inflate":      {},
	"internal/sqlitex":      {},
	"internal/systemd":      {},
	"internal/config":       {},
	"internal/utf7":         {},
	"internal/conventions":  {},

	// A source of accounts fills the interface of accounts, which does not know it; the server chooses.
	"internal/accounts/postgres":   {"internal/accounts"},
	"internal/accounts/ldap":       {"internal/accounts"},
	"internal/accounts/passwdfile": {"internal/accounts"},
}

// goFiles calls fn for each Go file of the module that is not a test.
func goFiles(t *testing.T, fn func(pkg, path string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n != ".." && strings.HasPrefix(n, ".") || n == "demo-data" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err == nil {
			fn(filepath.ToSlash(filepath.Dir(rel)), path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func allowed(pkg, target string) bool {
	rules, ok := mayImport[pkg]
	for parent := pkg; !ok && strings.Contains(parent, "/"); {
		parent = parent[:strings.LastIndexByte(parent, '/')]
		rules, ok = mayImport[parent]
	}
	if strings.HasPrefix(target, pkg+"/") {
		return true // its own subpackages
	}
	if strings.HasSuffix(pkg, "test") && strings.HasPrefix(pkg, target+"/") {
		return true // a suite, of what it tests
	}
	return slices.ContainsFunc(rules, func(r string) bool {
		if p, wild := strings.CutSuffix(r, "..."); wild {
			return strings.HasPrefix(target, p)
		}
		return r == target
	})
}

// Imports go one way: cmd, server, front ends, gate, accounts and maildir, then leaves.
// The front ends never import each other.
func TestImportDirections(t *testing.T) {
	goFiles(t, func(pkg, path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range f.Imports {
			target, _ := strconv.Unquote(spec.Path.Value)
			target, ours := strings.CutPrefix(target, module+"/")
			if ours && !allowed(pkg, target) {
				t.Errorf("%s must not import %s", path, target)
			}
		}
	})
}

// No SQL outside the packages that own a database.
func TestSQLHasItsHomes(t *testing.T) {
	goFiles(t, func(pkg, path string) {
		if pkg == "maildir/index" || pkg == "maildir/search" || strings.HasPrefix(pkg, "internal/accounts") || pkg == "internal/sqlitex" {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range f.Imports {
			if spec.Path.Value == `"database/sql"` {
				t.Errorf("%s imports database/sql", path)
			}
		}
	})
}

// maxLines is when a file has outgrown one idea.
const maxLines = 500

func TestFilesAreSmall(t *testing.T) {
	goFiles(t, func(_, path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		if n := strings.Count(string(b), "\n"); n > maxLines {
			t.Errorf("%s has %d lines: which idea in it wants a name of its own?", path, n)
		}
	})
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	goFiles(t, func(pkg, path string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		documented[pkg] = documented[pkg] || f.Doc != nil
	})
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// What lies elsewhere or belongs to how the work is organised has no place in the tree.
func TestTreeSpeaksOfTheProductAlone(t *testing.T) {
	banned := []string{"proxy." + "golang.org", "/work" + "/main", "/work" + "/shared", "/tmp" + "/b/"}
	goFiles(t, func(_, path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		for _, s := range banned {
			if strings.Contains(string(b), s) {
				t.Errorf("%s contains %q", path, s)
			}
		}
	})
}
