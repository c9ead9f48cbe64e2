package pop3_test

import (
	"crypto/tls"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"bascule/internal/testkit"
)

// scramLogin runs a SCRAM exchange, with or without an initial response, and gives the last line of the server. The client's side is
// from a library that is tested against the RFC's examples; that it is content says that the server proved itself.
func scramLogin(t *testing.T, c *client, mechanism, user, password string, initial bool) string {
	t.Helper()
	cl, err := scram.SHA256.NewClient(user, password, "")
	if err != nil {
		t.Fatal(err)
	}
	conv := cl.NewConversation()
	if mechanism == "SCRAM-SHA-256-PLUS" {
		state := c.conn.(*tls.Conn).ConnectionState()
		binding, err := scram.NewTLSExporterBinding(&state)
		if err != nil {
			t.Fatal(err)
		}
		conv = cl.NewConversationWithChannelBinding(binding)
	}
	message, err := conv.Step("")
	if err != nil {
		t.Fatal(err)
	}
	if initial {
		c.send("AUTH %s %s", mechanism, base64.StdEncoding.EncodeToString([]byte(message)))
	} else {
		c.send("AUTH %s", mechanism)
		if got := c.line(); got != "+ " {
			t.Fatalf("got %q for an empty challenge", got)
		}
		c.send("%s", base64.StdEncoding.EncodeToString([]byte(message)))
	}
	for {
		line := c.line()
		challenge, goesOn := strings.CutPrefix(line, "+ ")
		if !goesOn {
			if strings.HasPrefix(line, "+OK") && !conv.Valid() {
				t.Error("let in before the server proved itself")
			}
			return line
		}
		data, err := base64.StdEncoding.DecodeString(challenge)
		if err != nil {
			t.Fatal(err)
		}
		if message, err = conv.Step(string(data)); err != nil && conv.Done() {
			t.Fatal(err)
		}
		c.send("%s", base64.StdEncoding.EncodeToString([]byte(message)))
	}
}

func TestSCRAM(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	for _, c := range []struct {
		kind, mechanism, password string
		initial                   bool
		want                      string
	}{
		{"pop3", "SCRAM-SHA-256", testkit.Password, true, "+OK"},
		{"pop3", "SCRAM-SHA-256", testkit.Password, false, "+OK"},
		{"pop3", "scram-sha-256", testkit.Password, true, "+OK"},
		{"pop3", "SCRAM-SHA-256", "wrong", true, "-ERR [AUTH]"},
		{"pop3s", "SCRAM-SHA-256-PLUS", testkit.Password, true, "+OK"},
		{"pop3s", "SCRAM-SHA-256-PLUS", testkit.Password, false, "+OK"},
		{"pop3s", "SCRAM-SHA-256-PLUS", "wrong", false, "-ERR [AUTH]"},
	} {
		conn := dial(t, s, c.kind)
		if got := scramLogin(t, conn, c.mechanism, "both@example.org", c.password, c.initial); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
		if c.want == "+OK" {
			conn.do("+OK 0 0", "STAT")
		} else if got := scramLogin(t, conn, c.mechanism, "both@example.org", testkit.Password, c.initial); !strings.HasPrefix(got, "+OK") {
			t.Errorf("%+v, second try: %q", c, got)
		}
		conn.do("+OK", "QUIT")
	}
}

// A man in the middle who ends TLS himself and passes SCRAM-PLUS on is found out: the binding is that of another connection.
func TestSCRAMOfAnotherConnection(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	one, two := dial(t, s, "pop3s"), dial(t, s, "pop3s")
	cl, err := scram.SHA256.NewClient("both@example.org", testkit.Password, "")
	if err != nil {
		t.Fatal(err)
	}
	state := one.conn.(*tls.Conn).ConnectionState()
	binding, err := scram.NewTLSExporterBinding(&state)
	if err != nil {
		t.Fatal(err)
	}
	conv := cl.NewConversationWithChannelBinding(binding)
	message, _ := conv.Step("")
	challenge := two.do("+ ", "AUTH SCRAM-SHA-256-PLUS %s", base64.StdEncoding.EncodeToString([]byte(message)))
	data, _ := base64.StdEncoding.DecodeString(challenge[2:])
	if message, err = conv.Step(string(data)); err != nil {
		t.Fatal(err)
	}
	two.do("-ERR [AUTH]", "%s", base64.StdEncoding.EncodeToString([]byte(message)))
}
