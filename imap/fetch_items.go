package imap

import (
	"bascule/imap/wire"
	"bascule/maildir"
)

type itemKind uint8

const (
	itemFlags itemKind = iota
	itemUID
	itemInternalDate
	itemSaveDate // RFC 8514
	itemSize
	itemModSeq
	itemEmailID  // RFC 8474
	itemThreadID // RFC 8474
	itemPreview  // RFC 8970
	itemEnvelope
	itemBody          // BODY without a section
	itemBodyStructure // BODYSTRUCTURE
	itemSection       // BODY[...], RFC822, RFC822.HEADER, RFC822.TEXT
	itemBinary        // BINARY[...]
	itemBinarySize    // BINARY.SIZE[...]
)

// fetchItem is one thing asked for.
type fetchItem struct {
	kind    itemKind
	label   string // how RFC822 and its kin are called in the answer; "" for BODY and BINARY
	section wire.Section
	partial *wire.Partial
	lazy    bool // of PREVIEW: only what need not be made first
	kept    bool // of BODY[HEADER.FIELDS]: the index has these fields
}

// fetchPlan is a parsed FETCH: what is asked for, and where it has to be got from.
type fetchPlan struct {
	items   []fetchItem
	seen    bool // sets \Seen
	parsed  bool // needs what the index keeps of headers and structure
	sizes   bool // needs RFC822.SIZE
	derived bool // needs what the index keeps of whole messages
	modSeq  bool
	changed bool // only messages changed since ...
	since   maildir.ModSeq
	partial *partialRange // only these of the messages that the set names (RFC 9394 §3.3)
	gone    bool          // and what went since then
}

// maxItems bounds the items of one FETCH: more would let a short command ask for a mailbox many times over.
const maxItems = 250

var macros = map[string][]itemKind{
	"ALL":  {itemFlags, itemInternalDate, itemSize, itemEnvelope},
	"FAST": {itemFlags, itemInternalDate, itemSize},
	"FULL": {itemFlags, itemInternalDate, itemSize, itemEnvelope, itemBody},
}

var plainItems = map[string]itemKind{
	"FLAGS": itemFlags, "UID": itemUID, "INTERNALDATE": itemInternalDate, "SAVEDATE": itemSaveDate, "RFC822.SIZE": itemSize, "MODSEQ": itemModSeq,
	"EMAILID": itemEmailID, "THREADID": itemThreadID, "ENVELOPE": itemEnvelope, "BODYSTRUCTURE": itemBodyStructure,
}

// add notes an item and what it needs; what was asked for already is answered once.
func (p *fetchPlan) add(it fetchItem) {
	if it.kind < itemSection {
		for i := range p.items {
			if have := &p.items[i]; have.kind == it.kind {
				have.lazy = have.lazy && it.lazy
				return
			}
		}
	}
	switch it.kind {
	case itemSize:
		p.sizes = true
	case itemModSeq:
		p.modSeq = true
	case itemEnvelope, itemBody, itemBodyStructure, itemBinary, itemBinarySize, itemThreadID:
		p.parsed = true
	case itemEmailID, itemPreview:
		p.parsed, p.derived = true, true
	case itemSection:
		p.parsed = p.parsed || len(it.section.Part) > 0 || it.section.Text != ""
		it.kept = keptFields(it.section)
	}
	p.items = append(p.items, it)
}

// items reads
//
//	("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
func (d *fetchParser) items() bool {
	if d.dec.Peek() != '(' {
		return d.item(true)
	}
	n := 0
	return d.dec.ExpectList(func() bool { n++; return d.item(false) }) && (n > 0 || d.dec.Fail("no FETCH items"))
}

// modifiers reads
//
//	[SP "(" fetch-modifier *(SP fetch-modifier) ")"]
//	fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value / "VANISHED" / "PARTIAL" SP partial-range
func (d *fetchParser) modifiers() bool {
	if !d.dec.SP() {
		return d.dec.Err() == nil
	}
	n := 0
	if !d.dec.ExpectList(func() bool { n++; return d.modifier() }) {
		return false
	}
	switch {
	case n == 0:
		return d.dec.Fail("no FETCH modifiers")
	case d.plan.gone && !d.plan.changed:
		return d.dec.Fail("VANISHED needs CHANGEDSINCE")
	}
	return true
}

