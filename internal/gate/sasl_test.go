package gate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"bascule/internal/accounts"
)

// talk plays an exchange; responses[0] may be nil for no initial response.
func talk(f *fixture, c *Client, mech string, responses ...[]byte) (*Session, [][]byte, error) {
	x, err := f.gate.SASL(f.Context(), c, mech)
	if err != nil {
		return nil, nil, err
	}
	var challenges [][]byte
	for _, r := range responses {
		challenge, done, err := x.Next(r)
		if err != nil {
			return nil, challenges, err
		}
		if done {
			return x.Session(), challenges, nil
		}
		challenges = append(challenges, challenge)
	}
	return nil, challenges, nil
}

func TestPlainAndLogin(t *testing.T) {
	f := open(t, Options{})
	b := func(s string) []byte { return []byte(s) }
	for name, c := range map[string]struct {
		mech       string
		responses  [][]byte
		ok         bool
		challenges string
	}{
		"plain at once":           {"PLAIN", [][]byte{b("\x00anna@example.org\x00" + secret)}, true, ""},
		"plain asked":             {"PLAIN", [][]byte{nil, b("\x00anna@example.org\x00" + secret)}, true, "|"},
		"plain for oneself":       {"PLAIN", [][]byte{b("Anna@example.org\x00anna@example.org\x00" + secret)}, true, ""},
		"plain for somebody else": {"PLAIN", [][]byte{b("bert@example.org\x00anna@example.org\x00" + secret)}, false, ""},
		"plain wrong":             {"PLAIN", [][]byte{b("\x00anna@example.org\x00wrong")}, false, ""},
		"plain empty":             {"PLAIN", [][]byte{{}}, false, ""},
		"plain too few":           {"PLAIN", [][]byte{b("anna@example.org\x00" + secret)}, false, ""},
		"plain too many":          {"PLAIN", [][]byte{b("\x00anna@example.org\x00" + secret + "\x00")}, false, ""},
		"login":                   {"LOGIN", [][]byte{nil, b("anna@example.org"), b(secret)}, true, "Username:|Password:|"},
		"login at once":           {"LOGIN", [][]byte{b("anna@example.org"), b(secret)}, true, "Password:|"},
		"login with NUL":          {"LOGIN", [][]byte{nil, b("anna@example.org\x00"), b(secret)}, true, "Username:|Password:|"},
		"login wrong":             {"LOGIN", [][]byte{nil, b("anna@example.org"), b("wrong")}, false, "Username:|Password:|"},
		"login empty":             {"LOGIN", [][]byte{{}, {}}, false, "Password:|"},
		"unknown mechanism":       {"NTLM", [][]byte{nil}, false, ""},
		"plus without TLS":        {"SCRAM-SHA-256-PLUS", [][]byte{nil}, false, ""},
	} {
		s, challenges, err := talk(f, local(IMAP), c.mech, c.responses...)
		var got strings.Builder
		for _, ch := range challenges {
			got.Write(ch)
			got.WriteByte('|')
		}
		if (s != nil) != c.ok || !c.ok && !isCode(err, Auth) || got.String() != c.challenges {
			t.Errorf("%s: %v, %v, challenges %q", name, s, err, got.String())
		}
		if s != nil {
			s.End()
		}
	}
}

// scramTalk is a whole SCRAM exchange of a client from the same library, which is
// tested against the RFC's examples.
func scramTalk(f *fixture, c *Client, mech, user, password string, conv func(*scram.Client) *scram.ClientConversation) (*Session, string, error) {
	f.Helper()
	cl, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		f.Fatal(err)
	}
	cc := conv(cl)
	x, err := f.gate.SASL(f.Context(), c, mech)
	if err != nil {
		return nil, "", err
	}
	msg, err := cc.Step("")
	if err != nil {
		f.Fatal(err)
	}
	first := ""
	for {
		challenge, done, err := x.Next([]byte(msg))
		if err != nil {
			return nil, first, err
		}
		if done {
			if !cc.Valid() {
				f.Error("let in before the server proved itself")
			}
			return x.Session(), first, nil
		}
		if first == "" {
			first = string(challenge)
		}
		if msg, err = cc.Step(string(challenge)); err != nil {
			return nil, first, err
		}
	}
}

