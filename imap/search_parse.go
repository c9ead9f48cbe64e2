package imap

import (
	"io"
	"math"
	"strings"
	"time"

	"bascule/imap/wire"
	"bascule/internal/message"
	"bascule/maildir"
)

// Bounds of one SEARCH: keys in all, and how deep they may be nested. Mail programs write "any of these" as OR within OR, as deep
// as there are terms; parentheses within parentheses are bounded by wire.Limits.
const (
	maxSearchKeys  = 10_000
	maxSearchDepth = 500
)

// searchParser reads the arguments of SEARCH into a program.
type searchParser struct {
	c     *conn
	dec   *wire.Decoder
	prog  *searchProgram
	keys  int
	depth int
}

// flagKeys are the search keys that ask for a flag, or for its absence.
var flagKeys = map[string]struct {
	flag maildir.Flags
	has  bool
}{
	"ANSWERED": {maildir.FlagAnswered, true}, "UNANSWERED": {maildir.FlagAnswered, false},
	"DELETED": {maildir.FlagDeleted, true}, "UNDELETED": {maildir.FlagDeleted, false},
	"DRAFT": {maildir.FlagDraft, true}, "UNDRAFT": {maildir.FlagDraft, false},
	"FLAGGED": {maildir.FlagFlagged, true}, "UNFLAGGED": {maildir.FlagFlagged, false},
	"SEEN": {maildir.FlagSeen, true}, "UNSEEN": {maildir.FlagSeen, false},
}

// headerKeys are the search keys that look into a header field.
var headerKeys = map[string]bool{"BCC": true, "CC": true, "FROM": true, "SUBJECT": true, "TO": true}

// program reads everything up to the line end.
//
//	search = "SEARCH" [SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"]
//	         SP ["CHARSET" SP charset SP] search-key *(SP search-key)
func (p *searchParser) program() error {
	if !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	var kids []*criterion
	for first := true; first || p.dec.SP(); first = false {
		word, err := p.word()
		if err != nil {
			return err
		}
		switch {
		case word == "RETURN" && first && !p.prog.ret:
			if !p.returns() || !p.dec.ExpectSP() {
				return p.dec.Err()
			}
			if word, err = p.word(); err != nil {
				return err
			}
			if word == "CHARSET" {
				if word, err = p.charset(); err != nil {
					return err
				}
			}
		case word == "CHARSET" && first:
			if word, err = p.charset(); err != nil {
				return err
			}
		}
		k, err := p.key(word)
		if err != nil {
			return err
		}
		kids = append(kids, k)
	}
	if !p.dec.ExpectCRLF() {
		return p.dec.Err()
	}
	p.prog.root = &criterion{op: opAnd, kids: kids}
	return nil
}

// word reads a key's name; "" if a set or a parenthesis comes next.
func (p *searchParser) word() (string, error) {
	switch b := p.dec.Peek(); {
	case b == '(' || b == '*' || b == '$' || b >= '0' && b <= '9':
		return "", nil
	}
	var word string
	if !p.dec.ExpectKeyword(&word) {
		return "", p.dec.Err()
	}
	return word, nil
}

// returns reads the result options (RFC 9051 §6.4.4); none means ALL.
func (p *searchParser) returns() bool {
	p.prog.ret = true
	option := func() bool {
		var opt string
		if !p.dec.ExpectKeyword(&opt) {
			return false
		}
		switch opt {
		case "MIN":
			p.prog.min = true
		case "MAX":
			p.prog.max = true
		case "ALL":
			p.prog.all = true
		case "COUNT":
			p.prog.count = true
		case "SAVE":
			p.prog.save = true
		default:
			return p.dec.Fail("unknown SEARCH result option")
		}
		return true
	}
	if !p.dec.ExpectSP() || !p.dec.ExpectList(option) {
		return false
	}
	if !p.prog.min && !p.prog.max && !p.prog.count && !p.prog.save {
		p.prog.all = true
	}
	return true
}

