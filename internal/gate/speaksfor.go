package gate

import "net/netip"

// SpeaksFor notes for which address a client speaks that is itself a gateway, as a webmail is. It counts from now on for the throttle,
// limits, logs and the list of sessions. It is false, and nothing changes, if the client's own address is not in a trusted network: else
// anybody could choose whom to blame. Whether passwords may come in clear text goes on depending on the gateway's own address, for that is
// where they cross the network. Only before a login. A zero address takes the former one back.
func (g *Gate) SpeaksFor(c *Client, remote netip.AddrPort) bool {
	own := c.Remote
	if c.Via.IsValid() {
		own = c.Via
	}
	switch {
	case !remote.IsValid():
		c.Remote, c.Via = own, netip.AddrPort{}
	case g.throttle.isTrusted(own.Addr()):
		c.Remote, c.Via = remote, own
	default:
		return false
	}
	return true
}
