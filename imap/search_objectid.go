package imap

import "bascule/maildir"

// maxObjectID is the length of an object id (RFC 8474 §7).
const maxObjectID = 255

// objectKey reads the id of EMAILID and THREADID. An id that is not one of ours is that of no message.
//
//	search-key =/ "EMAILID" SP objectid / "THREADID" SP objectid
func (p *searchParser) objectKey(op searchOp) (*criterion, error) {
	k := &criterion{op: op}
	if !p.dec.ExpectSP() || !p.dec.ExpectAString(&k.text) {
		return nil, p.dec.Err()
	}
	if len(k.text) == 0 || len(k.text) > maxObjectID {
		return nil, bad("Expected an object id")
	}
	return k, nil
}

// findEmailIDs finds the messages that keys ask for by EMAILID, among those in scope.
func (s *searchRun) findEmailIDs() error {
	wanted := map[string][]*criterion{}
	s.prog.root.walk(func(k *criterion) {
		if k.op == opEmailID {
			k.uids = map[maildir.UID]bool{}
			wanted[k.text] = append(wanted[k.text], k)
		}
	})
	if len(wanted) == 0 {
		return nil
	}
	var uids []maildir.UID
	for _, m := range s.b.view.each(s.scope()) {
		if m != nil {
			uids = append(uids, m.UID)
		}
	}
	return s.b.m.EmailIDs(s.c.ctx, uids, func(uid maildir.UID, id string) error {
		for _, k := range wanted[id] {
			k.uids[uid] = true
		}
		return nil
	})
}

// evalThread decides about a thread, as soon as the header is there.
func (k *criterion) evalThread(x *candidate) verdict {
	if !x.known {
		return isOpen
	}
	id, err := x.parsed.ThreadID()
	return truth(err == nil && id == k.text)
}
