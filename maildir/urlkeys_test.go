package maildir

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// A key is made once, goes with its mailbox through a rename, and is another after a reset, a deletion or for all at once.
func TestURLKeys(t *testing.T) {
	_, _, a, other := two(t, testPolicy)
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// key is as the other process has it.
	key := func(name string) []byte {
		t.Helper()
		k, err := other.URLKey(ctx, name)
		ok(err)
		return k
	}
	create := func(ctx context.Context, name string) error {
		_, err := a.CreateMailbox(ctx, name, nil)
		return err
	}
	box := open(t, other, Inbox)
	if k := key("INBOX"); k != nil {
		t.Errorf("a key that nobody asked for: %x", k)
	}
	first, err := a.MakeURLKey(ctx, "INBOX")
	ok(err)
	again, err := a.MakeURLKey(ctx, "INBOX")
	ok(err)
	if len(first) != urlKeyLen || !bytes.Equal(first, again) || !bytes.Equal(first, key("INBOX")) {
		t.Errorf("%x, %x, %x", first, again, key("INBOX"))
	}
	was := box.URLKeyID()
	ok(a.ResetURLKey(ctx, "INBOX"))
	if k := key("INBOX"); len(k) != urlKeyLen || bytes.Equal(k, first) {
		t.Errorf("not reset: %x", k)
	}
	if was == "" || box.URLKeyID() == was {
		t.Errorf("an open mailbox has the key %q, then %q", was, box.URLKeyID())
	}
	ok(create(ctx, "x"))
	work, err := a.MakeURLKey(ctx, "x")
	ok(err)
	if bytes.Equal(work, key("INBOX")) {
		t.Error("two mailboxes have one key")
	}
	ok(a.RenameMailbox(ctx, "x", "y"))
	if !bytes.Equal(key("y"), work) {
		t.Error("the key did not go with the mailbox")
	}
	if _, err := a.URLKey(ctx, "x"); !errors.Is(err, ErrNoMailbox) {
		t.Error(err)
	}
	if _, err := a.DeleteMailbox(ctx, "y"); err != nil {
		t.Fatal(err)
	}
	ok(create(ctx, "y"))
	if k := key("y"); k != nil {
		t.Errorf("a mailbox that was made again has the key %x", k)
	}
	ok(a.ForgetURLKeys(ctx))
	if k := key("INBOX"); k != nil {
		t.Errorf("still there: %x", k)
	}
	if err := a.ResetURLKey(ctx, "nowhere"); !errors.Is(err, ErrNoMailbox) {
		t.Error(err)
	}
	if _, err := a.MakeURLKey(ctx, "nowhere"); !errors.Is(err, ErrNoMailbox) {
		t.Error(err)
	}
}
