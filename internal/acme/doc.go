// Package acme gets certificates from an ACME authority (RFC 8555), such as Let's Encrypt, and renews them.
//
// All processes of a store work together by files: any of them may do the work, one at a time (a lock file decides), any of them answers
// the authority's challenge, and all of them take the certificates from the directory Certs, as from any directory of certificates. So the
// challenge may reach another process, or another container, than the one that asked. There is one certificate for each name: a name that
// cannot be validated does not keep the others from renewal.
//
//	DIR/account.pem          the account's key
//	DIR/certs/NAME.pem       key and chain
//	DIR/challenges/TOKEN     answer of an HTTP-01 challenge (RFC 8555 §8.3)
//	DIR/challenges/NAME.pem  certificate of a TLS-ALPN-01 challenge (RFC 8737 §3)
//	DIR/NAME.failed          how often in a row it failed, and when it is tried again
//
// The protocol itself is golang.org/x/crypto/acme's. Its autocert is not used: it asks for certificates in the middle of handshakes, in each
// process for itself, and always tries TLS-ALPN-01 first, which costs failed validations (and they are rationed) where port 443 is a
// web server's. certmagic has such locks, and a logger, DNS providers and a certificate store of its own besides.
//
// Files: manager.go (what is due and who does it), order.go (one certificate), challenge.go (answers), failure.go.
package acme
