package netserve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt). The header is read octet by octet or by its stated
// length, so nothing behind it is taken away from the handler or from TLS.

var errNoProxyHeader = errors.New("netserve: no valid PROXY header")

// proxyTimeout bounds the wait for the header; without it, connections that send none would use up the descriptors.
const proxyTimeout = 5 * time.Second

const proxyV1Max = 107 // octets with CRLF, by the specification

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxyHeader is what a header says. Both addresses are zero for LOCAL and UNKNOWN (health checks), where the socket's own stand.
type proxyHeader struct {
	remote, local netip.AddrPort
	tls           string // version of TLS between client and proxy, "TLSv1.3"; empty: clear text, or not said
}

// acceptProxy reads the header and gives the connection the client's real address.
func (c *Conn) acceptProxy() error {
	c.raw.SetReadDeadline(time.Now().Add(proxyTimeout))
	a, err := readProxyHeader(c.raw)
	if err != nil {
		return err
	}
	if a.remote.IsValid() {
		c.remote, c.local, c.proxyTLS = a.remote, a.local, a.tls
	}
	return nil
}

func readProxyHeader(r io.Reader) (proxyHeader, error) {
	head := make([]byte, len(proxySignature), proxyV1Max)
	if _, err := io.ReadFull(r, head); err != nil {
		return proxyHeader{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	if bytes.Equal(head, proxySignature) {
		return readProxyV2(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) {
		return proxyHeader{}, errNoProxyHeader
	}
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == proxyV1Max {
			return proxyHeader{}, errNoProxyHeader
		}
		head = append(head, 0)
		if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
			return proxyHeader{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
		}
	}
	return parseProxyV1(string(head[:len(head)-2]))
}

func parseProxyV1(line string) (proxyHeader, error) {
	fields := strings.Split(line, " ")
	if len(fields) >= 2 && fields[1] == "UNKNOWN" {
		return proxyHeader{}, nil
	}
	if len(fields) != 6 || (fields[1] != "TCP4" && fields[1] != "TCP6") {
		return proxyHeader{}, errNoProxyHeader
	}
	remote, err1 := netip.ParseAddrPort(net.JoinHostPort(fields[2], fields[4]))
	local, err2 := netip.ParseAddrPort(net.JoinHostPort(fields[3], fields[5]))
	v4 := fields[1] == "TCP4"
	if err1 != nil || err2 != nil || remote.Addr().Zone() != "" || remote.Addr().Is4() != v4 || local.Addr().Is4() != v4 {
		return proxyHeader{}, errNoProxyHeader
	}
	return proxyHeader{remote: unmap(remote), local: unmap(local)}, nil
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
