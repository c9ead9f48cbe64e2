package imap

import (
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
	scored  bool // its relevancy is wanted
	score   uint8

	fields maildir.Fields // what is kept in memory of its header; empty until it is asked for

	// Set while one message is looked at:
	known  bool // parsed is there
	parsed maildir.Parsed
	header []byte    // as kept in the index; with whole the message's
	whole  bool      // the body can be looked into
	scan   *textScan // where header and body are looked into
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
	case opSentBefore, opSentSince:
		return k.evalSent(x)
	case opEmailID:
		return truth(k.uids[x.msg.UID])
	case opThreadID:
		return k.evalThread(x)
	case opHeader:
		return k.evalHeader(x)
	case opBody, opText:
		return k.evalText(x)
	case opFuzzy:
		return k.evalFuzzy(x)
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
		return k.after(m.InternalDate())
	case opSince:
		return !k.after(m.InternalDate())
	case opSavedBefore:
		return k.after(m.SaveDate())
	case opSavedSince:
		return !k.after(m.SaveDate())
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

// after says whether the key's day comes after that of a time. Zones differ from UTC by less than a day: only so close to the day's beginning
// the calendar is asked, which costs twenty times as much.
func (k *criterion) after(t time.Time) bool {
	const near = 24 * 60 * 60 // seconds
	switch since := t.Unix() - k.day.Unix(); {
	case since < -near:
		return true
	case since >= near:
		return false
	}
	return dayOf(t).Before(k.day)
}

// lacks says that the text index knows that the message does not have the text.
func (k *criterion) lacks(x *candidate) bool { return k.hits.Lacks(k.hit, x.msg.UID) }

// evalSent decides about the day of the Date field.
func (k *criterion) evalSent(x *candidate) verdict {
	sent, has, known := x.fields.Sent()
	if !known {
		if !x.known {
			return isOpen
		}
		var date string
		date, has = message.HeaderValue(x.header, "Date")
		if has {
			sent, has = message.ParseDate(date)
		}
	}
	return truth(has && dayOf(sent).Before(k.day) == (k.op == opSentBefore))
}

// evalHeader decides about one header field.
func (k *criterion) evalHeader(x *candidate) verdict {
	if k.lacks(x) {
		return isNot
	}
	if has, known := x.fields.Has(k.field, k.text); known {
		return truth(has)
	}
	if !x.known || !x.whole && !x.parsed.HasHeader([]string{k.name}) {
		return isOpen
	}
	for f := range message.Fields(x.header) {
		if strings.EqualFold(string(f.Name), k.name) && x.scan.fieldHas(f, &k.find) {
			return isTrue
		}
	}
	return isNot
}

// evalText decides BODY and TEXT, as soon as there is a body to look into.
func (k *criterion) evalText(x *candidate) verdict {
	switch {
	case k.text == "":
		return isTrue
	case k.lacks(x):
		return isNot
	case k.op == opText && x.known && x.scan.headerHas(x.header, &k.find):
		return isTrue
	case !x.whole:
		return isOpen
	}
	return truth(x.scan.bodyHas(k.needle))
}
