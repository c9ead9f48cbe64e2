package imap

import "strings"

// cmdCompress is COMPRESS (RFC 4978 §3). Behind its OK both sides send DEFLATE. It is taken after the login only: a password that is compressed
// together with what others can make us say would be guessed by its length.
//
//	compress = "COMPRESS" SP algorithm
//	algorithm = "DEFLATE"
func (c *conn) cmdCompress(r *request) error {
	var algorithm string
	if !c.dec.ExpectSP() || !c.dec.ExpectAtom(&algorithm) || !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	switch {
	case !strings.EqualFold(algorithm, "DEFLATE"):
		return bad("Unknown compression; DEFLATE is the one there is")
	case c.nc.Compressed():
		return no("COMPRESSIONACTIVE", "DEFLATE is active already")
	}
	r.text = "DEFLATE active"
	r.then = c.nc.Compress
	return nil
}
