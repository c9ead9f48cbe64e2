package config

import (
	"strings"
	"testing"
)

func TestWithoutSecrets(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://mail@db/mail?sslmode=verify-full":   "postgres://mail@db/mail?sslmode=verify-full",
		"postgres://mail:secret@db:5432/mail":           "postgres://mail:***@db:5432/mail",
		"postgres://mail:secr/e@t@db/mail":              "postgres://mail:***@db/mail",
		"postgres://db/mail?user=a&password=secret&x=1": "postgres://db/mail?user=a&password=***&x=1",
		"host=db password=secret user=a":                "host=db password=*** user=a",
		`host=db password = 'my \' secret' user=a`:      "host=db password = *** user=a",
		"sslpassword='secret":                           "sslpassword=***",
	} {
		c := Default()
		c.PostgreSQL.URL = url
		if got := c.WithoutSecrets().PostgreSQL.URL; got != want {
			t.Errorf("%s is shown as %s", url, got)
		}
		if strings.Contains(string(c.WithoutSecrets().Marshal()), "secret") || c.PostgreSQL.URL != url {
			t.Errorf("%s", c.WithoutSecrets().Marshal())
		}
	}
}
