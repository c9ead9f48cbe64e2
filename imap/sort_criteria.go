package imap

import (
	"strings"

	"bascule/imap/wire"
)

// sortBy is what SORT may compare (RFC 5256 §3, RFC 5957 §4).
type sortBy uint8

const (
	byArrival sortBy = iota
	bySize
	byRelevancy // the highest first (RFC 6203 §6)
	// What follows needs what the index keeps of the header.
	byDate
	byCc
	byFrom
	bySubject
	byTo
	byDisplayFrom
	byDisplayTo
)

var sortKeys = map[string]sortBy{
	"ARRIVAL": byArrival, "CC": byCc, "DATE": byDate, "FROM": byFrom, "SIZE": bySize, "RELEVANCY": byRelevancy, "SUBJECT": bySubject, "TO": byTo,
	"DISPLAYFROM": byDisplayFrom, "DISPLAYTO": byDisplayTo,
}

type sortCriterion struct {
	by      sortBy
	reverse bool
}

// maxSortCriteria bounds what is kept of each message while it is sorted: there are as many keys, each in two directions.
const maxSortCriteria = 20

// sortOrder is a parsed list of criteria. Behind all of them comes the mailbox's order.
type sortOrder []sortCriterion

// parse reads
//
//	sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"
//	sort-criterion = ["REVERSE" SP] sort-key
func (o *sortOrder) parse(dec *wire.Decoder) bool {
	one := func() bool {
		var word string
		if !dec.ExpectKeyword(&word) {
			return false
		}
		reverse := word == "REVERSE"
		if reverse && (!dec.ExpectSP() || !dec.ExpectKeyword(&word)) {
			return false
		}
		by, ok := sortKeys[word]
		if !ok {
			return dec.Fail("unknown sort key")
		}
		if len(*o) == maxSortCriteria {
			return dec.Fail("too many sort keys")
		}
		*o = append(*o, sortCriterion{by, reverse})
		return true
	}
	return dec.ExpectList(one) && (len(*o) > 0 || dec.Fail("no sort keys"))
}

// parsed tells whether what the index keeps of headers is needed.
func (o sortOrder) parsed() bool {
	for _, k := range o {
		if k.by >= byDate {
			return true
		}
	}
	return false
}

// sortValue is what a message has under one criterion: a number or a text, never both.
type sortValue struct {
	n int64
	s string
}

// sortRow is a message with what it is compared by.
type sortRow struct {
	hit
	values []sortValue // in the order of the criteria
}

// compare orders two messages. No two are equal.
func (o sortOrder) compare(a, b *sortRow) int {
	for i, k := range o {
		x, y := &a.values[i], &b.values[i]
		if k.reverse {
			x, y = y, x
		}
		switch {
		case x.n < y.n:
			return -1
		case x.n > y.n:
			return 1
		}
		if c := strings.Compare(x.s, y.s); c != 0 {
			return c
		}
	}
	switch {
	case a.uid < b.uid:
		return -1
	case a.uid > b.uid:
		return 1
	}
	return 0
}
