package imap

import (
	"net/netip"
	"strconv"
)

// originates takes the address of the person for whom a webmail speaks, as it says it in ID (x-originating-ip and x-originating-port, as
// Dovecot's do). From clients outside the trusted networks it is passed over, as is what is no address: ID is not a command that fails.
// An empty ip takes back what was said.
func (c *conn) originates(ip, port string) {
	var remote netip.AddrPort
	if ip != "" {
		addr, err := netip.ParseAddr(ip)
		if err != nil || addr.Zone() != "" {
			return
		}
		n, _ := strconv.ParseUint(port, 10, 16) // 0: not known
		remote = netip.AddrPortFrom(addr.Unmap(), uint16(n))
	}
	if !c.srv.opt.Gate.SpeaksFor(c.client, remote) {
		c.log.Debug("x-originating-ip from an address that is not trusted", "remote", c.nc.Remote().String())
	}
}
