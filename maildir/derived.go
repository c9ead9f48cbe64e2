package maildir

import (
	"context"
	"errors"

	"bascule/maildir/index"
)

// derived is something that follows from a message's bytes alone: made when it is first asked for, then kept in the index. As any
// process makes the same of the same bytes, nobody has to agree with anybody, and what was lost with an index comes back.
type derived struct {
	name string
	read func(tx index.Tx, folder int64, first, last uint32, fn func(uid uint32, value string) error) error
	save func(tx index.Tx, folder int64, uid uint32, value string) error
	// derive makes the values of messages that have none yet. Those that are gone are left out.
	derive func(ctx context.Context, m *Mailbox, uids []UID, got func(UID, string)) error
}

// each calls fn for each of these messages that is still there, in UID order, with no lock held. With lazy set nothing is made: known is false
// for what nobody has asked for before.
func (d *derived) each(ctx context.Context, m *Mailbox, uids []UID, lazy bool, fn func(uid UID, value string, known bool) error) error {
	uids = sorted(uids)
	for len(uids) > 0 {
		n := min(len(uids), parsedBatch)
		if err := d.part(ctx, m, uids[:n], lazy, fn); err != nil {
			return err
		}
		uids = uids[n:]
	}
	return nil
}

func (d *derived) part(ctx context.Context, m *Mailbox, uids []UID, lazy bool, fn func(UID, string, bool) error) error {
	values := make(map[UID]string, len(uids))
	if err := d.kept(ctx, m, uids, values); err != nil {
		return err
	}
	if !lazy && len(values) < len(uids) {
		if err := d.make(ctx, m, uids, values); err != nil {
			return err
		}
	}
	for _, uid := range uids {
		v, known := values[uid]
		if !known && !lazy {
			continue // gone
		}
		if err := fn(uid, v, known); err != nil {
			return err
		}
	}
	return nil
}

// kept reads what the index has.
func (d *derived) kept(ctx context.Context, m *Mailbox, uids []UID, values map[UID]string) error {
	return m.a.read(ctx, func(tx tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		put := func(uid uint32, v string) error { values[UID(uid)] = v; return nil }
		// One range for a dense part, single rows of a sparse one.
		first, last := uids[0], uids[len(uids)-1]
		if int(last-first) < 4*len(uids) {
			return d.read(tx, m.f.row.ID, uint32(first), uint32(last), put)
		}
		for _, uid := range uids {
			if err := d.read(tx, m.f.row.ID, uint32(uid), uint32(uid), put); err != nil {
				return err
			}
		}
		return nil
	})
}

// make makes what is lacking, and keeps it.
func (d *derived) make(ctx context.Context, m *Mailbox, uids []UID, values map[UID]string) error {
	var missing, fresh []UID
	for _, uid := range uids {
		if _, ok := values[uid]; !ok {
			missing = append(missing, uid)
		}
	}
	err := d.derive(ctx, m, missing, func(uid UID, v string) { values[uid], fresh = v, append(fresh, uid) })
	if err != nil || len(fresh) == 0 {
		return err
	}
	err = m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		for _, uid := range fresh {
			if err := d.save(w.Tx, m.f.row.ID, uint32(uid), values[uid]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrGone) {
		m.a.log.Warn("what was made of messages could not be kept", "what", d.name, "folder", m.Name(), "err", err)
	}
	return nil
}