func (d *fetchParser) modifier() bool {
	var name string
	if !d.dec.ExpectKeyword(&name) {
		return false
	}
	switch name {
	case "CHANGEDSINCE":
		var n uint64
		if !d.dec.ExpectSP() || !d.dec.ExpectNumber64(&n) {
			return false
		}
		d.plan.changed, d.plan.since = true, maildir.ModSeq(n) // 0, which iOS sends, means all
		return true
	case "VANISHED":
		if !d.uid || !d.qresync {
			return d.dec.Fail("VANISHED is for UID FETCH, and QRESYNC must be enabled first")
		}
		d.plan.gone = true
		return true
	case "PARTIAL":
		switch {
		case !d.uid:
			return d.dec.Fail("PARTIAL is for UID FETCH")
		case d.plan.partial != nil:
			return d.dec.Fail("PARTIAL may be there once")
		}
		d.plan.partial = new(partialRange)
		return d.dec.ExpectSP() && d.plan.partial.parse(d.dec)
	}
	return d.dec.Fail("unknown FETCH modifier")
}

// fetchParser reads the arguments of FETCH into a plan.
type fetchParser struct {
	dec     *wire.Decoder
	plan    *fetchPlan
	uid     bool // UID FETCH
	qresync bool // it is enabled
}

// item reads one fetch-att, or a macro where one may stand.
func (d *fetchParser) item(macro bool) bool {
	var name string
	if !d.dec.ExpectAtt(&name) {
		return false
	}
	if len(d.plan.items) >= maxItems {
		return d.dec.Fail("too many FETCH items")
	}
	if kinds, ok := macros[name]; ok && macro {
		for _, k := range kinds {
			d.plan.add(fetchItem{kind: k})
		}
		return true
	}
	if kind, ok := plainItems[name]; ok {
		d.plan.add(fetchItem{kind: kind})
		return true
	}
	switch name {
	case "PREVIEW":
		return d.preview()
	case "RFC822":
		return d.section(fetchItem{kind: itemSection, label: name}, false)
	case "RFC822.TEXT":
		return d.section(fetchItem{kind: itemSection, label: name, section: wire.Section{Text: "TEXT"}}, false)
	case "RFC822.HEADER":
		return d.section(fetchItem{kind: itemSection, label: name, section: wire.Section{Text: "HEADER"}}, true)
	case "BODY":
		if d.dec.Peek() != '[' {
			d.plan.add(fetchItem{kind: itemBody})
			return d.dec.Err() == nil
		}
		return d.bracket(fetchItem{kind: itemSection}, false)
	case "BODY.PEEK":
		return d.bracket(fetchItem{kind: itemSection}, true)
	case "BINARY":
		return d.bracket(fetchItem{kind: itemBinary}, false)
	case "BINARY.PEEK":
		return d.bracket(fetchItem{kind: itemBinary}, true)
	case "BINARY.SIZE":
		return d.bracket(fetchItem{kind: itemBinarySize}, true)
	}
	return d.dec.Fail("unknown FETCH item")
}

// bracket reads the section and, where one may follow, the partial.
func (d *fetchParser) bracket(it fetchItem, peek bool) bool {
	read := d.dec.ExpectPartSection
	if it.kind == itemSection {
		read = d.dec.ExpectSection
	}
	if !read(&it.section) {
		return false
	}
	if it.kind != itemBinarySize && d.dec.Peek() == '<' {
		var p wire.Partial
		if !d.dec.Partial(&p) {
			return false
		}
		it.partial = &p
	}
	return d.section(it, peek)
}

func (d *fetchParser) section(it fetchItem, peek bool) bool {
	d.plan.add(it)
	d.plan.seen = d.plan.seen || !peek
	return d.dec.Err() == nil
}
