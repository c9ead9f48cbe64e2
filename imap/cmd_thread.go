package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/internal/message"
	"bascule/maildir"
)

// cmdThread is THREAD and UID THREAD (RFC 5256 §3; REFS is a draft's). The message numbers of the keys are those of SEARCH in
// both forms.
//
//	thread = "THREAD" SP thread-alg SP charset 1*(SP search-key)
func (c *conn) cmdThread(r *request) error {
	var name string
	if !c.dec.ExpectSP() || !c.dec.ExpectKeyword(&name) || !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	how, ok := threadings[name]
	if !ok {
		return bad("Unknown way of threading")
	}
	p := searchParser{c: c, dec: c.dec, prog: &searchProgram{now: time.Now().Unix()}}
	if err := p.criteria(); err != nil {
		return err
	}
	run, err := c.matches(r, c.box, p.prog)
	if err != nil {
		return err
	}
	rows, links, err := readThreads(run)
	if err != nil {
		return err
	}
	c.enc.Untagged().Atom("THREAD")
	if len(rows) > 0 {
		c.enc.SP()
	}
	f := how(rows, links)
	f.write(c.enc, r.row.uid)
	c.enc.CRLF()
	return nil
}

var threadings = map[string]func([]threadRow, *threadLinks) forest{
	"ORDEREDSUBJECT": func(rows []threadRow, _ *threadLinks) forest { return orderedSubject(rows) },
	"REFERENCES":     references,
	"REFS":           refs,
}

// readThreads finds what threads are made from, in the index. Messages that have gone meanwhile are left out.
func readThreads(run *searchRun) ([]threadRow, *threadLinks, error) {
	rows := make([]threadRow, 0, len(run.hits))
	links := &threadLinks{ids: make(map[string]int32, len(run.hits))}
	err := eachParsed(run.b, run.hits, &run.progress, "Threading", func(h hit, p maildir.Parsed) error {
		m := run.b.view.Message(h.seq)
		if m == nil {
			return nil
		}
		e, err := p.Envelope()
		if err != nil {
			return err
		}
		header, err := p.Header()
		if err != nil {
			return err
		}
		row := threadRow{hit: h, sent: sentDate(e, m), arrived: m.InternalDate().Unix()}
		row.subject, row.reply = message.BaseSubject(e.Subject)
		row.subject = message.Collate(row.subject)
		rows = append(rows, row)
		links.add(firstID(e.MessageID), referenceIDs(header, e))
		return nil
	})
	return rows, links, err
}

func firstID(field string) string {
	for _, id := range message.MessageIDs(field, 1) {
		return id
	}
	return ""
}

// maxFieldIDs bounds the ids that are read of one field.
const maxFieldIDs = 10_000

// referenceIDs are the ids of References, or else the first of In-Reply-To.
func referenceIDs(header []byte, e *message.Envelope) []string {
	if field, ok := message.HeaderValue(header, "References"); ok {
		if ids := message.MessageIDs(field, maxFieldIDs); len(ids) > 0 {
			return ids
		}
	}
	return message.MessageIDs(e.InReplyTo, 1)
}

// write writes the threads.
//
//	thread-data = "THREAD" [SP 1*thread-list]
//	thread-list = "(" (thread-members / thread-nested) ")"
func (f *forest) write(enc *wire.Encoder, uid bool) {
	for i := range f.roots {
		t := &f.roots[i]
		if t.row != none {
			f.branch(enc, t.row, uid)
			continue
		}
		enc.Special('(')
		for _, kid := range t.kids {
			f.branch(enc, kid, uid)
		}
		enc.Special(')')
	}
}

// branch writes a message and all below it. Only where a thread parts is there a level of parentheses.
func (f *forest) branch(enc *wire.Encoder, i int32, uid bool) {
	enc.Special('(').Number(f.rows[i].number(uid))
	for len(f.kids[i]) == 1 {
		i = f.kids[i][0]
		enc.SP().Number(f.rows[i].number(uid))
	}
	if len(f.kids[i]) > 1 {
		enc.SP()
		for _, kid := range f.kids[i] {
			f.branch(enc, kid, uid)
		}
	}
	enc.Special(')')
}
