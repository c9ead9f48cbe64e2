package imap

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"bascule/internal/message"
	"bascule/maildir"
)

// verdict is the truth of a criterion as far as it can be told from what is known of a message. So each
// message is asked first with what the snapshot knows, then, only if that leaves it open, with its header from the
// index, and only then with its body.
type verdict uint8

const (
	isNot verdict = iota
	isTrue
	isOpen
)

func truth(b bool) verdict {
	if b {
		return isTrue
	}
	return isNot
}

// candidate is a message under examination.
type candidate struct {
	b       *selected
	now     int64 // seconds since 1970
	seq     SeqNum
	msg     *maildir.Message
	size    int64
	decided bool // matches; kept in its place among the undecided

	// Set while one message is looked at:
	known  bool // parsed is there
	parsed maildir.Parsed
	header []byte    // as kept in the index; with body the whole
	folded string    // of header as text; "" until it is wanted
	body   *bodyText // nil until the body is wanted
}

// eval tells what is known about the criterion.
func (k *criterion) eval(x *candidate) verdict {
	switch k.op {
	case opAll:
		return isTrue
	case opAnd:
		out := isTrue
		for _, kid := range k.kids {
			switch kid.eval(x) {
			case isNot:
				return isNot
			case isOpen:
				out = isOpen
			}
		}
		return out
	case opOr:
		out := isNot
		for _, kid := range k.kids {
			switch kid.eval(x) {
			case isTrue:
				return isTrue
			case isOpen:
				out = isOpen
			}
		}
		return out
	case opNot:
		switch k.kids[0].eval(x) {
		case isTrue:
			return isNot
		case isNot:
			return isTrue
		}
		return isOpen
	case opSet:
		i, found := slices.BinarySearchFunc(k.spans, x.seq, func(s span, n SeqNum) int {
			switch {
			case s.hi < n:
				return -1
			case s.lo > n:
				return 1
			}
			return 0
		})
		return truth(found && i < len(k.spans))
	case opSentBefore, opSentSince, opHeader:
		if !x.known || x.body == nil && k.op == opHeader && !x.parsed.HasHeader([]string{k.name}) {
			return isOpen
		}
		return truth(k.evalHeader(x))
	case opBody, opText:
		return k.evalText(x)
	}
	return truth(k.evalIndex(x))
}

// evalIndex decides what the snapshot alone can tell.
func (k *criterion) evalIndex(x *candidate) bool {
	m := x.msg
	switch k.op {
	case opFlag, opKeyword:
		return k.flag != 0 && m.Flags&k.flag == k.flag
	case opRecent:
		return x.b.recent.Contains(uint32(m.UID))
	case opNew:
		return x.b.recent.Contains(uint32(m.UID)) && m.Flags&maildir.FlagSeen == 0
	case opBefore:
		return dayOf(m.InternalDate()).Before(k.day)
	case opSince:
		return !dayOf(m.InternalDate()).Before(k.day)
	case opSmaller:
		return x.size >= 0 && uint64(x.size) < k.n
	case opLarger:
		return x.size >= 0 && uint64(x.size) > k.n
	case opOlder:
		return m.InternalDate().Unix() <= x.now-int64(k.n)
	case opYounger:
		return m.InternalDate().Unix() >= x.now-int64(k.n)
	case opModSeq:
		return uint64(m.ModSeq) >= k.n
	}
	return false
}

// dayOf is a date without time and zone, as SEARCH compares it (RFC 9051 §6.4.4).
func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// evalHeader decides what the header tells.
func (k *criterion) evalHeader(x *candidate) bool {
	switch k.op {
	case opSentBefore, opSentSince:
		date, _ := message.HeaderValue(x.header, "Date")
		t, ok := message.ParseDate(date)
		return ok && dayOf(t).Before(k.day) == (k.op == opSentBefore)
	}
	for f := range message.Fields(x.header) {
		if strings.EqualFold(string(f.Name), k.name) && fieldHolds(f, k.text) {
			return true
		}
	}
	return false
}

// fieldHolds tells whether the value of a field holds a text that is folded already. Nearly all fields are one line of ASCII without
// encoded words, and are compared where they lie.
func fieldHolds(f message.Field, folded string) bool {
	if folded == "" {
		return true
	}
	raw := bytes.Trim(f.Raw[bytes.IndexByte(f.Raw, ':')+1:], " \t\r\n\x00")
	if len(folded) > maxPlain || !isPlain(raw) {
		return strings.Contains(message.Fold(message.DecodeHeader(f.Value())), folded)
	}
	for i := 0; i+len(folded) <= len(raw); i++ {
		if lower(raw[i]) == folded[0] && equalFolded(raw[i:i+len(folded)], folded) {
			return true
		}
	}
	return false
}

// maxPlain is up to which length texts are compared octet by octet, whose cost is the product of both lengths.
const maxPlain = 64

func isPlain(raw []byte) bool {
	for i, c := range raw {
		if c < ' ' && c != '\t' || c >= 0x80 || c == '=' && i+1 < len(raw) && raw[i+1] == '?' {
			return false
		}
	}
	return true
}

func equalFolded(raw []byte, folded string) bool {
	for i, c := range raw {
		if lower(c) != folded[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// evalText decides BODY and TEXT, as soon as there is a body to look into.
func (k *criterion) evalText(x *candidate) verdict {
	if k.text == "" {
		return isTrue
	}
	if k.op == opText && x.known {
		if x.folded == "" {
			x.folded = foldedHeader(x.header)
		}
		if strings.Contains(x.folded, k.text) {
			return isTrue
		}
	}
	if x.body == nil {
		return isOpen
	}
	return truth(x.body.contains(k.needle))
}

// foldedHeader is a header as text to look into.
func foldedHeader(header []byte) string {
	var text strings.Builder
	for f := range message.Fields(header) {
		text.Write(f.Name)
		text.WriteString(": ")
		text.WriteString(message.DecodeHeader(f.Value()))
		text.WriteByte('\n')
	}
	return message.Fold(text.String())
}
