package imap

import (
	"strings"
	"unicode"

	"bascule/internal/message"
)

// FUZZY (RFC 6203) relaxes keys that look for a text: each of its words must be there, in whatever order and with whatever between
// them, where the key without FUZZY wants the text as it stands. All other keys mean what they mean without it. A message
// that holds the text as it stands is as relevant as can be, one that only holds the words half as much.

// fuzzyKey makes the relaxed form of a key that looks for a text.
func (p *searchParser) fuzzyKey(exact *criterion, text string) (*criterion, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	loose := &criterion{op: opAnd}
	for _, w := range words {
		k, err := p.needle(&criterion{op: exact.op, name: exact.name}, message.Fold(w))
		if err != nil {
			return nil, err
		}
		if p.keys++; p.keys > maxSearchKeys {
			return nil, errTooManyKeys
		}
		loose.kids = append(loose.kids, k)
	}
	if len(words) == 0 {
		loose = exact // nothing but marks and blanks: they are meant
	}
	return &criterion{op: opFuzzy, kids: []*criterion{loose, exact}}, nil
}

// evalFuzzy decides by the relaxed form. If the relevancy is wanted the other must be decided too.
func (k *criterion) evalFuzzy(x *candidate) verdict {
	v := k.kids[0].eval(x)
	if v == isTrue && x.scored && k.kids[1].eval(x) == isOpen {
		return isOpen
	}
	return v
}

// score is the relevancy of a message that matches: the mean of its FUZZY keys, of which one that it does not fulfil (in an OR) counts
// nothing. 0 if it is not wanted.
func (p *searchProgram) score(x *candidate) uint8 {
	if !p.scored {
		return 0
	}
	sum, n := 0, 0
	p.root.walk(func(k *criterion) {
		if k.op != opFuzzy {
			return
		}
		n++
		switch {
		case k.kids[1].eval(x) == isTrue:
			sum += 100
		case k.kids[0].eval(x) == isTrue:
			sum += 50
		}
	})
	if n == 0 {
		return 100 // FUZZY before keys that cannot be relaxed
	}
	return uint8(max(sum/n, 1))
}

var errFuzzyOnly = bad("RELEVANCY needs a FUZZY key")
