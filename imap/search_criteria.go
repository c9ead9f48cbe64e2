package imap

import (
	"time"

	"bascule/imap/wire"
	"bascule/internal/message"
	"bascule/maildir"
)

type searchOp uint8

const (
	opAll searchOp = iota
	opAnd
	opOr
	opNot
	opSet         // a set of sequence numbers, UIDs, or the saved result
	opFlag        // has a flag
	opKeyword     // has a keyword, which the mailbox need not know
	opRecent      // is recent
	opNew         // is recent and not seen
	opBefore      // internal date before a day
	opSince       // internal date on a day or after it
	opSmaller     // fewer octets than n
	opLarger      // more octets than n
	opOlder       // came n seconds ago or earlier (RFC 5032)
	opYounger     // came n seconds ago or later
	opEmailID     // is the mail of an id (RFC 8474 §6)
	opThreadID    // is in the thread of an id
	opModSeq      // modseq at least n (RFC 7162 §3.1.5)
	opSavedBefore // save date before a day (RFC 8514)
	opSavedSince
	opSentBefore
	opSentSince
	opHeader // a header field contains a text
	opBody   // the body contains a text
	opText   // header or body contain a text
	opFuzzy  // kids: what is looked for, and what is meant by it to the letter (search_fuzzy.go)
)

// criterion is a node of the tree that a SEARCH is parsed to.
type criterion struct {
	op     searchOp
	kids   []*criterion
	set    wire.NumSet
	uid    bool
	flag   maildir.Flags
	name   string            // keyword, or header field
	text   string            // folded for comparison
	find   message.Needle    // the same
	needle int               // which of the program's needles it is; for BODY and TEXT
	field  maildir.FieldCode // of name, where that is a field that is kept in memory
	hits   *maildir.TextHits // what the text index says; nil: nothing
	hit    int               // which of its texts it is
	day    time.Time
	n      uint64
	spans  []span               // of opSet, in the numbers of the view
	uids   map[maildir.UID]bool // of opEmailID: which messages have the id
}

// searchProgram is what a SEARCH, and its kin, look for.
type searchProgram struct {
	root *criterion
	now  int64 // seconds since 1970

	modSeq  bool // MODSEQ is among the keys: the answer tells the highest
	sizes   bool // needs RFC822.SIZE
	fuzzy   bool // FUZZY is among the keys
	scored  bool // the hits' relevancy is wanted
	charset string
	needles []message.Needle // what is looked for in bodies
	fields  bool             // looks into header fields that are kept in memory
}

func not(k *criterion) *criterion { return &criterion{op: opNot, kids: []*criterion{k}} }

// walk visits every node.
func (k *criterion) walk(f func(*criterion)) {
	f(k)
	for _, kid := range k.kids {
		kid.walk(f)
	}
}
