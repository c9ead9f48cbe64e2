package config

import "regexp"

var (
	userInfo       = regexp.MustCompile(`^([a-zA-Z]+://[^:/@]*:).*@`)
	passwordOption = regexp.MustCompile(`(?i)(password\s*=\s*)('(\\.|[^'\\])*'?|[^\s&]+)`) // sslpassword too
)

// WithoutSecrets is the configuration to be shown: whoever gave the database's URL a password in spite of our advice, or had it come from
// a secret file (BASCULE_POSTGRESQL_URL_FILE), does not see it printed.
func (c Config) WithoutSecrets() Config {
	c.PostgreSQL.URL = passwordOption.ReplaceAllString(userInfo.ReplaceAllString(c.PostgreSQL.URL, "$1***@"), "$1***")
	return c
}
