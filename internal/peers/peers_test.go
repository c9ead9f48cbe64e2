package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// member is a Post with what it heard.
type member struct {
	*Post
	heard  chan string
	missed chan struct{}
}

func joinTest(t testing.TB, dir string, answer func([]byte) []byte) *member {
	t.Helper()
	m := &member{heard: make(chan string, 4096), missed: make(chan struct{}, 64)}
	p, err := Join(dir, Options{
		Receive: func(b []byte) { m.heard <- string(b) },
		Missed:  func() { m.missed <- struct{}{} },
		Answer:  answer,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	m.Post = p
	return m
}

func (m *member) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-m.heard:
		if got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("did not hear %q", want)
	}
}

func TestEverybodyHears(t *testing.T) {
	dir := t.TempDir()
	a, b, c := joinTest(t, dir, nil), joinTest(t, dir, nil), joinTest(t, dir, nil)
	a.Send([]byte("one"))
	b.hears(t, "one")
	c.hears(t, "one")
	b.Send([]byte("two"))
	a.hears(t, "two")
	c.hears(t, "two")
	// A newcomer is noticed at once, although the directory was just read.
	d := joinTest(t, dir, nil)
	a.Send([]byte("three"))
	d.hears(t, "three")
}

// A path longer than a socket address may be is no obstacle.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	answer := func(q []byte) []byte { return append([]byte("re: "), q...) }
	a, b := joinTest(t, dir, answer), joinTest(t, dir, answer)
	a.Send([]byte("hello"))
	b.hears(t, "hello")
	got, err := a.AskAll(context.Background(), []byte("who"))
	if err != nil || string(got[b.Name()]) != "re: who" {
		t.Fatalf("AskAll = %q, %v", got, err)
	}
}

// What a dead process left behind is removed, and is no error.
func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, func([]byte) []byte { return []byte("a") })
	for _, suffix := range []string{saySuffix, askSuffix} {
		kind := unix.SOCK_DGRAM
		if suffix == askSuffix {
			kind = unix.SOCK_STREAM
		}
		fd, err := unix.Socket(unix.AF_UNIX, kind, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(dir, "0123456789abcdef"+suffix)}); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd) // as a killed process leaves it
	}
	if got, err := a.AskAll(context.Background(), []byte("q")); err != nil || len(got) != 0 {
		t.Errorf("AskAll = %q, %v", got, err)
	}
	a.Send([]byte("anybody?"))
	left, _ := filepath.Glob(filepath.Join(dir, "0123456789abcdef*"))
	if len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A receiver that does not read hears everything later, or that it missed
// something; the sender never waits for it.
func TestFullReceiver(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, nil)
	slow := make(chan struct{})
	heard, missed := make(chan string, 8192), make(chan struct{}, 64)
	p, err := Join(dir, Options{
		Receive: func(b []byte) { <-slow; heard <- string(b) },
		Missed:  func() { missed <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const n = 4000
	for i := range n {
		a.Send(fmt.Appendf(nil, "message %d", i))
	}
	if a.Stats().Dropped == 0 {
		t.Fatal("nothing was dropped: the test proves nothing")
	}
	close(slow)
	select {
	case <-missed:
	case <-time.After(10 * time.Second):
		t.Fatal("the receiver was not told that it missed something")
	}
	// And it is in step again afterwards: what is sent now arrives, or once
	// more word that something was missed.
	a.Send([]byte("after"))
	for got := ""; got != "after"; {
		select {
		case got = <-heard:
		case <-missed:
			a.Send([]byte("after"))
		case <-time.After(10 * time.Second):
			t.Fatal("nothing arrives any more")
		}
	}
}

// Messages kept for a full receiver are merged when they are equal.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, nil)
	slow := make(chan struct{})
	last := make(chan struct{})
	p, err := Join(dir, Options{
		Receive: func(b []byte) {
			<-slow
			if string(b) == "last" {
				close(last)
			}
		},
		Missed: func() { t.Error("missed something") },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 10000 {
		a.Send([]byte("same"))
	}
	a.Send([]byte("last"))
	if d := a.Stats().Dropped; d != 0 {
		t.Errorf("dropped %d", d)
	}
	close(slow)
	<-last
}

func TestForeignDatagrams(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, nil)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrUnix{Name: filepath.Join(dir, a.Name()+saySuffix)}
	for _, b := range [][]byte{nil, {1}, {9, 'm', 'x'}, {1, '?'}, make([]byte, 8192)} {
		if err := unix.Sendto(fd, b, 0, to); err != nil {
			t.Fatal(err)
		}
		<-a.missed
	}
	b := joinTest(t, dir, nil)
	b.Send(make([]byte, MaxMessage+1))
	<-a.missed
	b.Send(make([]byte, MaxMessage))
	a.hears(t, string(make([]byte, MaxMessage)))
}

// An asker is not kept by a process that hangs, and hears who it was.
func TestSilentPeer(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, nil)
	hang := make(chan struct{})
	b := joinTest(t, dir, func([]byte) []byte { <-hang; return []byte("late") })
	defer close(hang)
	c := joinTest(t, dir, func([]byte) []byte { return []byte("c") })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	got, err := a.AskAll(ctx, []byte("q"))
	if err == nil || !strings.Contains(err.Error(), b.Name()) || string(got[c.Name()]) != "c" {
		t.Errorf("AskAll = %q, %v", got, err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	a := joinTest(t, dir, func(q []byte) []byte { return q })
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a.Send([]byte("ignored"))
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What processes left that were killed while they joined is swept away in the
// end, but never what one that is joining just now has made.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * unborn)
	for name, stays := range map[string]bool{
		".old.say": false, ".old.ask": false, "old.ask": false, "foreign": true, ".foreign": true,
		".new.say": true, ".new.ask": true, "new.ask": true,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(name, "new") {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		defer func() {
			if _, err := os.Stat(path); (err == nil) != stays {
				t.Errorf("%s: stays %v, want %v", name, err == nil, stays)
			}
		}()
	}
	joinTest(t, dir, nil)
}

// FuzzHear: no datagram of a stranger does harm.
func FuzzHear(f *testing.F) {
	f.Add([]byte{frameVersion, kindMessage, 'x'})
	f.Add([]byte{frameVersion, kindHello})
	f.Add([]byte{frameVersion, kindMissed})
	f.Add([]byte{})
	var heard, missed int
	p, err := Join(f.TempDir(), Options{
		Receive: func(b []byte) {
			if heard++; len(b) > MaxMessage {
				f.Errorf("%d bytes", len(b))
			}
		},
		Missed: func() { missed++ },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { p.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		before := heard + missed
		p.hear(b)
		hello := len(b) >= frameHead && b[0] == frameVersion && b[1] == kindHello && len(b) <= frameHead+MaxMessage
		if heard+missed == before && !hello {
			t.Errorf("%q was ignored", b)
		}
	})
}

func BenchmarkSend(b *testing.B) {
	dir := b.TempDir()
	p, err := Join(dir, Options{Receive: func([]byte) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	q, err := Join(dir, Options{Receive: func([]byte) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	msg := []byte("user@example.com/INBOX")
	b.ReportAllocs()
	for b.Loop() {
		p.Send(msg)
	}
	b.ReportMetric(float64(p.Stats().Sent)/float64(b.N), "delivered/op")
}
