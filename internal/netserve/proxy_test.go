package netserve

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"strings"
	"testing"
)

const v2sig = "\r\n\r\n\x00\r\nQUIT\n"

func TestProxyHeader(t *testing.T) {
	v6 := "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "04d2" + "008f"
	for _, tc := range []struct{ name, header, remote, local string }{
		{"v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.2 1234 143\r\n", "192.0.2.1:1234", "198.51.100.2:143"},
		{"v1 TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 1234 143\r\n", "[2001:db8::1]:1234", "[2001:db8::2]:143"},
		{"v1 unknown", "PROXY UNKNOWN\r\n", "invalid AddrPort", "invalid AddrPort"},
		{"v1 unknown with more", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "invalid AddrPort", "invalid AddrPort"},
		{"v2 TCP4", v2sig + unhex("2111000cc0000201c633640204d2008f"), "192.0.2.1:1234", "198.51.100.2:143"},
		{"v2 TCP4 with TLV", v2sig + unhex("2111000fc0000201c633640204d2008f040000"), "192.0.2.1:1234", "198.51.100.2:143"},
		{"v2 TCP6", v2sig + unhex("21210024"+v6), "[2001:db8::1]:1234", "[2001:db8::2]:143"},
		{"v2 local", v2sig + unhex("20000000"), "invalid AddrPort", "invalid AddrPort"},
		{"v2 unspecified", v2sig + unhex("21000000"), "invalid AddrPort", "invalid AddrPort"},
	} {
		r := strings.NewReader(tc.header + "rest")
		a, err := readProxyHeader(r)
		if err != nil || a.remote.String() != tc.remote || a.local.String() != tc.local {
			t.Errorf("%s: %v %v %v", tc.name, a.remote, a.local, err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "rest" {
			t.Errorf("%s: left %q for the protocol, want %q", tc.name, rest, "rest")
		}
	}
	for _, bad := range []string{
		"", "A LOGIN x y\r\n....", "PROXY TCP4 192.0.2.1 198.51.100.2 1234 99999\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1234\r\n", "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", "PROXY TCP4 192.0.2.1",
		v2sig + unhex("1111000cc0000201c633640204d2008f"), v2sig + unhex("2111000bc0000201c633640204d200"),
		v2sig + unhex("2111ffff"), v2sig + unhex("2211000cc0000201c633640204d2008f"), v2sig + unhex("2112000cc0000201c633640204d2008f"),
	} {
		if a, err := readProxyHeader(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: accepted as %v", bad, a)
		}
	}
}

// A proxy that ends TLS says so in the header, and only there; a header that contradicts itself is none.
func TestProxyHeaderTellsOfTLS(t *testing.T) {
	const addresses = "c0000201c633640204d2008f"
	v13 := "210007" + hex.EncodeToString([]byte("TLSv1.3"))
	for _, tc := range []struct{ name, tlvs, tls string }{
		{"none", "", ""},
		{"TLS 1.3", "20000f" + "01" + "00000000" + v13, "TLSv1.3"},
		{"without a version", "200005" + "01" + "00000000", "TLS"},
		{"the flag is off", "20000f" + "00" + "00000000" + v13, ""},
		{"among others", "010003666f6f" + "20000f" + "0500000001" + v13 + "040000", "TLSv1.3"},
		{"a strange version", "20000d" + "0100000000" + "210005" + hex.EncodeToString([]byte("a\r\nb\x00")), "TLS"},
		{"padded with zeros", "0000", ""},
	} {
		h, err := readProxyHeader(strings.NewReader(v2(addresses + tc.tlvs)))
		if err != nil || h.tls != tc.tls || h.remote.String() != "192.0.2.1:1234" {
			t.Errorf("%s: %q %v %v", tc.name, h.tls, h.remote, err)
		}
	}
	for name, tlvs := range map[string]string{
		"longer than the header": "200010" + "0100000000", "too short for TLS": "200004" + "01000000", "half a TLV": "2000",
		"within TLS longer than that": "200008" + "0100000000" + "21ffff", "a wrong checksum": "03000400000001", "a short checksum": "0300020000",
	} {
		if h, err := readProxyHeader(strings.NewReader(v2(addresses + tlvs))); err == nil {
			t.Errorf("%s: accepted as %v", name, h)
		}
	}
	sum := crc32.Checksum([]byte(v2(addresses+"03000400000000")), crc32.MakeTable(crc32.Castagnoli))
	if _, err := readProxyHeader(strings.NewReader(v2(addresses + fmt.Sprintf("030004%08x", sum)))); err != nil {
		t.Errorf("the right checksum: %v", err)
	}
}

// v2 is a header for TCP over IPv4.
func v2(body string) string { return v2sig + unhex(fmt.Sprintf("2111%04x", len(body)/2)) + unhex(body) }

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 198.51.100.2 1234 143\r\n"))
	f.Add([]byte(v2sig + unhex("2111000cc0000201c633640204d2008f")))
	f.Add([]byte(v2("c0000201c633640204d2008f" + "20000f" + "0100000000" + "210007" + hex.EncodeToString([]byte("TLSv1.3")))))
	f.Add([]byte(v2("c0000201c633640204d2008f" + "03000400000000")))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		a, err := readProxyHeader(r)
		if err == nil && a.remote.IsValid() != a.local.IsValid() {
			t.Errorf("half an answer: %v", a)
		}
		if a.tls != "" && (!a.remote.IsValid() || len(a.tls) > 16 || strings.ContainsAny(a.tls, "\r\n\x00 ")) {
			t.Errorf("TLS is %q", a.tls)
		}
		if used := len(in) - r.Len(); used > 16+proxyBodyMax {
			t.Errorf("read %d octets for a header", used)
		}
	})
}

func TestProxyOnlyFromTrustedNetworks(t *testing.T) {
	seen := make(chan netip.AddrPort, 1)
	h := func(ctx context.Context, c *Conn) {
		seen <- c.Remote()
		echo(ctx, c)
	}
	header := "PROXY TCP4 192.0.2.1 198.51.100.2 1234 143\r\n"
	_, trusted := start(t, Config{Handler: h, Listeners: []Listener{
		{Name: "proxied", Address: "127.0.0.1:0", Proxy: true, From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}})
	c := dial(t, trusted)
	c.send(header + "hello\r\n")
	c.expect("got hello")
	if got := <-seen; got.String() != "192.0.2.1:1234" {
		t.Errorf("remote is %v", got)
	}
	_, strict := start(t, Config{Handler: h, Listeners: []Listener{
		{Name: "proxied", Address: "127.0.0.1:0", Proxy: true, From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}})
	c = dial(t, strict)
	io.WriteString(c.Conn, header+"hello\r\n")
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("a header from a stranger was believed")
	}
	select {
	case got := <-seen:
		t.Errorf("the handler ran for %v", got)
	default:
	}
}
