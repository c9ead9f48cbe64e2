package message

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Needle is a text that is looked for in many others. It does not change.
type Needle struct {
	folded []byte
	ascii  bool
	rare   int // where in it the octet stands that is rarest in mail
}

// NewNeedle takes a text that Fold has made.
func NewNeedle(folded string) Needle {
	n := Needle{folded: []byte(folded), ascii: isASCII(folded)}
	for i := range n.folded {
		if rarity(n.folded[i]) > rarity(n.folded[n.rare]) {
			n.rare = i
		}
	}
	return n
}

// Overlap is how many octets of a text can at most become the needle: no character of four octets folds to nothing.
func (n Needle) Overlap() int { return utf8.UTFMax * len(n.folded) }

// rarity orders octets by how seldom mail has them.
func rarity(c byte) int {
	return 1 + strings.IndexByte(" etaoinsrhldcumfpgwybv.,:-/kx0123456789<>=@jqz", c)&0x3F
}

// maxPlain is up to which length needles are compared octet by octet, whose cost is the product of both lengths.
const maxPlain = 64

// Haystack is a text that several needles are looked for in. It keeps its memory for the next text.
type Haystack struct {
	text   []byte
	folded []byte
	state  haystackState
}

type haystackState uint8

const (
	unlooked haystackState = iota
	allASCII
	notASCII
	hasFolded
)

// Reset begins with another text, which must not change while it is looked into.
func (h *Haystack) Reset(text []byte) { h.text, h.state = text, unlooked }

// Has tells whether the needle is in Fold of the text. The text is folded only where that can matter.
func (h *Haystack) Has(n *Needle) bool {
	if len(n.folded) == 0 {
		return true
	}
	if n.ascii && len(n.folded) <= maxPlain {
		if n.inASCII(h.text) {
			return true
		}
		if h.isASCII() {
			return false
		}
	} else if !n.ascii && h.isASCII() {
		return false
	}
	if h.state != hasFolded {
		h.folded, h.state = AppendFold(h.folded[:0], h.text), hasFolded
	}
	return bytes.Contains(h.folded, n.folded)
}

func (h *Haystack) isASCII() bool {
	if h.state == unlooked {
		h.state = notASCII
		if asciiOnly(h.text) {
			h.state = allASCII
		}
	}
	return h.state == allASCII
}

// inASCII looks for the needle without regard to the case of ASCII letters, going by its rarest octet.
func (n *Needle) inASCII(text []byte) bool {
	last := len(text) - len(n.folded) + n.rare // where its rarest octet can stand at most
	low := n.folded[n.rare]
	up := low
	if 'a' <= low && low <= 'z' {
		up = low - 0x20
	}
	atLow, atUp := -1, -1 // the next of each, from at on; -1: not looked for yet
	for at := n.rare; at <= last; {
		if atLow < at {
			atLow = nextByte(text, at, last, low)
		}
		if up != low && atUp < at {
			atUp = nextByte(text, at, last, up)
		}
		next := atLow
		if up != low && atUp < next {
			next = atUp
		}
		if next > last {
			return false
		}
		if equalFolded(text[next-n.rare:], n.folded) {
			return true
		}
		at = next + 1
	}
	return false
}

// nextByte is where c stands in text[at:last+1], last+1 if nowhere.
func nextByte(text []byte, at, last int, c byte) int {
	if i := bytes.IndexByte(text[at:last+1], c); i >= 0 {
		return at + i
	}
	return last + 1
}

func equalFolded(text, folded []byte) bool {
	for i, c := range folded {
		if t := text[i]; t != c && (t-'A' >= 26 || t|0x20 != c) {
			return false
		}
	}
	return true
}

func asciiOnly(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
