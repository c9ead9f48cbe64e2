package imap

import "bascule/maildir"

// preview reads what may stand behind PREVIEW (RFC 8970 §6). Where the item stands alone FETCH's own modifiers may follow, in parentheses too.
//
//	["(" "LAZY" *(SP "LAZY") ")"]
func (d *fetchParser) preview() bool {
	it := fetchItem{kind: itemPreview}
	if d.dec.Ahead(" (LAZY") {
		it.lazy = true
		word := func() bool {
			var w string
			return d.dec.ExpectKeyword(&w) && (w == "LAZY" || d.dec.Fail("unknown modifier of PREVIEW"))
		}
		if !d.dec.ExpectSP() || !d.dec.ExpectList(word) {
			return false
		}
	}
	d.plan.add(it)
	return d.dec.Err() == nil
}

// derive asks for what the items need of whole messages, for a batch of them.
func (s *fetchSender) derive() error {
	clear(s.emailIDs)
	clear(s.previews)
	for i := range s.plan.items {
		switch it := &s.plan.items[i]; it.kind {
		case itemEmailID:
			if s.emailIDs == nil {
				s.emailIDs = make(map[maildir.UID]string, len(s.uids))
			}
			err := s.c.box.m.EmailIDs(s.c.ctx, s.uids, func(uid maildir.UID, id string) error { s.emailIDs[uid] = id; return nil })
			if err != nil {
				return err
			}
		case itemPreview:
			if s.previews == nil {
				s.previews = make(map[maildir.UID]string, len(s.uids))
			}
			err := s.c.box.m.Previews(s.c.ctx, s.uids, it.lazy, func(uid maildir.UID, text string, known bool) error {
				if known {
					s.previews[uid] = text
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
