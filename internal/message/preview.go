package message

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// PreviewLength is how many characters a preview has at most (RFC 8970 §3.3).
	PreviewLength = 200
	// previewSource is how many octets of a part, as encoded, are looked at: newsletters begin with kilobytes of style.
	previewSource = 64 << 10
	// previewParts is how many parts are tried until one has words.
	previewParts = 4
)

// Preview gives the first words of a message: of its first text part that has any, decoded to UTF-8, without markup, quotes of other
// messages and invisible characters, blanks made one. It is empty if there are none, as in encrypted messages.
func Preview(src Octets, root *Part) (string, error) {
	for _, p := range textParts(nil, root) {
		raw := src.Section(p.BodyOff, min(p.Size(), previewSource))
		decoded, err := DecodeTransfer(raw, p.Encoding)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(DecodeCharset(decoded, p.Charset()), 4*previewSource))
		if err != nil {
			return "", err
		}
		words := string(text)
		if p.Is("text", "html") {
			words = stripHTML(words)
		} else {
			words = unquoted(words)
		}
		if words = firstWords(words); words != "" {
			return words, nil
		}
	}
	return "", nil
}

// textParts gathers the parts that may be shown as text, in the order in which they are tried.
func textParts(parts []*Part, p *Part) []*Part {
	switch {
	case len(parts) == previewParts || equalName(p.Disposition, "attachment") || p.Message() != nil || p.Is("multipart", "encrypted"):
	case p.Is("multipart", "alternative"):
		for _, plain := range []bool{true, false} {
			for _, kid := range p.Children {
				if kid.Is("text", "plain") == plain {
					parts = textParts(parts, kid)
				}
			}
		}
	case len(p.Children) > 0:
		for _, kid := range p.Children {
			parts = textParts(parts, kid)
		}
	case p.Size() > 0 && (p.Is("text", "plain") || p.Is("text", "html")):
		parts = append(parts, p)
	}
	return parts
}

// unquoted leaves out lines that quote another message; a text of quotes alone stays.
func unquoted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, ">") {
			b.WriteString(line)
		}
	}
	if strings.TrimSpace(b.String()) == "" {
		return text
	}
	return b.String()
}

// firstWords makes one line of the beginning of a text.
func firstWords(text string) string {
	var b strings.Builder
	n, blank := 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			blank = n > 0
			continue
		case r == utf8.RuneError || unicode.IsControl(r) || invisible(r):
			continue
		}
		if blank {
			if n+1 >= PreviewLength {
				break
			}
			b.WriteByte(' ')
			n, blank = n+1, false
		}
		b.WriteRune(r)
		if n++; n == PreviewLength {
			break
		}
	}
	return b.String()
}

// invisible tells of characters with which newsletters fill the place behind their first sentence. The joiner of emoji stays.
func invisible(r rune) bool {
	switch r {
	case 0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200C, 0x200E, 0x200F, 0x2060, 0xFEFF:
		return true
	}
	return false
}
