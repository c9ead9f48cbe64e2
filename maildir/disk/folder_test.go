package disk

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderNames(t *testing.T) {
	for _, c := range []struct {
		name, dir string
		e         Encoding
	}{
		{"INBOX", "", MUTF7},
		{"INBOX/x", ".INBOX.x", MUTF7},
		{"inbox/x", ".inbox.x", MUTF7},
		{"A", ".A", MUTF7},
		{"A/B", ".A.B", MUTF7},
		{"Entwürfe", ".Entw&APw-rfe", MUTF7},
		{"Entwürfe", ".Entwürfe", UTF8},
		{"R&D", ".R&-D", MUTF7},
		{"R&D", ".R&D", UTF8},
		{"v1.0/a", `.v1\2e0.a`, MUTF7},
		{`a\b`, `.a\b`, MUTF7},
		{`a\2eb`, `.a\5c2eb`, MUTF7},
		{`a\5c2eb`, `.a\5c5c2eb`, UTF8},
		{`a\5cb`, `.a\5cb`, UTF8},
		{`\.`, `.\\2e`, UTF8},
		{"...", `.\2e\2e\2e`, UTF8},
		{"~x", ".~x", UTF8},
	} {
		if dir, err := FolderDir(c.name, c.e); err != nil || dir != c.dir {
			t.Errorf("FolderDir(%q, %v) = %q, %v, want %q", c.name, c.e, dir, err, c.dir)
		}
		if name, err := FolderName(c.dir, c.e); err != nil || name != c.name {
			t.Errorf("FolderName(%q, %v) = %q, %v, want %q", c.dir, c.e, name, err, c.name)
		}
	}
}

func TestBadFolderNames(t *testing.T) {
	for _, name := range []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "../x", "inbox", "Inbox", "a\x00", "a\nb", "a\x7f", "a\u0085", "a\u2028b",
		"\xff", "DOVECOT-TRASHED", strings.Repeat("x", 255), strings.Repeat("é", 200), strings.Repeat("a/", 4000) + "a",
	} {
		for _, e := range []Encoding{MUTF7, UTF8} {
			if dir, err := FolderDir(name, e); !errors.Is(err, ErrBadName) {
				t.Errorf("FolderDir(%q, %v) = %q, %v", name, e, dir, err)
			}
		}
	}
	for _, dir := range []string{".", "..", ".a.", "..a", ".a..b", ".INBOX", ".Inbox", "a", ".a/b", `.\2e`, ".a\n", ".\xff"} {
		for _, e := range []Encoding{MUTF7, UTF8} {
			if name, err := FolderName(dir, e); !errors.Is(err, ErrBadName) {
				t.Errorf("FolderName(%q, %v) = %q, %v", dir, e, name, err)
			}
		}
	}
	for _, dir := range []string{".R&D", ".&AGE-", ".Entwürfe", ".&AC4-"} {
		if name, err := FolderName(dir, MUTF7); !errors.Is(err, ErrBadName) {
			t.Errorf("FolderName(%q) = %q, %v", dir, name, err)
		}
	}
	if _, err := FolderDir(strings.Repeat("x", 254), MUTF7); err != nil {
		t.Errorf("the longest name: %v", err)
	}
}

func TestDetectEncoding(t *testing.T) {
	for _, c := range []struct {
		dirs  string
		e     Encoding
		mixed bool
	}{
		{"", MUTF7, false},
		{" .A .R&D", MUTF7, false},
		{" .Entw&APw-rfe", MUTF7, false},
		{" .Entwürfe .R&D", UTF8, false},
		{" .Entwürfe .Entw&APw-rfe", UTF8, true},
		{" .\xfc", UTF8, false},
	} {
		if e, mixed := DetectEncoding(strings.Split(c.dirs, " ")); e != c.e || mixed != c.mixed {
			t.Errorf("%q: %v, %v", c.dirs, e, mixed)
		}
	}
}

// FuzzFolder states the law: every name has one directory and every directory one name, and neither leads out of the root.
func FuzzFolder(f *testing.F) {
	for _, s := range []string{"INBOX", "A/B", ".A.B", `.a\5c5c2e`, `a.b\2e`, "Entwürfe", ".Entw&APw-rfe", "..", "&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range []Encoding{MUTF7, UTF8} {
			if dir, err := FolderDir(s, e); err == nil {
				if dir != "" && checkDir(dir) != nil || strings.Contains(dir, "/") {
					t.Fatalf("FolderDir(%q) = %q", s, dir)
				}
				if back, err := FolderName(dir, e); err != nil || back != s {
					t.Fatalf("%q → %q → %q, %v", s, dir, back, err)
				}
			}
			if name, err := FolderName(s, e); err == nil {
				if back, err := FolderDir(name, e); err != nil || back != s {
					t.Fatalf("directory %q → %q → %q, %v", s, name, back, err)
				}
			}
		}
	})
}

func TestAccountDir(t *testing.T) {
	for _, c := range []struct{ address, want string }{
		{"anna@example.org", "/d/mail/example.org/anna"},
		{"a.b+c@example.org", "/d/mail/example.org/a.b+c"},
		{"..@..", "/d/mail/%2E./%2E."},
		{".@.", "/d/mail/%2E/%2E"},
		{"a/b\x00%@x", "/d/mail/x/a%2Fb%00%25"},
		{"jörg@x", "/d/mail/x/jörg"},
		{"j\xf6rg@x", "/d/mail/x/j%F6rg"},
		{"nodomain", "/d/mail/%/nodomain"},
		{"@x", "/d/mail/x/%"},
	} {
		if got := AccountDir("/d", c.address); got != c.want {
			t.Errorf("AccountDir(%q) = %q, want %q", c.address, got, c.want)
		}
	}
	long := strings.Repeat("/", 300)
	a, b := AccountDir("/d", long+"a@x"), AccountDir("/d", long+"b@x")
	if a == b || len(filepath.Base(a)) > maxFileName {
		t.Errorf("%q and %q", a, b)
	}
}

func FuzzAccountDir(f *testing.F) {
	f.Add("a@b", "A@b")
	f.Add("%2F@b", "/@b")
	f.Fuzz(func(t *testing.T, a, b string) {
		da, db := AccountDir("/d", a), AccountDir("/d", b)
		if strings.Count(da, "/") != 4 || len(filepath.Base(da)) > maxFileName {
			t.Fatalf("AccountDir(%q) = %q", a, da)
		}
		// Without a domain and with an empty one are the same account, the only two spellings of anything.
		if da == db && strings.TrimSuffix(a, "@") != strings.TrimSuffix(b, "@") {
			t.Fatalf("%q and %q share %q", a, b, da)
		}
	})
}