func unbound(c *scram.Client) *scram.ClientConversation { return c.NewConversation() }

func TestScram(t *testing.T) {
	f := open(t, Options{Throttle: Throttle{Off: true}})
	c := local(POP3)
	s, _, err := scramTalk(f, c, scramPlain, "Anna@Example.org", secret, unbound)
	if err != nil || s.Address != anna {
		t.Fatal(s, err)
	}
	s.End()
	if f.dir.count() != 0 {
		t.Error("SCRAM hashed a password")
	}
	salt := func(first string) string { _, v, _ := strings.Cut(first, ",s="); return v }
	_, first, err := scramTalk(f, c, scramPlain, string(anna), "wrong", unbound)
	if !isCode(err, Auth) || salt(first) == "" {
		t.Error(first, err)
	}
	// A name nobody has gets as far, with a salt that stays.
	_, one, err := scramTalk(f, c, scramPlain, "ghost@example.org", secret, unbound)
	_, two, _ := scramTalk(f, c, scramPlain, "Ghost@example.org", secret, unbound)
	if !isCode(err, Auth) || salt(one) == "" || salt(one) != salt(two) || len(salt(one)) != len(salt(first)) {
		t.Errorf("%q, %q, %v", one, two, err)
	}
	// The rule is told after the proof.
	f.set(accounts.AccountScope(anna), accounts.KeyProtocols, "imap")
	if _, _, err = scramTalk(f, c, scramPlain, string(anna), "wrong", unbound); !isCode(err, Auth) {
		t.Error(err)
	}
	if _, _, err = scramTalk(f, c, scramPlain, string(anna), secret, unbound); !isCode(err, SysPerm) {
		t.Error(err)
	}
	// Without an initial response there is an empty challenge first.
	x, err := f.gate.SASL(t.Context(), c, scramPlain)
	if err != nil {
		t.Fatal(err)
	}
	if ch, done, err := x.Next(nil); done || err != nil || ch == nil || len(ch) != 0 {
		t.Error(ch, done, err)
	}
	for name, garbage := range map[string]string{
		"nothing": "", "no name": "n,,n=,r=abc", "other": "n,a=bert@example.org,n=anna@example.org,r=abc",
		"binds": "p=tls-exporter,,n=anna@example.org,r=abc", "extension": "n,,m=x,n=a,r=b", "long": strings.Repeat("n", 1<<16),
	} {
		if _, _, err := talk(f, c, scramPlain, []byte(garbage), []byte(garbage), []byte{}); !isCode(err, Auth) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScramSeesThrottleAndPasswordChange(t *testing.T) {
	f := open(t, Options{AllowClear: true, Throttle: Throttle{Queue: time.Millisecond}})
	c, _ := client(IMAP, "192.0.2.1")
	for range 5 {
		if _, _, err := scramTalk(f, c, scramPlain, string(anna), "wrong", unbound); !isCode(err, Auth) {
			t.Fatal(err)
		}
	}
	if _, _, err := scramTalk(f, c, scramPlain, string(anna), "wrong", unbound); !isCode(err, Unavailable) {
		t.Error(err)
	}

	c, _ = client(IMAP, "203.0.113.1")
	change := func(cl *scram.Client) *scram.ClientConversation {
		conv := cl.NewConversation()
		f.dir.step(func(int) { // between the proof and the rule
			f.dir.step(nil, nil)
			if err := f.db.SetPassword(t.Context(), "op", anna, accounts.Clear("new")); err != nil {
				t.Error(err)
			}
		}, nil)
		return conv
	}
	if _, _, err := scramTalk(f, c, scramPlain, string(anna), secret, change); !isCode(err, Auth) {
		t.Errorf("the proof of a former password: %v", err)
	}
}

// tlsPair gives both ends of a TLS connection.
func tlsPair(t *testing.T, version uint16) (server, client *tls.ConnectionState) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	sc := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, MaxVersion: version})
	cc := tls.Client(b, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	t.Cleanup(func() { a.Close(); b.Close() })
	done := make(chan error, 1)
	go func() { done <- sc.Handshake() }()
	if err := cc.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ss, cs := sc.ConnectionState(), cc.ConnectionState()
	return &ss, &cs
}

