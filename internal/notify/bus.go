package notify

// Topic is what a nudge is about. Any bytes are allowed; equal bytes are the
// same topic.
type Topic string

// Bus spreads nudges. Its methods may be called from any goroutine, and from
// within wake functions, except that Close may not.
type Bus interface {
	// Publish calls the subscribers of a topic: those of this process before
	// it returns, those of others soon after. It never blocks and reports no
	// errors; after Close it does nothing.
	Publish(t Topic)

	// Subscribe has wake called for each nudge about a topic, until cancel is
	// called. wake may be called from any goroutine and from several at once,
	// and must not block: usually it sets a flag or sends to a channel with
	// room for one. Nudges may merge, and there may be more calls than
	// nudges. A nudge published before Subscribe returns may be missed, so
	// subscribe first, then look.
	//
	// A nudge published after cancel or Close has returned does not call wake;
	// a call that another goroutine was about to make may still come, and has
	// to be harmless. A second call of cancel does nothing.
	Subscribe(t Topic, wake func()) (cancel func())

	// Close ends all subscriptions and frees what the bus holds. A second
	// Close does nothing.
	Close() error
}

// Stats counts since the bus was made.
type Stats struct {
	Published uint64 // calls of Publish
	Woken     uint64 // calls of wake functions
	Sent      uint64 // nudges handed to other processes
	Received  uint64 // nudges from other processes
	Dropped   uint64 // nudges to others replaced by "you missed something"
	Missed    uint64 // times this process was told that it missed something
}

// Counter is a Bus that counts. Those of this package do.
type Counter interface {
	Stats() Stats
}
