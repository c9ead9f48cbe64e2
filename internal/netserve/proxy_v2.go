package netserve

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"strings"
)

// proxyBodyMax bounds what follows the fixed part of a version 2 header, octets.
const proxyBodyMax = 4096

// Additional data of a version 2 header (section 2.2 of the specification): type, length, value. Other types are passed over.
const (
	tlvCRC32C     = 0x03 // of the whole header, with this value as zeros
	tlvSSL        = 0x20 // flags, result of a client certificate's check, and more such data
	tlvSSLVersion = 0x21 // within tlvSSL: "TLSv1.3"

	sslFlag = 0x01 // in tlvSSL: the client speaks TLS to the proxy
)

// readProxyV2 reads what follows the signature.
func readProxyV2(r io.Reader) (proxyHeader, error) {
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return proxyHeader{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	size := int(binary.BigEndian.Uint16(fixed[2:]))
	if fixed[0]>>4 != 2 || size > proxyBodyMax {
		return proxyHeader{}, errNoProxyHeader
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return proxyHeader{}, fmt.Errorf("%w: %w", errNoProxyHeader, err)
	}
	switch fixed[0] & 0x0f {
	case 0: // LOCAL: the proxy itself speaks, for instance a health check
		return proxyHeader{}, nil
	case 1: // PROXY
	default:
		return proxyHeader{}, errNoProxyHeader
	}
	n := 0 // octets of an address
	switch fixed[1] {
	case 0x11: // TCP over IPv4
		n = 4
	case 0x21: // TCP over IPv6
		n = 16
	case 0x00, 0x31: // unspecified, Unix stream: no address to take over, and nobody to whom TLS could be credited
		return proxyHeader{}, nil
	default:
		return proxyHeader{}, errNoProxyHeader
	}
	if len(body) < 2*n+4 {
		return proxyHeader{}, errNoProxyHeader
	}
	src, _ := netip.AddrFromSlice(body[:n])
	dst, _ := netip.AddrFromSlice(body[n : 2*n])
	ports := body[2*n:]
	h := proxyHeader{
		remote: unmap(netip.AddrPortFrom(src, binary.BigEndian.Uint16(ports))),
		local:  unmap(netip.AddrPortFrom(dst, binary.BigEndian.Uint16(ports[2:]))),
	}
	err := eachTLV(body[2*n+4:], func(kind byte, value []byte) (err error) {
		switch kind {
		case tlvSSL:
			h.tls, err = proxiedTLS(value)
		case tlvCRC32C:
			err = checkCRC(fixed, body, value)
		}
		return err
	})
	if err != nil {
		return proxyHeader{}, err
	}
	return h, nil
}

// eachTLV calls f with each piece of additional data. Fewer than three octets at the end are padding (as AWS sends it), if they are zero.
func eachTLV(data []byte, f func(kind byte, value []byte) error) error {
	for len(data) > 0 {
		if len(data) < 3 {
			if len(bytes.Trim(data, "\x00")) == 0 {
				return nil
			}
			return errNoProxyHeader
		}
		kind, size := data[0], int(binary.BigEndian.Uint16(data[1:]))
		data = data[3:]
		if size > len(data) {
			return errNoProxyHeader
		}
		if err := f(kind, data[:size]); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// proxiedTLS reads a tlvSSL: the version of TLS, "TLS" where the proxy does not tell it, and empty for clear text.
func proxiedTLS(value []byte) (string, error) {
	if len(value) < 5 {
		return "", errNoProxyHeader
	}
	if value[0]&sslFlag == 0 {
		return "", nil
	}
	version := "TLS"
	err := eachTLV(value[5:], func(kind byte, value []byte) error {
		// It goes into logs and must be short and of one line.
		if kind == tlvSSLVersion && len(value) <= 16 && strings.HasPrefix(string(value), "TLSv") {
			version = strings.Map(printable, string(value))
		}
		return nil
	})
	return version, err
}

func printable(r rune) rune {
	if r <= ' ' || r >= 0x7f {
		return '?'
	}
	return r
}

// checkCRC compares the header's checksum; field is the part of body that holds it.
func checkCRC(fixed [4]byte, body, field []byte) error {
	if len(field) != 4 {
		return errNoProxyHeader
	}
	want := binary.BigEndian.Uint32(field)
	clear(field)
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	sum.Write(proxySignature)
	sum.Write(fixed[:])
	sum.Write(body)
	binary.BigEndian.PutUint32(field, want)
	if sum.Sum32() != want {
		return fmt.Errorf("%w: its checksum is wrong", errNoProxyHeader)
	}
	return nil
}
