package netserve

import (
	"bytes"
	"encoding/binary"
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

const (
	proxyV1Max   = 107 // octets with CRLF, by the specification
	proxyBodyMax = 4096
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxyAddresses is what a header says; both are zero for LOCAL and UNKNOWN (health checks), where the socket's own addresses stand.
type proxyAddresses struct{ remote, local netip.AddrPort }

// acceptProxy reads the header and gives the connection the client's real address.
func (c *Conn) acceptProxy() error {
	c.raw.SetReadDeadline(time.Now().Add(proxyTimeout))
	a, err := readProxyHeader(c.raw)
	if err != nil {
		return err
	}
	if a.remote.IsValid() {
		c.remote, c.local = a.remote, a.local
	}
	return nil
}

func readProxyHeader(r io.Reader) (proxyAddresses, error) {
	head := make([]byte, len(proxySignature), proxyV1Max)
	if _, err := io.ReadFull(r, head); err != nil {
		return proxyAddresses{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	if bytes.Equal(head, proxySignature) {
		return readProxyV2(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) {
		return proxyAddresses{}, errNoProxyHeader
	}
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == proxyV1Max {
			return proxyAddresses{}, errNoProxyHeader
		}
		head = append(head, 0)
		if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
			return proxyAddresses{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
		}
	}
	return parseProxyV1(string(head[:len(head)-2]))
}

func parseProxyV1(line string) (proxyAddresses, error) {
	fields := strings.Split(line, " ")
	if len(fields) >= 2 && fields[1] == "UNKNOWN" {
		return proxyAddresses{}, nil
	}
	if len(fields) != 6 || (fields[1] != "TCP4" && fields[1] != "TCP6") {
		return proxyAddresses{}, errNoProxyHeader
	}
	remote, err1 := netip.ParseAddrPort(net.JoinHostPort(fields[2], fields[4]))
	local, err2 := netip.ParseAddrPort(net.JoinHostPort(fields[3], fields[5]))
	v4 := fields[1] == "TCP4"
	if err1 != nil || err2 != nil || remote.Addr().Zone() != "" || remote.Addr().Is4() != v4 || local.Addr().Is4() != v4 {
		return proxyAddresses{}, errNoProxyHeader
	}
	return proxyAddresses{unmap(remote), unmap(local)}, nil
}

func readProxyV2(r io.Reader) (proxyAddresses, error) {
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return proxyAddresses{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	size := int(binary.BigEndian.Uint16(fixed[2:]))
	if fixed[0]>>4 != 2 || size > proxyBodyMax {
		return proxyAddresses{}, errNoProxyHeader
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return proxyAddresses{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	switch fixed[0] & 0x0f {
	case 0: // LOCAL: the proxy itself speaks, for instance a health check
		return proxyAddresses{}, nil
	case 1: // PROXY
	default:
		return proxyAddresses{}, errNoProxyHeader
	}
	switch fixed[1] {
	case 0x11: // TCP over IPv4
		return proxyV2Addresses(body, 4)
	case 0x21: // TCP over IPv6
		return proxyV2Addresses(body, 16)
	case 0x00, 0x31: // unspecified, Unix stream: no address to take over
		return proxyAddresses{}, nil
	}
	return proxyAddresses{}, errNoProxyHeader
}

func proxyV2Addresses(body []byte, n int) (proxyAddresses, error) {
	if len(body) < 2*n+4 {
		return proxyAddresses{}, errNoProxyHeader
	}
	src, _ := netip.AddrFromSlice(body[:n])
	dst, _ := netip.AddrFromSlice(body[n : 2*n])
	ports := body[2*n:]
	return proxyAddresses{
		unmap(netip.AddrPortFrom(src, binary.BigEndian.Uint16(ports))),
		unmap(netip.AddrPortFrom(dst, binary.BigEndian.Uint16(ports[2:]))),
	}, nil
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
