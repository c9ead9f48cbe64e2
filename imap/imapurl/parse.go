package imapurl

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrSyntax says that a text is no IMAP URL of a message.
var ErrSyntax = errors.New("imapurl: not the URL of a message")

// Parse reads
//
//	"imap://" [enc-user [";AUTH=" …] "@"] host [":" port] "/" message / "/" message / message
//	message = [enc-mailbox [";UIDVALIDITY=" n] "/"] ";UID=" n ["/;SECTION=" enc-section] ["/;PARTIAL=" n ["." n]]
//	          [[";EXPIRE=" date-time] ";URLAUTH=" access [":" mechanism ":" token]]
//
// (RFC 5092 §11). Keywords are taken in any case. A network path ("//host/…") counts as absolute.
func Parse(s string) (*URL, error) {
	if len(s) > MaxLen || !clean(s) {
		return nil, ErrSyntax
	}
	p := parser{all: s, s: s}
	if !p.server() || !p.message() || !p.auth() || p.s != "" {
		return nil, ErrSyntax
	}
	return &p.u, nil
}

// clean says that there are no blanks, controls or bytes above ASCII: they have to be encoded (RFC 3986 §2).
func clean(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`"<>\^`+"`{|}", s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

type parser struct {
	all, s string // s is what is left of all
	u      URL
}

// word takes a keyword in any case.
func (p *parser) word(w string) bool {
	if len(p.s) < len(w) || !strings.EqualFold(p.s[:len(w)], w) {
		return false
	}
	p.s = p.s[len(w):]
	return true
}

// until takes the text before the first of some bytes, or all of it.
func (p *parser) until(stops string) (text string) {
	i := strings.IndexAny(p.s, stops)
	if i < 0 {
		i = len(p.s)
	}
	text, p.s = p.s[:i], p.s[i:]
	return text
}

// server reads what stands before the mailbox.
func (p *parser) server() bool {
	if !p.word("imap://") && !p.word("//") {
		// A path: the user and server of the session. Before its first slash a colon would end a scheme (RFC 3986 §4.2).
		first, _, _ := strings.Cut(p.s, "/")
		return p.word("/") || !strings.Contains(first, ":")
	}
	p.u.Absolute = true
	server := p.until("/")
	if user, rest, ok := strings.Cut(server, "@"); ok {
		name, mechanism, auth := strings.Cut(user, ";")
		if auth && (len(mechanism) < 6 || !strings.EqualFold(mechanism[:5], "AUTH=")) {
			return false
		}
		if !decode(&p.u.User, name) {
			return false
		}
		server = rest
	}
	host, port, ok := cutPort(server)
	p.u.Host, p.u.Port = strings.ToLower(host), port
	return ok && host != "" && p.word("/")
}

// cutPort takes the port off, which stands behind the brackets of an IPv6 address.
func cutPort(server string) (host, port string, ok bool) {
	at := strings.LastIndexByte(server, ':')
	if at < strings.LastIndexByte(server, ']') || at < 0 {
		return server, "", true
	}
	n, err := strconv.ParseUint(server[at+1:], 10, 16)
	return server[:at], server[at+1:], err == nil && n > 0 && !strings.Contains(server[:at], "@")
}

func (p *parser) message() bool {
	if !hasWord(p.s, ";UID=") {
		// A slash belongs to the name unless ";UID=" follows it.
		end := indexWord(p.s, "/;UID=")
		if end < 0 {
			return false
		}
		name := p.s[:end]
		p.s = p.s[end+1:]
		if at := indexWord(name, ";UIDVALIDITY="); at >= 0 {
			if !number32(name[at+len(";UIDVALIDITY="):], &p.u.UIDValidity) {
				return false
			}
			name = name[:at]
		}
		if strings.Contains(name, ";") || !decode(&p.u.Mailbox, name) || p.u.Mailbox == "" {
			return false
		}
	}
	if p.u.Absolute && p.u.Mailbox == "" || !p.word(";UID=") || !number32(p.until("/;"), &p.u.UID) {
		return false
	}
	if p.word("/;SECTION=") && (!decode(&p.u.Section, p.until("/;")) || p.u.Section == "") {
		return false
	}
	return !p.word("/;PARTIAL=") || p.partial(p.until("/;"))
}

func (p *parser) partial(s string) bool {
	off, count, counted := strings.Cut(s, ".")
	p.u.Partial = &Partial{}
	if !number64(off, &p.u.Partial.Offset) {
		return false
	}
	return !counted || number64(count, &p.u.Partial.Count) && p.u.Partial.Count > 0
}

// hasWord is strings.HasPrefix for a keyword in any case.
func hasWord(s, w string) bool { return len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) }

func indexWord(s, w string) int { return strings.Index(strings.ToUpper(s), w) }

func number32(s string, n *uint32) bool {
	var v uint64
	ok := number64(s, &v) && v > 0 && v <= math.MaxUint32
	*n = uint32(v)
	return ok
}

func number64(s string, n *uint64) (ok bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return false
	}
	v, err := strconv.ParseUint(s, 10, 63)
	*n = v
	return err == nil
}

// decode undoes percent encoding. What comes out is UTF-8 without controls.
func decode(to *string, s string) bool {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return false
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return false
			}
			c, i = byte(v), i+2
		}
		if c < ' ' || c == 0x7f {
			return false
		}
		b = append(b, c)
	}
	*to = string(b)
	return utf8.Valid(b)
}