// charset reads the charset and the first key's name.
func (p *searchParser) charset() (string, error) {
	if p.c.on.utf8 {
		return "", bad("CHARSET has no place after UTF8=ACCEPT") // RFC 6855 §3
	}
	var name string
	if !p.dec.ExpectSP() || !p.dec.ExpectAString(&name) || !p.dec.ExpectSP() {
		return "", p.dec.Err()
	}
	if !message.KnownCharset(name) {
		return "", no("BADCHARSET (UTF-8 US-ASCII)", "Unknown charset")
	}
	p.prog.charset = name
	return p.word()
}

// key reads one search-key whose name was read.
func (p *searchParser) key(word string) (*criterion, error) {
	if p.keys++; p.keys > maxSearchKeys {
		return nil, no("LIMIT", "Too many search keys")
	}
	if p.depth++; p.depth > maxSearchDepth {
		return nil, no("LIMIT", "Search keys nested too deep")
	}
	defer func() { p.depth-- }()
	if word == "" {
		return p.setOrList()
	}
	if f, ok := flagKeys[word]; ok {
		k := &criterion{op: opFlag, flag: f.flag}
		if !f.has {
			k = not(k)
		}
		return k, nil
	}
	if headerKeys[word] {
		return p.textKey(&criterion{op: opHeader, name: word})
	}
	switch word {
	case "ALL":
		return &criterion{op: opAll}, nil
	case "RECENT":
		return &criterion{op: opRecent}, nil
	case "OLD":
		return not(&criterion{op: opRecent}), nil
	case "NEW":
		return &criterion{op: opNew}, nil
	case "KEYWORD", "UNKEYWORD":
		k := &criterion{op: opKeyword}
		if !p.dec.ExpectSP() || !p.dec.ExpectFlag(&k.name) {
			return nil, p.dec.Err()
		}
		if word == "UNKEYWORD" {
			k = not(k)
		}
		return k, nil
	case "BEFORE", "SINCE", "ON", "SENTBEFORE", "SENTSINCE", "SENTON":
		return p.dateKey(word)
	case "BODY":
		return p.textKey(&criterion{op: opBody})
	case "TEXT":
		return p.textKey(&criterion{op: opText})
	case "HEADER":
		k := &criterion{op: opHeader}
		if !p.dec.ExpectSP() || !p.dec.ExpectAString(&k.name) {
			return nil, p.dec.Err()
		}
		return p.textKey(k)
	case "SMALLER", "LARGER":
		p.prog.sizes = true
		return p.numberKey(map[string]searchOp{"SMALLER": opSmaller, "LARGER": opLarger}[word])
	case "OLDER", "YOUNGER":
		k, err := p.numberKey(map[string]searchOp{"OLDER": opOlder, "YOUNGER": opYounger}[word])
		if err == nil && (k.n == 0 || k.n > math.MaxUint32) {
			err = bad("Expected seconds, a number of 32 bits that is not 0")
		}
		return k, err
	case "MODSEQ":
		return p.modSeqKey()
	case "UID":
		k := &criterion{op: opSet, uid: true}
		if !p.dec.ExpectSP() || !p.dec.ExpectNumSet(&k.set) {
			return nil, p.dec.Err()
		}
		return k, nil
	case "NOT":
		kid, err := p.operand()
		if err != nil {
			return nil, err
		}
		return not(kid), nil
	case "OR":
		a, err := p.operand()
		if err != nil {
			return nil, err
		}
		b, err := p.operand()
		return &criterion{op: opOr, kids: []*criterion{a, b}}, err
	}
	return nil, bad("Unknown search key")
}

// operand reads a space and a search-key.
func (p *searchParser) operand() (*criterion, error) {
	if !p.dec.ExpectSP() {
		return nil, p.dec.Err()
	}
	word, err := p.word()
	if err != nil {
		return nil, err
	}
	return p.key(word)
}

