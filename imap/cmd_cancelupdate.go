package imap

import "slices"

// cmdCancelUpdate is CANCELUPDATE (RFC 5267 §4.3.5).
//
//	cancelupdate = "CANCELUPDATE" 1*(SP quoted)
func (c *conn) cmdCancelUpdate(r *request) error {
	var tags []string
	for more := c.dec.ExpectSP(); more; more = c.dec.SP() {
		var tag string
		if !c.dec.ExpectQuoted(&tag) {
			return c.dec.Err()
		}
		tags = append(tags, tag)
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	unknown := slices.ContainsFunc(tags, func(tag string) bool { return c.box.context(tag) == nil })
	c.box.contexts = slices.DeleteFunc(c.box.contexts, func(x *searchContext) bool { return slices.Contains(tags, x.tag) })
	if unknown {
		return no("", "No search of this tag is being updated")
	}
	return nil
}
