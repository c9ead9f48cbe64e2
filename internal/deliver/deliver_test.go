package deliver_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bascule/internal/deliver"
	"bascule/internal/testkit"
	"bascule/maildir"
)

func classOf(err error) deliver.Class {
	var refused *deliver.Error
	if !errors.As(err, &refused) {
		return -1
	}
	return refused.Class
}

func act(t *testing.T, s *testkit.Server, words ...string) {
	t.Helper()
	if _, err := s.Act(t.Context(), words, ""); err != nil {
		t.Fatal(err)
	}
}

func messages(t *testing.T, s *testkit.Server, address, mailbox string) int {
	t.Helper()
	a, err := s.Account(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	st, err := a.Status(t.Context(), mailbox, false)
	if err != nil {
		t.Fatal(err)
	}
	return st.Messages
}

// Every reason to refuse has its class, because the sender's server must know whether to try again.
func TestClasses(t *testing.T) {
	s := testkit.Start(t, testkit.Options{Users: []string{"later@example.org", "never@example.org", "off@example.org none", "gone@example.org"}})
	act(t, s, "set", "later@example.org", "delivery", "defer")
	act(t, s, "set", "never@example.org", "delivery", "reject")
	act(t, s, "set", "gone@example.org", "status", "suspended")
	for given, want := range map[string]deliver.Class{
		"nobody@example.org":                     deliver.NoUser,
		"both@elsewhere.org":                     deliver.NoUser,
		"both+x@example.org":                     deliver.NoUser, // no delimiter is set
		"both":                                   deliver.Malformed,
		"../both@example.org":                    deliver.Malformed,
		"later@example.org":                      deliver.Deferred,
		"never@example.org":                      deliver.Rejected,
		"BOTH@example.org":                       -1,
		"off@example.org":                        -1, // who may not read still gets mail
		"gone@example.org":                       -1,
		strings.Repeat("a", 70) + "@example.org": deliver.Malformed,
	} {
		if _, err := s.Deliverer.Resolve(t.Context(), given); classOf(err) != want {
			t.Errorf("%s: %v", given, err)
		}
	}
}

// A message that does not fit, or that breaks off, leaves nothing behind.
func TestNothingIsLeftOfAFailedDelivery(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	act(t, s, "set", "both@example.org", "quota_bytes", "1000")
	r, err := s.Deliverer.Resolve(t.Context(), "both@example.org")
	if err != nil {
		t.Fatal(err)
	}
	e := deliver.Envelope{From: "a@b.example", At: time.Now()}
	if err := s.Deliverer.CheckQuota(t.Context(), r, 900); err != nil {
		t.Errorf("900 of 1000 bytes: %v", err)
	}
	if err := s.Deliverer.CheckQuota(t.Context(), r, 1001); classOf(err) != deliver.OverQuota {
		t.Errorf("1001 of 1000 bytes: %v", err)
	}
	big := "Subject: big\r\n\r\n" + strings.Repeat("a", 2000) + "\r\n"
	if err := s.Deliverer.Deliver(t.Context(), r, e, strings.NewReader(big), false); classOf(err) != deliver.OverQuota || !errors.Is(err, maildir.ErrOverQuota) {
		t.Errorf("a message over quota: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("Subject: half\r\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := s.Deliverer.Deliver(t.Context(), r, e, broken, false); err != io.ErrUnexpectedEOF {
		t.Errorf("a message that breaks off: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Deliverer.Deliver(ended, r, e, strings.NewReader("Subject: x\r\n\r\n"), false); classOf(err) != deliver.Temporary {
		t.Errorf("a delivery that was called off: %v", err)
	}
	if n := messages(t, s, "both@example.org", "INBOX"); n != 0 {
		t.Errorf("%d messages are there", n)
	}
	if err := s.Deliverer.Deliver(t.Context(), r, e, strings.NewReader("Subject: fits\n\nx\n"), true); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, s, "both@example.org", "INBOX"); n != 1 {
		t.Errorf("%d messages are there, want 1", n)
	}
}

// Messages that come at once for a folder that is not there yet all find it.
func TestFolderIsMadeOnce(t *testing.T) {
	s := testkit.Start(t, testkit.Options{Deliver: deliver.Options{Delimiter: "+", CreateFolders: true}})
	const n = 8
	errs := make(chan error)
	for range n {
		go func() {
			r, err := s.Deliverer.Resolve(context.Background(), "both+Lists@example.org")
			if err == nil {
				err = s.Deliverer.Deliver(context.Background(), r, deliver.Envelope{At: time.Now()}, strings.NewReader("Subject: x\n\ny\n"), true)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := messages(t, s, "both@example.org", "Lists"); got != n {
		t.Errorf("%d of %d messages are in the folder", got, n)
	}
}
