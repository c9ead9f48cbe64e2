package imap

import (
	"errors"

	"bascule/internal/message"
	"bascule/maildir"
)

// maxNeedles bounds how many texts one SEARCH may look for in bodies.
const maxNeedles = 100

// textScan looks for the texts of a SEARCH in one message after the other, in the same memory. It is used by one goroutine.
type textScan struct {
	from    maildir.Reading
	needles []message.Needle // what BODY and TEXT look for
	overlap int              // of the pieces of long texts

	value      message.Haystack // one header field
	valueText  []byte
	header     message.Haystack // the whole header
	headerText []byte
	hasHeader  bool // header is that of the message at hand

	texts message.SearchText
	text  message.Haystack
	found []bool        // by needle
	left  int           // needles not found yet
	all   []byte        // the message, if it is small
	body  *maildir.Body // else
	done  bool          // the body was gone through
	err   error
}

func newTextScan(m *maildir.Mailbox, needles []message.Needle) *textScan {
	t := &textScan{from: m.Reading(), needles: needles, found: make([]bool, len(needles))}
	for _, n := range needles {
		t.overlap = max(t.overlap, n.Overlap())
	}
	return t
}

// fieldHas tells whether the value of a header field has a text.
func (t *textScan) fieldHas(f message.Field, n *message.Needle) bool {
	t.valueText = f.AppendText(t.valueText[:0])
	t.value.Reset(t.valueText)
	return t.value.Has(n)
}

// headerHas tells whether a header as text has a text.
func (t *textScan) headerHas(header []byte, n *message.Needle) bool {
	if !t.hasHeader {
		t.headerText = message.AppendHeaderText(t.headerText[:0], header)
		t.header.Reset(t.headerText)
		t.hasHeader = true
	}
	return t.header.Has(n)
}

// open begins with a candidate's message; false if it is gone.
func (t *textScan) open(s *searchRun, x *candidate) (bool, error) {
	clear(t.found)
	t.body, t.left, t.done, t.hasHeader, t.err = nil, len(t.needles), false, false, nil
	root, err := x.parsed.Root()
	if err != nil {
		return false, err
	}
	var whole bool
	if t.all, whole = t.from.ReadWhole(x.msg, t.all); whole {
		t.texts.OpenWhole(t.all, root)
	} else {
		t.body, err = t.from.Open(s.c.ctx, x.msg)
		if errors.Is(err, maildir.ErrGone) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		err = t.texts.Open(t.body, root)
	}
	if err == nil {
		x.header, err = t.texts.Header(maxHeader)
	}
	if err != nil {
		t.close()
	}
	return err == nil, err
}

func (t *textScan) close() {
	if t.body != nil {
		t.body.Close()
		t.body = nil
	}
}

// bodyHas tells whether needle i is in the body. One pass finds all texts.
func (t *textScan) bodyHas(i int) bool {
	if !t.done {
		t.done = true
		t.err = t.texts.Walk(t.overlap, func(text []byte, _ bool) bool {
			t.text.Reset(text)
			for i := range t.needles {
				if !t.found[i] && t.text.Has(&t.needles[i]) {
					t.found[i] = true
					t.left--
				}
			}
			return t.left > 0
		})
	}
	return t.found[i]
}
