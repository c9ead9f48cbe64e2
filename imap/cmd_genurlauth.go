package imap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"bascule/imap/imapurl"
	"bascule/maildir"
)

// maxURLs bounds the URLs of one command: each may open an account.
const maxURLs = 100

// cmdGenURLAuth is GENURLAUTH (RFC 4467 §7.2): the user lets others read what is in his own mailboxes.
//
//	genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)
func (c *conn) cmdGenURLAuth(r *request) error {
	var rumps []string
	if !c.dec.ExpectSP() {
		return c.dec.Err()
	}
	for {
		var rump, mechanism string
		if !c.dec.ExpectAString(&rump) || !c.dec.ExpectSP() || !c.dec.ExpectAtom(&mechanism) {
			return c.dec.Err()
		}
		if !strings.EqualFold(mechanism, urlMechanism) {
			return bad("Unknown URL mechanism; INTERNAL is the one there is")
		}
		if rumps = append(rumps, rump); len(rumps) > maxURLs {
			return bad("Too many URLs in one command")
		}
		if !c.dec.SP() {
			break
		}
	}
	if !c.dec.ExpectCRLF() {
		return c.dec.Err()
	}
	urls := make([]string, len(rumps))
	for i, rump := range rumps {
		url, err := c.authorize(rump)
		if err != nil {
			return err
		}
		urls[i] = url
	}
	c.enc.Untagged().Atom("GENURLAUTH")
	for _, url := range urls {
		c.enc.SP().String(url)
	}
	c.enc.CRLF()
	return nil
}

// authorize makes a URL of a rump. What is wrong with one is BAD (RFC 4467 §7.2); whether the users that it names exist is not looked
// at, so that nobody can find out by it.
func (c *conn) authorize(rump string) (string, error) {
	u, err := imapurl.Parse(rump)
	switch {
	case err != nil:
		return "", bad("This is not the URL of a message")
	case u.Auth == nil:
		return "", bad("The URL lacks URLAUTH with an access identifier")
	case u.Auth.Mechanism != "":
		return "", bad("The URL has a token already")
	case !u.Absolute || u.User == "":
		return "", bad("The URL does not name its owner; it must begin with imap://USER@HOST/")
	case !c.isThisServer(u.Host):
		return "", bad("The URL names another server")
	case !c.isMe(u.User):
		return "", bad("Only the owner of a mailbox can authorize URLs into it")
	}
	p, err := c.locate(u.Mailbox)
	if err == nil && p.mount != c.home {
		return "", bad("Only the owner of a mailbox can authorize URLs into it")
	}
	var key []byte
	if err == nil {
		key, err = p.acct.MakeURLKey(c.ctx, p.folder)
	}
	if errors.Is(err, maildir.ErrNoMailbox) || errors.Is(err, maildir.ErrBadName) {
		return "", bad("The URL names no mailbox")
	}
	if err != nil {
		return "", err
	}
	if a := u.Auth; a.Access != imapurl.AccessSubmit { // a message on its way out is nothing special
		what := strings.TrimSuffix(accessNames[a.Access]+"+"+a.User, "+")
		c.noteURL("url.authorize", fmt.Sprintf("%s;UID=%d %s", p.folder, u.UID, what))
	}
	return rump + ":" + strings.ToLower(urlMechanism) + ":" + hex.EncodeToString(urlToken(key, u.Auth.Rump)), nil
}