// setOrList reads a sequence set, "$", or keys in parentheses.
func (p *searchParser) setOrList() (*criterion, error) {
	if p.dec.Peek() != '(' {
		k := &criterion{op: opSet}
		if !p.dec.ExpectNumSet(&k.set) {
			return nil, p.dec.Err()
		}
		return k, nil
	}
	and := &criterion{op: opAnd}
	var failed error
	ok := p.dec.ExpectList(func() bool {
		word, err := p.word()
		if err == nil {
			var kid *criterion
			if kid, err = p.key(word); err == nil {
				and.kids = append(and.kids, kid)
				return true
			}
		}
		failed = err
		return p.dec.Fail("invalid search key")
	})
	switch {
	case failed != nil:
		return nil, failed
	case !ok:
		return nil, p.dec.Err()
	case len(and.kids) == 0:
		return nil, bad("Empty list of search keys")
	}
	return and, nil
}

// textKey reads the text that a key looks for.
func (p *searchParser) textKey(k *criterion) (*criterion, error) {
	var s string
	if !p.dec.ExpectSP() || !p.dec.ExpectAString(&s) {
		return nil, p.dec.Err()
	}
	if p.prog.charset != "" {
		b, err := io.ReadAll(message.DecodeCharset(strings.NewReader(s), p.prog.charset))
		if err != nil {
			return nil, no("BADCHARSET (UTF-8 US-ASCII)", "The text is not in this charset")
		}
		s = string(b)
	}
	k.text = message.Fold(s)
	if k.op == opBody || k.op == opText {
		if k.needle = len(p.prog.needles); k.needle == maxNeedles {
			return nil, no("LIMIT", "Too many texts to look for")
		}
		p.prog.needles = append(p.prog.needles, []byte(k.text))
	}
	return k, nil
}

func (p *searchParser) numberKey(op searchOp) (*criterion, error) {
	k := &criterion{op: op}
	if !p.dec.ExpectSP() || !p.dec.ExpectNumber64(&k.n) {
		return nil, p.dec.Err()
	}
	return k, nil
}

// dateKey reads a day. ON is SINCE and not SINCE the day after.
func (p *searchParser) dateKey(word string) (*criterion, error) {
	var day time.Time
	if !p.dec.ExpectSP() || !p.dec.ExpectDate(&day) {
		return nil, p.dec.Err()
	}
	before, since := opBefore, opSince
	word, sent := strings.CutPrefix(word, "SENT")
	if sent {
		before, since = opSentBefore, opSentSince
	}
	switch word {
	case "BEFORE":
		return &criterion{op: before, day: day}, nil
	case "SINCE":
		return &criterion{op: since, day: day}, nil
	}
	return &criterion{op: opAnd, kids: []*criterion{
		{op: since, day: day}, {op: before, day: day.AddDate(0, 0, 1)},
	}}, nil
}

// modSeqKey reads MODSEQ [entry-name SP entry-type] n; this server keeps one modseq for all of a message, so the
// entry says nothing (RFC 7162 §3.1.5).
func (p *searchParser) modSeqKey() (*criterion, error) {
	if !p.dec.ExpectSP() {
		return nil, p.dec.Err()
	}
	var name, kind string
	if p.dec.Peek() == '"' && (!p.dec.ExpectQuoted(&name) || !p.dec.ExpectSP() || !p.dec.ExpectKeyword(&kind) || !p.dec.ExpectSP()) {
		return nil, p.dec.Err()
	}
	if name != "" && kind != "ALL" && kind != "PRIV" && kind != "SHARED" {
		return nil, bad("Expected all, priv or shared")
	}
	k := &criterion{op: opModSeq}
	if !p.dec.ExpectNumber64(&k.n) {
		return nil, p.dec.Err()
	}
	p.prog.modSeq = true
	return k, nil
}
