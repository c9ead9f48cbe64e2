package maildir

import (
	"context"
	"errors"
	"io"
)

// A COPY or MOVE between two accounts. They have an index each, and so no common transaction: the copies come into being
// in one change of the target's account, all or none, and count for its quota; what moves leaves the source in a second change.
// A crash between the two leaves the messages in both, never in neither.

// between transfers messages to a mailbox of another account.
func (m *Mailbox) between(ctx context.Context, uids []UID, dst *Mailbox, t Transfer) (CopyResult, error) {
	for attempt := 0; ; attempt++ {
		res, err := m.copyOut(ctx, uids, dst, t)
		if err == nil && t.Move {
			err = m.removeMoved(ctx, res.Src)
		}
		if attempt > 0 || !errors.Is(err, ErrGone) || len(res.Dst) > 0 {
			return res, err
		}
		// Some went meanwhile; the others are to be copied.
		if err := m.Rescan(ctx); err != nil {
			return CopyResult{}, err
		}
	}
}

func (m *Mailbox) copyOut(ctx context.Context, uids []UID, dst *Mailbox, t Transfer) (res CopyResult, err error) {
	s := m.Snapshot()
	var msgs []Incoming
	for _, uid := range uids {
		msg := s.Find(uid)
		if msg == nil {
			continue
		}
		out := &outgoing{ctx: ctx, m: m, msg: msg}
		defer out.close()
		res.Src = append(res.Src, uid)
		msgs = append(msgs, Incoming{R: out, Size: max(msg.Disk, 0), Flags: s.FlagNames((msg.Flags&^FlagSeen | t.Eyes.seen(msg)) &^ t.Drop), Internal: msg.InternalDate()})
	}
	res.UIDValidity = dst.Snapshot().UIDValidity()
	if len(msgs) == 0 {
		return res, nil
	}
	added, err := dst.Append(ctx, msgs)
	if err != nil {
		return CopyResult{}, err
	}
	res.UIDValidity, res.Dst = added.UIDValidity, added.UIDs
	return res, nil
}

// removeMoved removes what has its copies elsewhere.
func (m *Mailbox) removeMoved(ctx context.Context, uids []UID) error {
	return m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		s := m.current.Load()
		var doomed []*Message
		for _, uid := range uids {
			if msg := s.Find(uid); msg != nil {
				doomed = append(doomed, msg)
			}
		}
		_, err := w.expunge(m.f, doomed)
		return err
	})
}

// outgoing reads a message's bytes as they are on disk. The file is open from the first octet to the last: a thousand messages
// that are copied at once must not be a thousand open files.
type outgoing struct {
	ctx  context.Context
	m    *Mailbox
	msg  *Message
	body *Body
	r    io.Reader
	done bool
}

func (o *outgoing) Read(p []byte) (int, error) {
	if o.done {
		return 0, io.EOF
	}
	if o.body == nil {
		body, err := o.m.Open(o.ctx, o.msg)
		if err != nil {
			return 0, err
		}
		o.body, o.r = body, body.whole()
	}
	n, err := o.r.Read(p)
	if err == io.EOF {
		o.close()
		o.done = true
	}
	return n, err
}

func (o *outgoing) close() {
	if o.body != nil {
		o.body.Close()
		o.body = nil
	}
}
