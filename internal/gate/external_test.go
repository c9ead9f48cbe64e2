package gate

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// shows is a client with a certificate that was verified.
func shows(t *testing.T, p Protocol, leaf *x509.Certificate) *Client {
	c, _ := client(p, "192.0.2.1")
	c.TLS, _ = tlsPair(t, tls.VersionTLS13)
	c.TLS.VerifiedChains = [][]*x509.Certificate{{leaf}}
	return c
}

func TestExternal(t *testing.T) {
	f := open(t, Options{External: IdentityEmail, DefaultDomain: "example.org"})
	both := &x509.Certificate{EmailAddresses: []string{"no address", strings.ToUpper(string(anna)), string(bert)}}
	for name, try := range map[string]struct {
		leaf    *x509.Certificate
		authzid string
		as      string // empty: refused
	}{
		"its first name":               {both, "", string(anna)},
		"that name":                    {both, string(anna), string(anna)},
		"another of its names":         {both, string(bert), string(bert)},
		"somebody else":                {&x509.Certificate{EmailAddresses: []string{string(bert)}}, string(anna), ""},
		"an account that is not there": {&x509.Certificate{EmailAddresses: []string{"nobody@example.org"}}, "", ""},
		"a NUL":                        {both, string(anna) + "\x00", ""},
		"too much":                     {both, strings.Repeat("a", maxResponse+1), ""},
	} {
		for _, p := range []Protocol{POP3, IMAP} {
			c := shows(t, p, try.leaf)
			if m := f.gate.Mechanisms(c); m[0] != external || !slices.Contains(m, "PLAIN") {
				t.Fatalf("%s: offered %v", name, m)
			}
			x, err := f.gate.SASL(t.Context(), c, external)
			if err != nil {
				t.Fatal(err)
			}
			if challenge, done, err := x.Next(nil); len(challenge) != 0 || challenge == nil || done || err != nil {
				t.Fatalf("%s: without an initial response: %q %v %v", name, challenge, done, err)
			}
			_, done, err := x.Next([]byte(try.authzid))
			if done != (try.as != "") {
				t.Fatalf("%s: %v", name, err)
			}
			var r *Refusal
			if !done && (!errors.As(err, &r) || r.Code != Auth) {
				t.Errorf("%s: %v", name, err)
			}
			if done {
				if s := x.Session(); string(s.Address) != try.as {
					t.Errorf("%s: is in as %s", name, s.Address)
				}
				x.Session().End()
			}
		}
	}
}

// Nobody is offered EXTERNAL without a certificate that names an account, and nobody gets in by it; a switched-off protocol stays off.
func TestExternalNeedsAVerifiedCertificate(t *testing.T) {
	f := open(t, Options{External: IdentityCN})
	named := &x509.Certificate{Subject: pkix.Name{CommonName: string(anna)}}
	unverified := shows(t, IMAP, named)
	unverified.TLS.PeerCertificates, unverified.TLS.VerifiedChains = unverified.TLS.VerifiedChains[0], nil
	for name, c := range map[string]*Client{
		"clear text": local(IMAP), "not verified": unverified, "no name": shows(t, IMAP, &x509.Certificate{EmailAddresses: []string{string(anna)}}),
	} {
		if m := f.gate.Mechanisms(c); slices.Contains(m, external) {
			t.Errorf("%s: offered %v", name, m)
		}
		if _, err := f.gate.SASL(t.Context(), c, external); err == nil {
			t.Errorf("%s: begun", name)
		}
	}
	g := open(t, Options{})
	if m := g.gate.Mechanisms(shows(t, IMAP, named)); slices.Contains(m, external) {
		t.Errorf("not configured: offered %v", m)
	}
	x, err := f.gate.SASL(t.Context(), shows(t, IMAP, named), external)
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := x.Next([]byte{}); !done {
		t.Fatal(err)
	}
	x.Session().End()
}

// Who still needs an old version of TLS is named, so that it can be switched off one day.
func TestOldTLSIsNamed(t *testing.T) {
	var log strings.Builder
	var counted []string
	f := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), ObserveTLS: func(p Protocol, v string) { counted = append(counted, v) }})
	state, _ := tlsPair(t, tls.VersionTLS13)
	version := func(v uint16) *tls.ConnectionState { s := *state; s.Version = v; return &s }
	for _, c := range []*Client{
		{TLS: version(tls.VersionTLS10)}, {TLS: version(tls.VersionTLS12)}, {ProxyTLS: "TLSv1"},
		{ProxyTLS: "TLSv1.3"}, {ProxyTLS: "TLS"}, {},
	} {
		c.Protocol, c.Remote, c.Kick = IMAP, local(IMAP).Remote, func(Eviction) {}
		f.in(c, string(anna), secret).End()
	}
	if want := []string{"1.0", "1.2", "1.0", "1.3", "other", "none"}; !slices.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	line := `msg="login with an old version of TLS" conn="" protocol=imap remote=127.0.0.1 account=` + string(anna) + " version=1.0\n"
	if n := strings.Count(log.String(), line); n != 2 {
		t.Errorf("%d lines %q in\n%s", n, line, log.String())
	}
}
