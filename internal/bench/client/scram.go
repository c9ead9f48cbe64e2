package client

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// SCRAM is a user's side of SCRAM-SHA-256 (RFC 5802, RFC 7677). It remembers the salted password, as mail clients do, so that the
// generator does not spend its time on PBKDF2.
type SCRAM struct {
	User, Password string

	// mu protects the fields below.
	mu       sync.Mutex
	saltedOf string // salt and iterations that salted was made with
	salted   []byte
}

type scramExchange struct {
	k         *SCRAM
	bare      string // client-first-message-bare
	nonce     string
	serverSig []byte
}

func (k *SCRAM) begin() *scramExchange {
	raw := make([]byte, 18)
	rand.Read(raw)
	x := &scramExchange{k: k, nonce: base64.StdEncoding.EncodeToString(raw)}
	x.bare = "n=" + k.User + ",r=" + x.nonce
	return x
}

func (x *scramExchange) first() string { return "n,," + x.bare }

// final answers the server's first message.
func (x *scramExchange) final(serverFirst string) (string, error) {
	var nonce, salt string
	iterations := 0
	for _, f := range strings.Split(serverFirst, ",") {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "r":
			nonce = value
		case "s":
			salt = value
		case "i":
			iterations, _ = strconv.Atoi(value)
		}
	}
	if !strings.HasPrefix(nonce, x.nonce) || salt == "" || iterations < 1 {
		return "", fmt.Errorf("SCRAM: server's first message %.200q", serverFirst)
	}
	salted, err := x.k.saltedPassword(salt, iterations)
	if err != nil {
		return "", err
	}
	without := "c=biws,r=" + nonce
	message := x.bare + "," + serverFirst + "," + without
	clientKey := mac(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	proof := mac(stored[:], message)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	x.serverSig = mac(mac(salted, "Server Key"), message)
	return without + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func (x *scramExchange) verify(serverFinal string) error {
	v, ok := strings.CutPrefix(serverFinal, "v=")
	sig, err := base64.StdEncoding.DecodeString(v)
	if !ok || err != nil || !bytes.Equal(sig, x.serverSig) {
		return fmt.Errorf("SCRAM: server's signature %.200q", serverFinal)
	}
	return nil
}

func (k *SCRAM) saltedPassword(salt string, iterations int) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := salt + "," + strconv.Itoa(iterations)
	if k.saltedOf != of {
		raw, err := base64.StdEncoding.DecodeString(salt)
		if err != nil {
			return nil, err
		}
		if k.salted, err = pbkdf2.Key(sha256.New, k.Password, raw, iterations, sha256.Size); err != nil {
			return nil, err
		}
		k.saltedOf = of
	}
	return k.salted, nil
}

// Stored is what a server keeps of a password: "{SCRAM-SHA-256}iterations,salt,StoredKey,ServerKey", as Dovecot writes it.
func Stored(password string, iterations int) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(mac(salted, "Client Key"))
	e := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("{SCRAM-SHA-256}%d,%s,%s,%s", iterations, e(salt), e(stored[:]), e(mac(salted, "Server Key"))), nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