func TestChannelBinding(t *testing.T) {
	f := open(t, Options{Throttle: Throttle{Off: true}})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server, mine := tlsPair(t, version)
		_, stranger := tlsPair(t, version)
		c, _ := client(IMAP, "192.0.2.1")
		c.TLS = server
		if m := f.gate.Mechanisms(c); !slices.Equal(m, []string{scramPlus, scramPlain, "PLAIN", "LOGIN"}) {
			t.Fatalf("TLS %x: %v", version, m)
		}
		bound := func(state *tls.ConnectionState) func(*scram.Client) *scram.ClientConversation {
			cb, err := scram.NewTLSExporterBinding(state)
			if err != nil {
				t.Fatal(err)
			}
			return func(cl *scram.Client) *scram.ClientConversation { return cl.NewConversationWithChannelBinding(cb) }
		}
		downgraded := func(cl *scram.Client) *scram.ClientConversation {
			return cl.NewConversationAdvertisingChannelBinding()
		}
		for name, try := range map[string]struct {
			mech string
			conv func(*scram.Client) *scram.ClientConversation
			ok   bool
		}{
			"bound":                       {scramPlus, bound(mine), true},
			"somebody sits in between":    {scramPlus, bound(stranger), false},
			"plus without binding":        {scramPlus, unbound, false},
			"not bound":                   {scramPlain, unbound, true},
			"somebody hid the -PLUS":      {scramPlain, downgraded, false},
			"bound, the other mechanism ": {scramPlain, bound(mine), true},
		} {
			s, _, err := scramTalk(f, c, try.mech, string(anna), secret, try.conv)
			if (err == nil) != try.ok {
				t.Errorf("TLS %x, %s: %v", version, name, err)
			}
			if s != nil {
				s.End()
			}
		}
	}
}

// Whatever a client sends: no panic, no session without the password.
func FuzzSASL(f *testing.F) {
	f.Add("PLAIN", []byte("\x00anna@example.org\x00x"), []byte(""), []byte(""))
	f.Add("LOGIN", []byte("anna@example.org"), []byte("x"), []byte(""))
	f.Add(scramPlain, []byte("n,,n=anna@example.org,r=abc"), []byte("c=biws,r=abc,p=AAAA"), []byte(""))
	f.Add(scramPlain, []byte("y,a=anna@example.org,n=anna@example.org,r=abc"), []byte("c=biws,r=abc,x=1,p="), []byte(""))
	fx := open(f, Options{Clock: systemClock{}, Throttle: Throttle{Off: true}})
	f.Fuzz(func(t *testing.T, mech string, a, b, c []byte) {
		for _, start := range [][]byte{a, nil} {
			x, err := fx.gate.SASL(t.Context(), local(IMAP), mech)
			if err != nil {
				return
			}
			for _, r := range [][]byte{start, a, b, c} {
				challenge, done, err := x.Next(r)
				if err != nil {
					break
				}
				if done && challenge != nil {
					t.Error("a challenge together with done")
				}
				if done {
					x.Session().End()
					if !bytes.Contains(slices.Concat(a, b, c), []byte(secret)) {
						t.Error("let in")
					}
					break
				}
			}
		}
	})
}
