package message

import (
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// DecodeCharset gives the UTF-8 form of text in a charset. It never fails on the text: bytes that the charset does not
// have become U+FFFD.
//
// UTF-8, US-ASCII, no charset and unknown ones are read by a guess instead: what is valid UTF-8 stays, each
// other byte is taken for Windows-1252. Senders who leave the charset out mean one of the two.
func DecodeCharset(r io.Reader, charset string) io.Reader {
	return transform.NewReader(r, charsetDecoder(charset))
}

func charsetDecoder(charset string) transform.Transformer {
	if enc := findCharset(charset); enc != nil {
		return enc.NewDecoder()
	}
	return guessDecoder{}
}

// KnownCharset reports that a charset's name is known, so SEARCH CHARSET may take it.
func KnownCharset(name string) bool {
	return isUTF8Name(name) || findCharset(name) != nil
}

func isUTF8Name(name string) bool {
	switch lowerASCII(name) {
	case "utf-8", "utf8", "unicode-1-1-utf-8", "us-ascii", "ascii":
		return true
	}
	return false
}

// otherCharsets are in neither table: what golang.org/x/text decodes and does not name, and names of Microsoft's programs.
var otherCharsets = map[string]encoding.Encoding{
	"utf-32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf-32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "utf-32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
	"cp932": japanese.ShiftJIS, "ms932": japanese.ShiftJIS, "cp949": korean.EUCKR, "ms949": korean.EUCKR, "uhc": korean.EUCKR,
}

// findCharset gives nil for the charsets that are guessed.
func findCharset(name string) encoding.Encoding {
	name = strings.Trim(name, " \t\"'")
	if name == "" || len(name) > 64 || isUTF8Name(name) {
		return nil
	}
	if equalName(name, "utf-16") {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM) // browsers look at no byte order mark
	}
	// The browsers' table first: mail says iso-8859-1 and means Windows-1252, as the web does.
	if enc, err := htmlindex.Get(name); err == nil {
		switch canonical, err := htmlindex.Name(enc); {
		case err == nil && canonical == "utf-8":
			return nil
		case err == nil && canonical != "replacement": // what browsers refuse, hz-gb-2312 for one, is still mail
			return enc
		}
	}
	if enc, err := ianaindex.MIME.Encoding(name); err == nil && enc != nil { // nil if it has a name and no code
		return enc
	}
	return otherCharsets[lowerASCII(name)]
}

// decodeBytes is DecodeCharset for a short text.
func decodeBytes(b []byte, charset string) string {
	if enc := findCharset(charset); enc != nil {
		if out, err := enc.NewDecoder().Bytes(b); err == nil {
			return string(out)
		}
	}
	return guess(b)
}

// guess reads bytes without a charset.
func guess(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+len(b)/4)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(b[0])
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// guessDecoder is guess for a stream.
type guessDecoder struct{ transform.NopResetter }

func (guessDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		// Runs of ASCII are nearly all there is.
		run := asciiRun(src[nSrc:])
		if run > 0 {
			n := copy(dst[nDst:], src[nSrc:nSrc+run])
			nDst, nSrc = nDst+n, nSrc+n
			if n < run {
				return nDst, nSrc, transform.ErrShortDst
			}
			continue
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, n := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += n
	}
	return nDst, nSrc, nil
}

// asciiRun counts the ASCII bytes at the start.
func asciiRun(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}
