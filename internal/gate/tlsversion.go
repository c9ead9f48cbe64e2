package gate

import (
	"crypto/tls"
	"strings"
)

// tlsVersion is the version of TLS that the client speaks, to us or to the proxy: "1.3"; "none" in clear text, "other" if it is not known.
func (c *Client) tlsVersion() string {
	name := c.ProxyTLS // "TLSv1", "TLSv1.2"
	if c.TLS != nil {
		name = tls.VersionName(c.TLS.Version) // "TLS 1.2"
	}
	if name == "" {
		return "none"
	}
	switch v := strings.TrimLeft(name, "TLSv "); v {
	case "1":
		return "1.0"
	case "1.0", "1.1", "1.2", "1.3":
		return v
	}
	return "other"
}

// noteTLS counts the version of a login, and names the accounts that would be locked out if the old ones were switched off.
func (g *Gate) noteTLS(s *Session) {
	v := s.Client.tlsVersion()
	g.opts.ObserveTLS(s.Protocol, v)
	if v == "1.0" || v == "1.1" {
		g.opts.Log.Warn("login with an old version of TLS", "conn", s.Client.ConnID, "protocol", string(s.Protocol),
			"remote", s.Client.Remote.Addr().Unmap().String(), "account", string(s.Address), "version", v)
	}
}
