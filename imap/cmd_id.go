package imap

import "strings"

// Bounds of RFC 2971 §3.3: pairs, octets of a field name, octets of a value.
const (
	maxIDPairs = 30
	maxIDKey   = 30
	maxIDValue = 1024
)

// cmdID is ID (RFC 2971). What the client says of itself goes into the session list, for support; the address that a trusted
// webmail names counts as its client's from then on.
//
//	id = "ID" SP id_params_list
//	id_params_list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil
func (c *conn) cmdID(r *request) error {
	said := make(map[string]string)
	if !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	pair := func() bool {
		var key, value string
		var ok bool
		if !c.dec.ExpectString(&key) || !c.dec.ExpectSP() || !c.dec.ExpectNString(&value, &ok) {
			return false
		}
		if len(said) >= maxIDPairs || len(key) > maxIDKey || len(value) > maxIDValue {
			return c.dec.Fail("ID holds too much")
		}
		said[strings.ToLower(key)] = value
		return true
	}
	if !c.dec.List(pair) {
		var s string
		var ok bool
		if !c.dec.ExpectNString(&s, &ok) {
			return c.dec.Err()
		}
		if ok {
			return bad("ID takes a list or NIL")
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	c.clientID = strings.TrimSpace(said["name"] + " " + said["version"])
	if c.sess != nil && c.clientID != "" {
		c.sess.SetClientName(c.clientID)
	}
	if ip := said["x-originating-ip"]; ip != "" && c.state == stateNotAuth {
		c.originates(ip, said["x-originating-port"])
	}
	c.enc.Untagged().Atom("ID ").BeginList()
	c.enc.Item().String("name").SP().String(c.srv.opt.Name)
	if c.state != stateNotAuth && c.srv.opt.Version != "" {
		c.enc.Item().String("version").SP().String(c.srv.opt.Version)
	}
	c.enc.EndList().CRLF()
	return nil
}
