package imap

import (
	"slices"

	"bascule/internal/message"
	"bascule/maildir"
)

// sortRun puts hits into an order. What is compared comes from the snapshot and the index, and no file is opened,
// save that of a message which nobody has asked about before.
type sortRun struct {
	b        *selected
	order    sortOrder
	progress progress
	sized    *maildir.Snapshot // has sizes that the view's snapshot lacks
}

// sort gives the hits in order. Messages that have gone meanwhile are left out.
func (s *sortRun) sort(hits []hit) ([]sortRow, error) {
	rows, err := s.rows(hits)
	slices.SortFunc(rows, func(a, b sortRow) int { return s.order.compare(&a, &b) })
	return rows, err
}

// rows finds what the hits are compared by.
func (s *sortRun) rows(hits []hit) ([]sortRow, error) {
	rows := make([]sortRow, 0, len(hits))
	values := make([]sortValue, len(hits)*len(s.order))
	add := func(h hit, e *message.Envelope) {
		m := s.b.view.Message(h.seq)
		if m == nil {
			return
		}
		row := sortRow{hit: h, values: values[:len(s.order):len(s.order)]}
		values = values[len(s.order):]
		for i, k := range s.order {
			row.values[i] = s.value(k.by, h, m, e)
		}
		rows = append(rows, row)
	}
	if s.order.parsed() {
		err := eachParsed(s.b, hits, &s.progress, "Sorting", func(h hit, p maildir.Parsed) error {
			e, err := p.Envelope()
			if err == nil {
				add(h, e)
			}
			return err
		})
		return rows, err
	}
	for _, h := range hits {
		add(h, nil)
	}
	return rows, nil
}

// value is what a message is compared by (RFC 5256 §3). Texts are compared by i;unicode-casemap (RFC 5255 §4.3).
func (s *sortRun) value(by sortBy, h hit, m *maildir.Message, e *message.Envelope) sortValue {
	switch by {
	case byArrival:
		return sortValue{n: m.InternalDate().Unix()}
	case bySize:
		return sortValue{n: sizeOf(m, s.sized)}
	case byRelevancy:
		return sortValue{n: -int64(h.score)}
	case byDate:
		return sortValue{n: sentDate(e, m)}
	case bySubject:
		base, _ := message.BaseSubject(e.Subject)
		return sortValue{s: message.Collate(base)}
	case byCc:
		return sortValue{s: firstMailbox(e.Cc)}
	case byFrom:
		return sortValue{s: firstMailbox(e.From)}
	case byTo:
		return sortValue{s: firstMailbox(e.To)}
	case byDisplayFrom:
		return sortValue{s: display(e.From)}
	case byDisplayTo:
		return sortValue{s: display(e.To)}
	}
	return sortValue{}
}

// sentDate is the Date field in seconds since 1970, or else when the message came (RFC 5256 §2.2).
func sentDate(e *message.Envelope, m *maildir.Message) int64 {
	if t, ok := message.ParseDate(e.Date); ok {
		return t.Unix()
	}
	return m.InternalDate().Unix()
}

func firstMailbox(list []message.Address) string {
	if len(list) == 0 {
		return ""
	}
	return message.Collate(list[0].Mailbox)
}

// display is what mail programs show of the first address (RFC 5957 §3).
func display(list []message.Address) string {
	if len(list) == 0 {
		return ""
	}
	a := list[0]
	if name := message.DecodeHeader(a.Name); name != "" {
		return message.Collate(name)
	}
	if a.Host != "" {
		return message.Collate(a.Mailbox + "@" + a.Host)
	}
	return message.Collate(a.Mailbox)
}

// eachParsed calls fn for each hit with what the index keeps of it, in the mailbox's order, and tells the client now and then how
// far it is. Messages that have gone meanwhile are passed over.
func eachParsed(b *selected, hits []hit, told *progress, what string, fn func(hit, maildir.Parsed) error) error {
	uids := make([]maildir.UID, 0, fetchBatch)
	for done := 0; done < len(hits); {
		part := hits[done:min(len(hits), done+fetchBatch)]
		done += len(part)
		uids = uids[:0]
		for _, h := range part {
			uids = append(uids, h.uid)
		}
		err := b.m.Parsed(told.c.ctx, uids, func(uid maildir.UID, p maildir.Parsed) error {
			for part[0].uid != uid {
				part = part[1:]
			}
			return fn(part[0], p)
		})
		if err == nil {
			err = told.tell(done, len(hits), what)
		}
		if err == nil {
			err = told.c.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
