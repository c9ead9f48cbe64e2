package imap

import (
	"strconv"
	"strings"
)

// Capabilities are promises: each one stands here only because all of it works.

// baseCapabilities hold in every state.
const baseCapabilities = "IMAP4rev1 IMAP4rev2 SASL-IR ENABLE ID LANGUAGE"

// userCapabilities hold after login, a line for each extension.
var userCapabilities = strings.Join([]string{
	"IDLE",
	"NAMESPACE",
	"UNSELECT",
	"UIDPLUS",
	"ESEARCH",
	"SEARCHRES",
	"WITHIN",
	"I18NLEVEL=1",
	"CONTEXT=SEARCH CONTEXT=SORT",
	"PARTIAL",
	"MULTISEARCH",
	"SEARCH=FUZZY",
	"SAVEDATE",
	"OBJECTID",
	"PREVIEW",
	"SORT SORT=DISPLAY ESORT",
	"THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS",
	"LIST-EXTENDED LIST-STATUS CHILDREN",
	"SPECIAL-USE CREATE-SPECIAL-USE XLIST",
	"MOVE",
	"BINARY",
	"MULTIAPPEND",
	"CATENATE URL-PARTIAL",
	"URLAUTH URLAUTH=BINARY",
	"REPLACE",
	"STATUS=SIZE",
	"CONDSTORE QRESYNC",
	"UIDONLY",
	"NOTIFY",
	"UTF8=ACCEPT",
	"UNAUTHENTICATE",
	"COMPRESS=DEFLATE",
	"ACL RIGHTS=kxte LIST-MYRIGHTS",
	"METADATA LIST-METADATA",
	"QUOTA QUOTASET QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
}, " ")

// capabilities lists what the server offers this client now (RFC 9051 §7.2.2).
func (c *conn) capabilities() string { return c.hide(c.allCapabilities()) }

func (c *conn) allCapabilities() string {
	b := make([]byte, 0, 512)
	b = append(b, baseCapabilities...)
	if c.srv.opt.LiteralMinus {
		b = append(b, " LITERAL-"...)
	} else {
		b = append(b, " LITERAL+"...)
	}
	if c.state != stateNotAuth {
		b = append(b, ' ')
		b = append(b, userCapabilities...)
		b = append(b, " APPENDLIMIT="...)
		return string(strconv.AppendInt(b, c.srv.opt.AppendLimit, 10))
	}
	if c.canStartTLS() {
		b = append(b, " STARTTLS"...)
	}
	plain := false
	for _, m := range c.mechanisms() {
		b = append(b, " AUTH="...)
		b = append(b, m...)
		plain = plain || m == "PLAIN"
	}
	if !plain {
		b = append(b, " LOGINDISABLED"...)
	}
	return string(b)
}

// enabled is what the client asked for with ENABLE, or by using an extension that implies it.
type enabled struct {
	rev2      bool // RFC 9051: ESEARCH instead of SEARCH, no RECENT, names in UTF-8
	utf8      bool // RFC 6855
	condstore bool // RFC 7162 §3.1: MODSEQ in every FETCH response
	qresync   bool // RFC 7162 §3.2: VANISHED instead of EXPUNGE; condstore is on too
	metadata  bool // RFC 5464 §4.1: METADATA of what others change
	uidOnly   bool // RFC 9586: no sequence numbers in either direction
}
