package search

import (
	"strings"
	"unicode/utf8"
)

// maxTrigrams bounds how many trigrams of a text are asked for: more make few messages less.
const maxTrigrams = 16

// maxChars is how much of a text the trigrams are taken from.
const maxChars = 1000

// query asks for the messages that have trigrams of a folded text. ok is false for a text that the index cannot tell about: shorter
// than three characters, or not plain UTF-8.
//
// Without positions there are no phrases, so the trigrams are asked for one by one; that those of a message stand in this order is for its reader to see.
func query(text string) (q string, ok bool) {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return "", false
	}
	var at []int // where characters begin, and where the last ends
	for i := range text {
		if at = append(at, i); len(at) > maxChars {
			break
		}
	}
	if len(at) <= maxChars {
		at = append(at, len(text))
	}
	n := len(at) - 3 // trigrams
	if n < 1 {
		return "", false
	}
	var b strings.Builder
	for i := range min(n, maxTrigrams) {
		k := i * n / min(n, maxTrigrams) // spread over the text
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(text[at[k]:at[k+3]], `"`, `""`))
		b.WriteByte('"')
	}
	return b.String(), true
}

// Find lists the messages of a folder that may have a text, folded by message.Fold, in ascending order. ok is false if the index cannot tell.
func (t Tx) Find(folder int64, text string) (uids []uint32, ok bool, err error) {
	q, ok := query(text)
	if !ok {
		return nil, false, nil
	}
	err = t.uids(`SELECT rowid FROM texts WHERE texts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid`, folder, func(uid uint32) { uids = append(uids, uid) }, q)
	return uids, true, err
}
