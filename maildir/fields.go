package maildir

import (
	"context"
	"encoding/binary"
	"strings"
	"time"
	"unsafe"

	"bascule/internal/message"
)

// FieldCode stands for a header field that is kept in memory for searches; 0 for all others.
type FieldCode byte

var fieldCodes = [...]string{1: "From", "To", "Cc", "Bcc", "Subject"}

// FieldOf is the code of a header field.
func FieldOf(name string) FieldCode {
	for code, n := range fieldCodes {
		if code > 0 && strings.EqualFold(n, name) {
			return FieldCode(code)
		}
	}
	return 0
}

// Fields is what is kept in memory of a message's header: the fields that people search by, folded for comparison, and the date.
// The zero value knows nothing.
type Fields struct {
	text string // code byte, length as varint, folded value; again
	sent int64  // the Date field's day, seconds; or one of:
}

const (
	sentUnknown = 0 // of the zero value
	sentNever   = 1 // there is no Date that can be read
	cutHeader   = 2 // too large to be kept
)

// Has tells whether a field of this code holds a text, folded by message.Fold; known is false if that has to be looked up.
func (f Fields) Has(code FieldCode, folded string) (has, known bool) {
	if code == 0 || f.sent == sentUnknown || f.sent == cutHeader {
		return false, false
	}
	for text := f.text; len(text) > 0; {
		n, size := uvarint(text[1:])
		value := text[1+size : 1+size+n]
		if FieldCode(text[0]) == code && strings.Contains(value, folded) {
			return true, true
		}
		text = text[1+size+n:]
	}
	return false, true
}

func uvarint(s string) (n, size int) {
	for shift := 0; ; shift += 7 {
		c := s[size]
		size++
		n |= int(c&0x7F) << shift
		if c < 0x80 {
			return n, size
		}
	}
}

// Sent is the date of the Date field, by day only, if it has one; known is false if that has to be looked up.
func (f Fields) Sent() (day time.Time, has, known bool) {
	switch f.sent {
	case sentUnknown, cutHeader:
		return time.Time{}, false, false
	case sentNever:
		return time.Time{}, false, true
	}
	return time.Unix(f.sent-keepsApart, 0).UTC(), true, true
}

// keepsApart keeps days from the values that are none: they are at midnight.
const keepsApart = 3

// fieldsOf makes the Fields of a message. scratch is reused.
func fieldsOf(p Parsed, scratch *[2][]byte) Fields {
	header, cut, err := message.BlobHeader(p.blob)
	if err != nil || cut {
		return Fields{sent: cutHeader}
	}
	text, value := scratch[0][:0], scratch[1]
	sent, dated := int64(sentNever), false
	for f := range message.Fields(header) {
		if !dated && len(f.Name) == 4 && strings.EqualFold(string(f.Name), "Date") {
			dated = true // the first counts
			if t, ok := message.ParseDate(f.Value()); ok {
				y, m, d := t.Date()
				sent = time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() + keepsApart
			}
			continue
		}
		code := FieldOf(string(f.Name))
		if code == 0 {
			continue
		}
		value = f.AppendText(value[:0])
		at := len(value)
		value = message.AppendFold(value, value)
		text = binary.AppendUvarint(append(text, byte(code)), uint64(len(value)-at))
		text = append(text, value[at:]...)
	}
	scratch[0], scratch[1] = text, value
	return Fields{text: string(text), sent: sent}
}

func (f Fields) bytes() int64 { return int64(len(f.text)) }

// Fields calls fn for each of these messages, which must be in ascending order, that is still there. What is not in memory yet is made from
// the index, or from the file of a message that nobody has asked for before. fn is called with no lock held.
func (m *Mailbox) Fields(ctx context.Context, uids []UID, fn func(UID, Fields) error) error {
	all := make([]Fields, len(uids))
	missing := m.fields.get(uids, all)
	if len(missing) > 0 {
		i, scratch := 0, new([2][]byte)
		err := m.Parsed(ctx, missing, func(uid UID, p Parsed) error {
			for uids[i] != uid {
				i++
			}
			all[i] = fieldsOf(p, scratch)
			return nil
		})
		if err != nil {
			return err
		}
		m.a.store.fieldMemory.keep(m.fields, uids, all)
	}
	for i, uid := range uids {
		if all[i].sent == sentUnknown {
			continue // gone
		}
		if err := fn(uid, all[i]); err != nil {
			return err
		}
	}
	return nil
}

const fieldsSize = int64(unsafe.Sizeof(Fields{}))
