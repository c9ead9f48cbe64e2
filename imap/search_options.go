package imap

import "bascule/imap/wire"

// resultOptions are what RETURN asks for (RFC 9051 §6.4.4).
type resultOptions struct {
	given     bool // RETURN was there
	min       bool
	max       bool
	all       bool
	count     bool
	save      bool
	relevancy bool          // RFC 6203 §4
	update    bool          // RFC 5267 §4.3
	fetch     *fetchPlan    // UPDATE's items, nil for none
	last      string        // option that was read
	partial   *partialRange // RFC 9394 §3.1, RFC 5267 §4.4
}

// parse reads the options behind RETURN; none of those that tell something means ALL.
//
//	search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
func (o *resultOptions) parse(dec *wire.Decoder) bool {
	o.given = true
	if !dec.ExpectSP() || !dec.ExpectList(func() bool { return o.option(dec) }) {
		return false
	}
	if o.partial != nil && o.all {
		return dec.Fail("PARTIAL and ALL exclude each other")
	}
	if !o.tells() && !o.save {
		o.all = true
	}
	return true
}

func (o *resultOptions) option(dec *wire.Decoder) bool {
	var opt string
	if o.update && o.fetch == nil && o.last == "UPDATE" && dec.Peek() == '(' {
		return o.fetchItems(dec)
	}
	if !dec.ExpectKeyword(&opt) {
		return false
	}
	o.last = opt
	switch opt {
	case "MIN":
		o.min = true
	case "MAX":
		o.max = true
	case "ALL":
		o.all = true
	case "COUNT":
		o.count = true
	case "SAVE":
		o.save = true
	case "RELEVANCY":
		o.relevancy = true
	case "UPDATE":
		o.update = true
		if dec.Peek() == '(' {
			return o.fetchItems(dec)
		}
	case "CONTEXT": // a hint that the same will be asked again, RFC 5267 §4.2
	case "PARTIAL":
		if o.partial != nil {
			return dec.Fail("PARTIAL may be there once")
		}
		o.partial = new(partialRange)
		return dec.ExpectSP() && o.partial.parse(dec)
	default:
		return dec.Fail("unknown result option")
	}
	return true
}

// fetchItems reads what is to be told of messages that come into the result (RFC 5465 §7); a blank may stand before it or not.
//
//	modifier-update = "UPDATE" [ "(" fetch-att *(SP fetch-att) ")" ]
func (o *resultOptions) fetchItems(dec *wire.Decoder) bool {
	o.fetch = &fetchPlan{}
	items := fetchParser{dec: dec, plan: o.fetch}
	if !items.items() {
		return false
	}
	o.fetch.seen = false // nobody has read it because it was announced
	return true
}

// tells says whether there is anything to be told beyond the tagged reply. With UPDATE alone there is an ESEARCH that tells nothing but the tag.
func (o *resultOptions) tells() bool {
	return o.min || o.max || o.all || o.count || o.relevancy || o.update || o.partial != nil
}
