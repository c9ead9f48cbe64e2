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
	opts  *resultOptions
	keys  int
	depth int
	fuzzy bool // inside the key behind FUZZY
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
//	search = "SEARCH" [search-return-opts] SP ["CHARSET" SP charset SP] search-key *(SP search-key)
func (p *searchParser) program() error {
	if !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	word, err := p.word()
	if err != nil {
		return err
	}
	return p.programFrom(word)
}

// programFrom is program, whose first word was read.
func (p *searchParser) programFrom(word string) (err error) {
	if word == "RETURN" {
		if !p.opts.parse(p.dec) || !p.dec.ExpectSP() {
			return p.dec.Err()
		}
		word, err = p.word()
	}
	if err == nil && word == "CHARSET" {
		if p.c.on.utf8 {
			return bad("CHARSET has no place after UTF8=ACCEPT") // RFC 6855 §3
		}
		if !p.dec.ExpectSP() {
			return p.dec.Err()
		}
		return p.criteria()
	}
	if err != nil {
		return err
	}
	return p.searchKeys(word)
}

// criteria reads
//
//	search-criteria = charset 1*(SP search-key)
func (p *searchParser) criteria() error {
	var name string
	if !p.dec.ExpectAString(&name) || !p.dec.ExpectSP() {
		return p.dec.Err()
	}
	if !message.KnownCharset(name) {
		return errBadCharset
	}
	p.prog.charset = name
	word, err := p.word()
	if err != nil {
		return err
	}
	return p.searchKeys(word)
}

var errBadCharset = no("BADCHARSET (UTF-8 US-ASCII)", "Unknown charset, or a text that is not in it")

// searchKeys reads the keys, the first of which is called word, and the line end.
func (p *searchParser) searchKeys(word string) error {
	root := &criterion{op: opAnd}
	for {
		k, err := p.key(word)
		if err != nil {
			return err
		}
		root.kids = append(root.kids, k)
		if !p.dec.SP() {
			break
		}
		if word, err = p.word(); err != nil {
			return err
		}
	}
	if !p.dec.ExpectCRLF() {
		return p.dec.Err()
	}
	if p.prog.scored = p.prog.scored || p.opts != nil && p.opts.relevancy; p.prog.scored && !p.prog.fuzzy {
		return errFuzzyOnly
	}
	p.prog.root = root
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

// key reads one search-key whose name was read.
func (p *searchParser) key(word string) (*criterion, error) {
	if p.keys++; p.keys > maxSearchKeys {
		return nil, errTooManyKeys
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
	case "BEFORE", "SINCE", "ON", "SENTBEFORE", "SENTSINCE", "SENTON", "SAVEDBEFORE", "SAVEDSINCE", "SAVEDON":
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
	case "EMAILID", "THREADID":
		return p.objectKey(map[string]searchOp{"EMAILID": opEmailID, "THREADID": opThreadID}[word])
	case "MODSEQ":
		return p.modSeqKey()
	case "UID":
		k := &criterion{op: opSet, uid: true}
		if !p.dec.ExpectSP() || !p.dec.ExpectNumSet(&k.set) {
			return nil, p.dec.Err()
		}
		return k, nil
	case "SAVEDATESUPPORTED":
		return &criterion{op: opAll}, nil // RFC 8514 §4.3
	case "FUZZY":
		was := p.fuzzy
		p.fuzzy, p.prog.fuzzy = true, true
		k, err := p.operand()
		p.fuzzy = was
		return k, err
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

var errTooManyKeys = no("LIMIT", "Too many search keys")

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
			return nil, errBadCharset
		}
		s = string(b)
	}
	exact, err := p.needle(k, message.Fold(s))
	if err != nil || !p.fuzzy {
		return exact, err
	}
	return p.fuzzyKey(exact, s)
}

// needle completes a key that looks for a text, which is folded.
func (p *searchParser) needle(k *criterion, folded string) (*criterion, error) {
	k.text, k.find = folded, message.NewNeedle(folded)
	if k.op == opBody || k.op == opText {
		if k.needle = len(p.prog.needles); k.needle == maxNeedles {
			return nil, no("LIMIT", "Too many texts to look for")
		}
		p.prog.needles = append(p.prog.needles, k.find)
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
	if rest, ok := strings.CutPrefix(word, "SENT"); ok {
		word, before, since = rest, opSentBefore, opSentSince
	} else if rest, ok := strings.CutPrefix(word, "SAVED"); ok {
		word, before, since = rest, opSavedBefore, opSavedSince
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
