package maildir

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"bascule/maildir/disk"
)

// loseIndex removes an account's index while nobody has it open.
func loseIndex(dir string) {
	for _, f := range []string{"index.db", "index.db-wal", "index.db-shm"} {
		os.Remove(filepath.Join(dir, f))
	}
}

// A lost index takes neither annotations nor special uses with it, be they the owner's, a visitor's, or the account's, in a mailbox that never
// had a message too.
func TestLostIndexKeepsEntries(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	mustCreate(t, a, "Empty/Below")
	deliver(t, a, Inbox, 1)
	annotate(t, a, "Empty/Below", a.address, "/private/comment", "mine\t\x00\x01\r\n", "/shared/Vendor/X/y", "")
	annotate(t, a, "Empty/Below", eve, "/private/comment", "hers")
	annotate(t, a, Inbox, a.address, "/shared/comment", "of INBOX")
	annotate(t, a, "", a.address, "/private/vendor/x/y", "of the account")
	must[MailboxInfo](t)(a.CreateMailbox(t.Context(), "Spam", []string{`\Junk`}))
	if err := a.RenameMailbox(t.Context(), "Trash", "Bin"); err != nil {
		t.Fatal(err)
	}
	show := func(a *Account) (out []string) {
		for _, box := range []string{"", Inbox, "Empty/Below", "Spam", "Bin"} {
			for _, user := range []string{a.address, eve} {
				out = append(out, box+" "+user+" "+entries(t, a, box, user, "/private", "/shared"))
			}
		}
		return out
	}
	before := show(a)
	again := newSecond(t, s, loseIndex)
	b := again.account("a@example.org")
	equal(t, "after the loss", show(b), before)

	// Only once: what was removed since does not come back with the next opening.
	annotate(t, b, Inbox, b.address, "/shared/comment", "-")
	must[[]Removed](t)(b.DeleteMailbox(t.Context(), "Empty/Below"))
	text := must[[]byte](t)(b.dir.ReadAttributes())
	if strings.Contains(string(text), "hers") || strings.Contains(string(text), "of INBOX") {
		t.Errorf("what is gone is still beside the mail: %q", text)
	}
	c := newSecond(t, again, func(string) {}).account("a@example.org")
	equal(t, "removed", entries(t, c, Inbox, c.address, "/shared"), "")
}

// What Dovecot kept of a Maildir is taken in, as far as it makes sense, and what a crash kept from being written is written.
func TestAttributesOfDovecot(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	annotate(t, a, Inbox, a.address, "/shared/comment", "x") // its list of UIDs gets the id
	guid := guidOf(must[Status](t)(a.Status(t.Context(), Inbox, false)).ID)
	var path string
	again := newSecond(t, s, func(dir string) {
		loseIndex(dir)
		path = filepath.Join(dir, "Maildir", disk.AttributesFile)
		lines := []string{
			"priv/" + guid + "/vendor/vendor.dovecot/pvt/server/vendor/a/b", "of the account",
			"priv/" + guid + "/vendor/a/c", "two\x01r\x01nlines",
			"shared/" + guid + "/comment", "shared",
			"shared/" + strings.Repeat("0", 32) + "/comment", "of nothing",
			"priv/" + guid + "/bad//name", "x",
			"priv/" + guid + "/long", strings.Repeat("x", MaxEntryValue+1),
			"users/" + eve + "/" + guid + "/comment", "hers",
			"users/../" + guid + "/comment", "nobody's",
			"something/else", "x",
			"shared/" + guid + "/without", // and no value
		}
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	b := again.account("a@example.org")
	equal(t, "the owner's", entries(t, b, Inbox, b.address, "/private", "/shared"), "/private/vendor/a/c=two\r\nlines /shared/comment=shared")
	equal(t, "the visitor's", entries(t, b, Inbox, eve, "/private"), "/private/comment=hers")
	equal(t, "the account's", entries(t, b, "", b.address, "/private"), "/private/vendor/a/b=of the account")

	text := must[[]byte](t)(os.ReadFile(path))
	last := newSecond(t, again, func(string) {
		if err := os.WriteFile(path, []byte("older\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	last.account("a@example.org")
	equal(t, "mended", string(must[[]byte](t)(os.ReadFile(path))), string(text))
}

// What visitors have noted in private is not read for a text that it does not fit into: each may have megabytes of it, and any change of an
// annotation makes the text.
func TestTheTextIsNotMadeOfWhatItCannotHold(t *testing.T) {
	s := newTestStore(t)
	a := s.account("a@example.org")
	var pairs []string
	for i := range 45 {
		pairs = append(pairs, fmt.Sprintf("/private/vendor/x/%d", i), strings.Repeat("x", MaxEntryValue))
	}
	annotate(t, a, Inbox, a.address, "/private/comment", "mine")
	for i := range 8 {
		annotate(t, a, Inbox, fmt.Sprintf("visitor%d@example.org", i), pairs...)
	}
	var before, after runtime.MemStats
	var text []byte
	if err := a.read(t.Context(), func(tx tx) (err error) {
		runtime.ReadMemStats(&before)
		text, err = a.attributes(tx)
		runtime.ReadMemStats(&after)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d octets of memory for a text of %d", got, len(text))
	}
	if !strings.Contains(string(text), "mine") || strings.Contains(string(text), "visitor") {
		t.Errorf("the text: %.200q", text)
	}
}
