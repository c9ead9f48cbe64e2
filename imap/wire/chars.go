package wire

// charClass is a set of classes that a byte belongs to (RFC 9051 §9).
type charClass uint8

const (
	atomChar    charClass = 1 << iota // ATOM-CHAR
	astringChar                       // ASTRING-CHAR: ATOM-CHAR and "]"
	listChar                          // list-char: ASTRING-CHAR and "%" "*"
	tagChar                           // ASTRING-CHAR except "+"
	digitChar                         // 0-9
	setChar                           // digits and ":" "," "*" "$"
	attChar                           // letters, digits, ".", "-": names of FETCH items, up to "["
	quotedChar                        // what a quoted string holds without a backslash, 8-bit included
)

var classes = func() (t [256]charClass) {
	for c := 0x01; c < 0x100; c++ {
		b := byte(c)
		if b != '\r' && b != '\n' && b != '"' && b != '\\' {
			t[c] |= quotedChar
		}
		if b <= 0x20 || b >= 0x7f {
			continue
		}
		switch b {
		case '(', ')', '{', '"', '\\':
		case '%', '*':
			t[c] |= listChar
		case ']':
			t[c] |= astringChar | listChar | tagChar
		case '+':
			t[c] |= atomChar | astringChar | listChar
		default:
			t[c] |= atomChar | astringChar | listChar | tagChar
		}
		switch {
		case b >= '0' && b <= '9':
			t[c] |= digitChar | setChar | attChar
		case b == ':' || b == ',' || b == '*' || b == '$':
			t[c] |= setChar
		case b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '.' || b == '-':
			t[c] |= attChar
		}
	}
	return t
}()

func is(b byte, c charClass) bool { return classes[b]&c != 0 }

// upper turns ASCII letters of p to upper case, in place.
func upper(p []byte) []byte {
	for i, c := range p {
		if c >= 'a' && c <= 'z' {
			p[i] = c - 'a' + 'A'
		}
	}
	return p
}

// interned holds the words that nearly every command is made of, so that reading them allocates
// nothing.
var interned = func() map[string]string {
	m := make(map[string]string)
	for _, w := range []string{
		"CAPABILITY", "NOOP", "LOGOUT", "ID", "STARTTLS", "AUTHENTICATE", "LOGIN", "ENABLE", "SELECT", "EXAMINE",
		"CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "XLIST", "NAMESPACE", "STATUS",
		"APPEND", "IDLE", "CLOSE", "UNSELECT", "CHECK", "EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "MOVE", "UID",
		"SORT", "THREAD", "GETQUOTA", "GETQUOTAROOT", "SETQUOTA", "COMPRESS", "NOTIFY", "GETMETADATA", "SETMETADATA",
		"FLAGS", "FLAGS.SILENT", "ENVELOPE", "INTERNALDATE", "RFC822.SIZE", "RFC822", "RFC822.HEADER", "RFC822.TEXT",
		"BODY", "BODY.PEEK", "BODYSTRUCTURE", "BINARY", "BINARY.PEEK", "BINARY.SIZE", "MODSEQ", "EMAILID", "THREADID",
		"SAVEDATE", "PREVIEW", "CHANGEDSINCE", "UNCHANGEDSINCE", "CONDSTORE", "QRESYNC", "VANISHED", "PARTIAL",
		"ALL", "FAST", "FULL", "UNSEEN", "SEEN", "DELETED", "UNDELETED", "ANSWERED", "FLAGGED", "RECENT", "NEW", "OLD",
		"SINCE", "BEFORE", "ON", "SUBJECT", "FROM", "TO", "CC", "BCC", "TEXT", "HEADER", "NOT", "OR", "KEYWORD",
		"MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ", "SIZE", "RETURN", "MIN", "MAX", "COUNT", "SAVE",
		"CHARSET", "UTF-8", "US-ASCII", "NIL", "PLAIN", "XOAUTH2", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "MIME",
	} {
		m[w] = w
	}
	return m
}()

// internUpper gives p in upper case as a string; p is changed.
func internUpper(p []byte) string {
	if s, ok := interned[string(upper(p))]; ok {
		return s
	}
	return string(p)
}
