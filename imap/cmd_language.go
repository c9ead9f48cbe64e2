package imap

import "bascule/internal/language"

// cmdLanguage is LANGUAGE (RFC 5255 §3.2): which language people read who use the client, or which ones there are.
//
//	language-cmd = "LANGUAGE" *(SP lang-range-quoted)
//	lang-range-quoted = astring ; RFC 4647 language-range
func (c *conn) cmdLanguage(r *request) error {
	var ranges []string
	for c.dec.SP() {
		var s string
		if !c.dec.ExpectAString(&s) {
			return c.dec.Err()
		}
		if !language.IsRange(s) {
			return bad("Expected a language range")
		}
		ranges = append(ranges, s)
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	if len(ranges) == 0 {
		c.writeLanguages(language.Supported()...)
		r.text = "These are the languages"
		return nil
	}
	tag, ok := language.Choose(ranges...)
	if !ok {
		return no("", "No language of these is spoken here")
	}
	c.writeLanguages(tag)
	c.speak(tag)
	if c.state != stateNotAuth {
		c.writeNamespace()
	}
	r.text = "The language is English now"
	if tag == language.French {
		r.text = "The language is French now"
	}
	return nil
}

// speak makes a language that of all further texts. The default one is ASCII (RFC 5255 §3.1), others are UTF-8.
func (c *conn) speak(tag language.Tag) {
	c.lang = tag
	c.enc.UTF8Texts = tag != language.Default
}

// writeLanguages writes the LANGUAGE response: one language is the one that is spoken now, several are those that there are
// (RFC 5255 §3.3).
func (c *conn) writeLanguages(tags ...language.Tag) {
	c.enc.Untagged().Atom("LANGUAGE ").List(len(tags), func(i int) { c.enc.Atom(string(tags[i])) }).CRLF()
}
