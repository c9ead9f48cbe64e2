package imap

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// HideRule keeps capabilities from clients that break over them. What is hidden still works for who asks for it all the same.
type HideRule struct {
	client string // pattern of path.Match, in lower case, for "name version" of the client's ID
	hidden []string
}

// ParseHideRule reads "PATTERN: CAPABILITY ...": "*" in the pattern is any text without a slash. Letters may be in either case.
func ParseHideRule(s string) (HideRule, error) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return HideRule{}, fmt.Errorf("%q: want PATTERN: CAPABILITY ...", s)
	}
	h := HideRule{client: strings.ToLower(strings.TrimSpace(s[:at])), hidden: strings.Fields(strings.ToUpper(s[at+1:]))}
	if _, err := path.Match(h.client, ""); err != nil || h.client == "" {
		return HideRule{}, fmt.Errorf("%q: %q is no pattern", s, h.client)
	}
	if len(h.hidden) == 0 {
		return HideRule{}, fmt.Errorf("%q: no capability is named", s)
	}
	return h, nil
}

// hide takes out of a list of capabilities what this client is not to see.
func (c *conn) hide(capabilities string) string {
	hidden := c.hidden()
	if len(hidden) == 0 {
		return capabilities
	}
	return strings.Join(slices.DeleteFunc(strings.Fields(capabilities), func(w string) bool { return slices.Contains(hidden, w) }), " ")
}

// hidden are the capabilities that are kept from this client, by what it calls itself and, after the login, by the account's setting.
func (c *conn) hidden() (names []string) {
	if c.sess != nil {
		names = strings.Fields(c.sess.Settings.IMAPHide)
	}
	if c.clientID == "" {
		return names
	}
	client := strings.ToLower(c.clientID)
	for _, rule := range c.srv.opt.Hide {
		if is, _ := path.Match(rule.client, client); is {
			names = append(names, rule.hidden...)
		}
	}
	return names
}
