package imap

import (
	"encoding/hex"
	"strings"
	"testing"

	"bascule/imap/imapurl"
)

// A token vouches for its own URL by its own key, in whatever case its digits are, and for nothing else.
func TestTokens(t *testing.T) {
	key, other := []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("l", 32))
	rump := "imap://joe@x/INBOX/;UID=1;URLAUTH=authuser"
	token := hex.EncodeToString(urlToken(key, rump))
	if len(token) != 66 || token[:2] != "02" {
		t.Errorf("token %s", token)
	}
	for _, c := range []struct {
		rump, token string
		key         []byte
		want        bool
	}{
		{rump, token, key, true},
		{rump, strings.ToUpper(token), key, true},
		{rump, token, other, false},
		{rump, token, nil, false},
		{rump, hex.EncodeToString(urlToken(make([]byte, 32), rump)), nil, false}, // what a mailbox without a key is compared with
		{rump + "x", token, key, false},
		{rump, token[:64], key, false},
		{rump, token + "00", key, false},
		{rump, "01" + token[2:], key, false},
		{rump, "", key, false},
	} {
		if got := vouched(&imapurl.Auth{Rump: c.rump, Token: c.token}, c.key); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
