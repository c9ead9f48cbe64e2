package netserve

import (
	"bytes"
	"context"
	"encoding/hex"
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
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		a, err := readProxyHeader(r)
		if err == nil && a.remote.IsValid() != a.local.IsValid() {
			t.Errorf("half an answer: %v", a)
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
