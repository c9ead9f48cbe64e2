package imap

import "bascule/maildir"

// ownReading gives messages that a command has put into a mailbox the \Seen of the user alone, where everybody has one of his own
// (maildir.Eyes). It is a change behind the one that added them: if it fails they are there, and not read.
type ownReading struct {
	c    *conn
	m    *maildir.Mailbox
	eyes *maildir.Eyes // nil: \Seen is everybody's, and there is nothing to do
	uids []maildir.UID
}

func (o *ownReading) keep(rights maildir.Rights) {
	if o.eyes == nil || len(o.uids) == 0 || !rights.Has(maildir.RightRead) {
		return
	}
	op := maildir.StoreOp{Mode: maildir.StoreAdd, Flags: []string{`\Seen`}, Eyes: o.eyes}
	if _, err := o.m.Store(o.c.ctx, o.uids, op); err != nil {
		o.c.log.Error("messages could not be marked as seen", "mailbox", o.m.Name(), "err", err)
	}
}
