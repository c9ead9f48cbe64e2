package accounts

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// Made with openssl, Python's hashlib and other servers' documentation, not with
// the code under test.
var foreignHashes = map[string]string{
	"$6$saltsalt$XnbmenwzEe.1wkUi/c.M2eT8ENLI.ivjsElaWXowWOl/x5a3WTEoBjWiBdE5G62UnSpSOwYe53YqfUNgkf9l51":               "pässword1",
	"{SHA512-CRYPT}$6$saltsalt$XnbmenwzEe.1wkUi/c.M2eT8ENLI.ivjsElaWXowWOl/x5a3WTEoBjWiBdE5G62UnSpSOwYe53YqfUNgkf9l51": "pässword1",
	"{SHA256-CRYPT}$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA":                                            "secret",
	"{MD5-CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//":                                                                    "secret",
	"{MD5}$1$saltsalt$9xy1btjgzLYfb7hivXtC//":                                                                          "secret",
	"{CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//":                                                                        "secret",
	"{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                                          "U*U",
	"{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":                                          "U*U",
	"{PBKDF2}$1$NaClNaClNaCl$5000$0548139d07fa236e3335add5b4492e572b4f1fbe":                                            "secret",
	"{PBKDF2-SHA256}1000$c2FsdHNhbHRzYWx0$sVaWem31qy3rw.Ldi3plA/XzhMSNi9/XHnnD1Ytj05o":                                 "secret",
	"$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0$sVaWem31qy3rw.Ldi3plA/XzhMSNi9/XHnnD1Ytj05o":                                 "secret",
	"{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0":                                                                           "secret",
	"{ssha}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0":                                                                           "secret",
	"{SSHA256}+E+iFJ27Yu1ODPH1UNKUmzOmUT06dwfghQJRHHnMsO5zYWx0":                                                        "secret",
	"{SSHA256.HEX}f84fa2149dbb62ed4e0cf1f550d2949b33a6513d3a7707e08502511c79ccb0ee73616c74":                            "secret",
	"{SSHA512}E491yrR9AdCoE7rbOPYS3EZgSuZpVE65AD9xko08s6floNesY/Zpe9zMVvLix4S2FiQSJ99RIkNvhHomNO9uL3NhbHQ=":            "secret",
	"{SMD5}mc0uWpXVVe5747A4pKhGJXNhbHQ=":                                                                               "secret",
	"{SHA256}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b":                                         "secret",
	"{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b":                                     "secret",
	"{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69":                                                                      "secret",
	"{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==":                                                                               "secret",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=":                                                                                "secret",
	"{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==":                 "secret",
	"{PLAIN}sécret":           "sécret",
	"{CLEARTEXT.B64}c2VjcmV0": "secret",
	// The keys of the example in RFC 7677 §3, in Dovecot's form.
	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=": "pencil",
}

func TestForeignHashes(t *testing.T) {
	for hash, password := range foreignHashes {
		if err := checkHash(hash); err != nil {
			t.Errorf("%s: %v", hash, err)
			continue
		}
		if ok, err := checkPassword(hash, password); !ok || err != nil {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
		for _, wrong := range []string{password + "x", strings.ToUpper(password) + "1", ""} {
			if ok, err := checkPassword(hash, wrong); ok || err != nil {
				t.Errorf("%s with %q: %v, %v", hash, wrong, ok, err)
			}
		}
	}
}

func TestRefusedHashes(t *testing.T) {
	for _, hash := range []string{
		"", "secret", "{", "{}x", "{NTLM}00", "{CRAM-MD5}00", "{CRYPT}ab01FAX.bQRSU", "{SSHA}", "{SSHA}!!!", "{SHA}aGk=", "{SHA256.ROT13}xx",
		"{PLAIN}", "{PLAIN.HEX}", "{SCRAM-SHA-256}4096,,,", "{SCRAM-SHA-256}0,AA==,AA==,AA==", "{PBKDF2}$1$salt$0$00", "$6$rounds=999999999$salt$x",
		"{ARGON2ID}$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$AAAA", "{BLF-CRYPT}$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"{SSHA}" + strings.Repeat("A", 8192),
	} {
		if err := checkHash(hash); !errors.Is(err, ErrScheme) {
			t.Errorf("%.60q was taken: %v", hash, err)
		}
	}
	if ok, err := checkPassword("{PLAIN-MD5}d41d8cd98f00b204e9800998ecf8427e", ""); ok || err != nil {
		t.Errorf("an empty password: %v, %v", ok, err)
	}
}

func TestKeysFromHash(t *testing.T) {
	keys, err := keysFromHash("{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", DefaultCost())
	if err != nil || keys.Iterations != 4096 || base64.StdEncoding.EncodeToString(keys.ServerKey) != "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=" {
		t.Errorf("%+v, %v", keys, err)
	}
	if keys, err := keysFromHash("{PLAIN}secret", Cost{SCRAMIterations: 4096}); err != nil || keys.Iterations != 4096 {
		t.Errorf("%+v, %v", keys, err)
	}
	if keys, err := keysFromHash("{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", DefaultCost()); err != nil || keys.Iterations != 0 {
		t.Errorf("%+v, %v", keys, err)
	}
}

// A damaged or hostile hash is an error, never a panic, and never opens the door.
func FuzzHash(f *testing.F) {
	for hash := range foreignHashes {
		f.Add(hash)
	}
	f.Add("{ARGON2ID}$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA")
	f.Fuzz(func(t *testing.T, hash string) {
		if scheme, _, _ := splitScheme(hash); scheme == "PLAIN" || scheme == "CLEAR" || scheme == "CLEARTEXT" {
			return
		}
		_, _, rest := splitScheme(hash)
		if checkCost(rest) != nil || checkFuzzCost(rest) {
			return
		}
		if ok, _ := checkPassword(hash, "not the password"); ok {
			t.Errorf("%q took a wrong password", hash)
		}
		keysFromHash(hash, Cost{SCRAMIterations: 4096})
	})
}

// checkFuzzCost leaves out what is allowed but too slow to fuzz.
func checkFuzzCost(rest string) bool {
	for _, c := range costs {
		if m := c.pattern.FindStringSubmatch(rest); m != nil && len(m[1]) > 4 {
			return true
		}
	}
	return strings.Contains(rest, "$2") || strings.Contains(rest, "ln=") || strings.Contains(rest, "$7$") || strings.Contains(rest, "$y$")
}
