package wire

import "bascule/internal/utf7"

// EncodeUTF7 encodes a UTF-8 name as modified UTF-7 (RFC 3501 §5.1.3). Bytes that are not UTF-8 become
// U+FFFD.
func EncodeUTF7(name string) string { return utf7.Encode(name) }

// DecodeUTF7 decodes modified UTF-7 strictly, so that every name has one spelling only: what can stand for itself
// must not be encoded, runs must not touch, padding bits are zero, surrogates come in pairs (RFC 3501 §5.1.3). Anything
// else, 8-bit bytes and controls too, is ErrUTF7.
func DecodeUTF7(s string) (string, error) {
	name, err := utf7.Decode(s)
	if err != nil {
		return "", ErrUTF7
	}
	return name, nil
}
