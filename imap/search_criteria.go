package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/maildir"
)

type searchOp uint8

const (
	opAll searchOp = iota
	opAnd
	opOr
	opNot
	opSet     // a set of sequence numbers, UIDs, or the saved result
	opFlag    // has a flag
	opKeyword // has a keyword, which the mailbox need not know
	opRecent  // is recent
	opNew     // is recent and not seen
	opBefore  // internal date before a day
	opSince   // internal date on a day or after it
	opSmaller // fewer octets than n
	opLarger  // more octets than n
	opOlder   // came n seconds ago or earlier (RFC 5032)
	opYounger // came n seconds ago or later
	opModSeq  // modseq at least n (RFC 7162 §3.1.5)
	opSentBefore
	opSentSince
	opHeader // a header field contains a text
	opBody   // the body contains a text
	opText   // header or body contain a text
)

// criterion is a node of the tree that a SEARCH is parsed to.
type criterion struct {
	op     searchOp
	kids   []*criterion
	set    wire.NumSet
	uid    bool
	flag   maildir.Flags
	name   string // keyword, or header field
	text   string // folded for comparison
	needle int    // which of the program's needles text is; for BODY and TEXT
	day    time.Time
	n      uint64
	spans  []span // of opSet, in the numbers of the view
}

// searchProgram is a parsed SEARCH.
type searchProgram struct {
	root *criterion
	now  int64 // seconds since 1970

	ret     bool // RETURN was given
	min     bool
	max     bool
	all     bool
	count   bool
	save    bool
	modSeq  bool // MODSEQ is among the keys: the answer tells the highest
	sizes   bool // needs RFC822.SIZE
	charset string
	needles [][]byte // what is looked for in bodies, folded
}

func not(k *criterion) *criterion { return &criterion{op: opNot, kids: []*criterion{k}} }

// walk visits every node.
func (k *criterion) walk(f func(*criterion)) {
	f(k)
	for _, kid := range k.kids {
		kid.walk(f)
	}
}
