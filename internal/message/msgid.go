package message

import "strings"

// MessageIDs gives the ids in a Message-ID, In-Reply-To or References field, without their angle brackets and blanks, in order, at most
// limit. Text between them is skipped, as old mailers put phrases into In-Reply-To; quotes are taken
// off, so that equal ids are equal strings (RFC 5256 §3).
func MessageIDs(field string, limit int) []string {
	var ids []string
	for len(ids) < limit {
		open := strings.IndexByte(field, '<')
		if open < 0 {
			break
		}
		field = field[open+1:]
		end := strings.IndexAny(field, "<>")
		if end < 0 {
			break
		}
		if field[end] == '<' {
			field = field[end:]
			continue
		}
		if id := strings.Map(dropIDByte, field[:end]); strings.IndexByte(id, '@') > 0 {
			ids = append(ids, id)
		}
		field = field[end+1:]
	}
	return ids
}

func dropIDByte(r rune) rune {
	switch r {
	case ' ', '\t', '\r', '\n', '"', '\\', 0:
		return -1
	}
	return r
}
