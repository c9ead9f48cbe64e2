package message

import "strings"

// BaseSubject gives the subject by which SORT and THREAD compare (RFC 5256 §2.1), from a raw one, and whether it was that of a reply or forward. It is
// UTF-8 and not yet folded in case.
func BaseSubject(subject string) (base string, reply bool) {
	s := strings.Join(strings.FieldsFunc(DecodeHeader(subject), isBlank), " ") // step 1
	s = s[:min(len(s), maxSubject)]
	for {
		// Step 2: trailers.
		for {
			s = strings.TrimRight(s, " ")
			if n := len(s) - len("(fwd)"); n >= 0 && equalName(s[n:], "(fwd)") {
				s, reply = s[:n], true
				continue
			}
			break
		}
		// Steps 3 to 5: leaders, and blobs that leave something behind them.
		for {
			if rest, ok := cutReply(s); ok {
				s, reply = rest, true
			} else if rest, ok := cutBlob(s); ok && rest != "" {
				s = rest
			} else {
				break
			}
		}
		// Step 6: a forward around all of it.
		if len(s) > len("[fwd:]") && equalName(s[:len("[fwd:")], "[fwd:") && s[len(s)-1] == ']' {
			s, reply = s[len("[fwd:"):len(s)-1], true
			s = strings.TrimLeft(s, " ")
			continue
		}
		return s, reply
	}
}

// maxSubject is how much of a subject is compared: the steps below are quadratic in a row of "[a][a]…".
const maxSubject = 2 << 10

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// cutReply takes off subj-leader: *subj-blob ("re" / "fw" / "fwd") [subj-blob] ":".
func cutReply(s string) (string, bool) {
	for {
		s = strings.TrimLeft(s, " ")
		rest, ok := cutBlob(s)
		if !ok {
			break
		}
		s = rest
	}
	n := 0
	switch {
	case len(s) >= 3 && equalName(s[:3], "fwd"):
		n = 3
	case len(s) >= 2 && (equalName(s[:2], "re") || equalName(s[:2], "fw")):
		n = 2
	default:
		return "", false
	}
	s = strings.TrimLeft(s[n:], " ")
	if rest, ok := cutBlob(s); ok {
		s = rest
	}
	if !strings.HasPrefix(s, ":") {
		return "", false
	}
	return strings.TrimLeft(s[1:], " "), true
}

// cutBlob takes off one subj-blob: "[" anything but brackets "]" and blanks.
func cutBlob(s string) (string, bool) {
	if !strings.HasPrefix(s, "[") {
		return "", false
	}
	i := strings.IndexAny(s[1:], "[]")
	if i < 0 || s[1+i] != ']' {
		return "", false
	}
	return strings.TrimLeft(s[2+i:], " "), true
}
