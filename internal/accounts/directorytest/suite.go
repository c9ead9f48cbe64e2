// Package directorytest has the suite that every accounts.Directory passes.
//
// It is written against the interface alone: a second directory keeps the
// promises of the first if, and only if, it passes here too.
package directorytest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"bascule/internal/accounts"
)

// Harness is one empty directory and the means to fill it.
type Harness struct {
	Directory accounts.Directory
	// Put makes an account, or gives an existing one a new password.
	Put func(t *testing.T, a accounts.Address, password string)
	// Protocols sets the rule of an account.
	Protocols func(t *testing.T, a accounts.Address, p accounts.Protocols)
	// Again opens the same directory a second time, as another process would.
	Again func(t *testing.T) accounts.Directory

	// NoSCRAM says that the directory cannot give SCRAM keys.
	NoSCRAM bool
	// Down and Up take the place away where the accounts are, and give it back.
	// Nil for a directory that has it in itself.
	Down, Up func(t *testing.T)
}

// Run runs the suite; open gives a new, empty directory each time.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"lookup": lookup, "verify": verify, "scram": scramKeys, "false keys": falseKeys,
		"changes": changes, "seen by others": seenByOthers, "concurrent": concurrent, "down": down,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

const (
	anna = accounts.Address("anna@example.org")
	bert = accounts.Address("bert@example.org")
	ghst = accounts.Address("ghost@example.org")
)

func lookup(t *testing.T, h Harness) {
	if _, err := h.Directory.Lookup(t.Context(), anna); !errors.Is(err, accounts.ErrNotFound) {
		t.Fatalf("an account that does not exist: %v", err)
	}
	h.Put(t, anna, "secret")
	for _, p := range []accounts.Protocols{accounts.POP3, accounts.IMAP, accounts.Both, accounts.None} {
		h.Protocols(t, anna, p)
		e, err := h.Directory.Lookup(t.Context(), anna)
		if err != nil {
			t.Fatal(err)
		}
		if e.Address != anna || e.Protocols != p || e.Status != accounts.Active || e.Delivery != accounts.Accept || e.PasswordVersion == 0 {
			t.Errorf("set %s, got %+v", p, e)
		}
		if e.Separator == "" || e.Exclusive == "" {
			t.Errorf("a setting without a value: %+v", e)
		}
	}
}

func verify(t *testing.T, h Harness) {
	h.Put(t, anna, "sécret \U0001F600")
	for password, want := range map[string]bool{"sécret \U0001F600": true, "secret": false, "": false, "sécret \U0001F600 ": false} {
		if got, err := h.Directory.Verify(t.Context(), anna, password); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	before, _ := h.Directory.Lookup(t.Context(), anna)
	h.Put(t, anna, "new")
	after, _ := h.Directory.Lookup(t.Context(), anna)
	if before.PasswordVersion == after.PasswordVersion {
		t.Error("the password changed, its version did not")
	}
	if ok, _ := h.Directory.Verify(t.Context(), anna, "sécret \U0001F600"); ok {
		t.Error("the old password still works")
	}
	if ok, err := h.Directory.Verify(t.Context(), ghst, "secret"); ok || err != nil {
		t.Errorf("an account that does not exist: %v, %v", ok, err)
	}
}

func scramKeys(t *testing.T, h Harness) {
	h.Put(t, anna, "pässword")
	if h.NoSCRAM {
		k, err := h.Directory.SCRAM(t.Context(), anna)
		if err != nil || k.Real {
			t.Fatalf("keys that cannot be: %+v, %v", k, err)
		}
		return
	}
	k, err := h.Directory.SCRAM(t.Context(), anna)
	if err != nil || !k.Real || k.Iterations < 4096 || len(k.Salt) < 8 {
		t.Fatalf("%+v, %v", k, err)
	}
	e, _ := h.Directory.Lookup(t.Context(), anna)
	if k.PasswordVersion != e.PasswordVersion {
		t.Error("the keys belong to another password")
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return scram.StoredCredentials{KeyFactors: scram.KeyFactors{Salt: string(k.Salt), Iters: k.Iterations},
			StoredKey: k.StoredKey, ServerKey: k.ServerKey}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"pässword": true, "pa\u0308ssword": true, "password": false} {
		client, err := scram.SHA256.NewClient("anna", password, "")
		if err != nil {
			t.Fatal(err)
		}
		c, s := client.NewConversation(), server.NewConversation()
		msg, _ := c.Step("")
		for !c.Done() && err == nil {
			if msg, err = s.Step(msg); err == nil {
				msg, err = c.Step(msg)
			}
		}
		if got := c.Valid() && s.Valid(); got != want {
			t.Errorf("%q: %v (%v)", password, got, err)
		}
	}
}

func falseKeys(t *testing.T, h Harness) {
	h.Put(t, anna, "secret")
	realKeys, _ := h.Directory.SCRAM(t.Context(), anna)
	one, err := h.Directory.SCRAM(t.Context(), ghst)
	if err != nil || one.Real {
		t.Fatalf("%+v, %v", one, err)
	}
	if len(one.Salt) != len(realKeys.Salt) || one.Iterations != realKeys.Iterations {
		t.Errorf("false keys look different: %d octets and %d iterations", len(one.Salt), one.Iterations)
	}
	two, _ := h.Directory.SCRAM(t.Context(), ghst)
	three, _ := h.Again(t).SCRAM(t.Context(), ghst)
	if string(one.Salt) != string(two.Salt) || string(one.Salt) != string(three.Salt) {
		t.Error("a false salt changes")
	}
	other, _ := h.Directory.SCRAM(t.Context(), "ghost2@example.org")
	if string(one.Salt) == string(other.Salt) {
		t.Error("two accounts have one false salt")
	}
}

func changes(t *testing.T, h Harness) {
	h.Put(t, anna, "secret")
	read := func() int64 {
		n, err := h.Directory.Changes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a := read()
	if b := read(); b != a {
		t.Error("reading changed something")
	}
	h.Directory.Record(accounts.Login{Address: anna, Protocol: "pop3", At: time.Unix(1e9, 0)})
	if b := read(); b != a {
		t.Error("a login counts as a change of rules")
	}
	h.Protocols(t, anna, accounts.IMAP)
	b := read()
	h.Put(t, anna, "new")
	if c := read(); a == b || b == c {
		t.Errorf("changes: %d, %d, %d", a, b, c)
	}
}

func seenByOthers(t *testing.T, h Harness) {
	h.Put(t, anna, "secret")
	other := h.Again(t)
	before, err := other.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.Protocols(t, anna, accounts.None)
	if e, err := other.Lookup(t.Context(), anna); err != nil || e.Protocols != accounts.None {
		t.Errorf("%+v, %v", e, err)
	}
	if after, _ := other.Changes(t.Context()); after == before {
		t.Error("another process does not see that something changed")
	}
}

func concurrent(t *testing.T, h Harness) {
	h.Put(t, anna, "secret")
	h.Put(t, bert, "other")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := h.Directory.Lookup(t.Context(), anna); err != nil {
					t.Error(err)
				}
				if ok, err := h.Directory.Verify(t.Context(), bert, "other"); !ok || err != nil {
					t.Error(ok, err)
				}
				h.Directory.Record(accounts.Login{Address: anna, Protocol: "imap", At: time.Unix(1e9, 0)})
			}
		})
	}
	wg.Wait()
}
