package pop3

import "strconv"

// ok writes a positive status line with an English text, in the client's language. Output errors show when the connection flushes.
func (c *conn) ok(text string) error { return c.data(c.speaks.Text(text)) }

// data writes a positive status line that is for programs.
func (c *conn) data(text string) error {
	w := c.net.Writer()
	w.WriteString("+OK ")
	w.WriteString(text)
	w.WriteString("\r\n")
	return nil
}

// challenge writes a continuation line of AUTH (RFC 5034 §4).
func (c *conn) challenge(base64 string) error {
	w := c.net.Writer()
	w.WriteString("+ ")
	w.WriteString(base64)
	w.WriteString("\r\n")
	return nil
}

// refuse writes a negative status line with its code, if it has one.
func (c *conn) refuse(r *refusal) {
	w := c.net.Writer()
	w.WriteString("-ERR ")
	if r.code != "" {
		w.WriteString("[" + r.code + "] ")
	}
	w.WriteString(c.speaks.Text(r.text))
	w.WriteString("\r\n")
}

// line writes one line of a listing. Nothing that we list starts with a dot, save a unique-id, whose number stands in front.
func (c *conn) line(text string) {
	w := c.net.Writer()
	w.WriteString(text)
	w.WriteString("\r\n")
}

// done writes the last line of a multi-line reply.
func (c *conn) done() error {
	c.net.Writer().WriteString(".\r\n")
	return nil
}

// appendNumbers makes two decimal number; listings of 50,000 lines are made of little else.
func (c *conn) appendNumbers(first, second int64) []byte {
	c.scratch = strconv.AppendInt(c.scratch[:0], first, 10)
	c.scratch = append(c.scratch, ' ')
	return strconv.AppendInt(c.scratch, second, 10)
}
