package notify

import (
	"fmt"
	"log/slog"

	"bascule/internal/peers"
)

// interprocess is an in-process bus with a post: what is published here is
// sent to the other processes, and what they send is published here.
type interprocess struct {
	here *inProcess
	post *peers.Post
}

// NewInterprocess returns a bus that joins the processes which were given the
// same directory. It is created if missing, and should hold nothing else:
// other changes in it make every process look for newcomers. log may be nil.
func NewInterprocess(dir string, log *slog.Logger) (Bus, error) {
	here := newInProcess()
	post, err := peers.Join(dir, peers.Options{
		Receive: func(msg []byte) { here.wake(Topic(msg)) },
		// Which nudges were lost is not known, so everybody looks.
		Missed: here.wakeAll,
		Log:    log,
	})
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	return &interprocess{here: here, post: post}, nil
}

// Publish: see Bus. A topic longer than peers.MaxMessage makes the subscribers
// of all topics look in the other processes.
func (b *interprocess) Publish(t Topic) {
	b.here.Publish(t)
	b.post.Send([]byte(t))
}

// Subscribe: see Bus.
func (b *interprocess) Subscribe(t Topic, wake func()) (cancel func()) {
	return b.here.Subscribe(t, wake)
}

// Close: see Bus.
func (b *interprocess) Close() error {
	err := b.post.Close()
	b.here.Close()
	return err
}

// Stats: see Counter.
func (b *interprocess) Stats() Stats {
	s, p := b.here.Stats(), b.post.Stats()
	s.Sent, s.Received, s.Dropped, s.Missed = p.Sent, p.Received, p.Dropped, p.Missed
	return s
}
