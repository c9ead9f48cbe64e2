package message

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// typicalMessage has the header of a mail that passed two providers, a text, its HTML and a small attachment.
func typicalMessage() []byte {
	var b strings.Builder
	b.WriteString("Return-Path: <news@shop.example>\nDelivered-To: joe@example.org\n")
	for i := range 5 {
		fmt.Fprintf(&b, "Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\n\tby mail.example.org (Postfix) with ESMTPS id 4X%dabc\n\tfor <joe@example.org>; Mon,  1 Jul 2024 10:00:0%d +0200 (CEST)\n", i, i, i, i, i)
	}
	b.WriteString("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=s1;\n\th=from:to:subject:date; bh=" + strings.Repeat("A", 43) + "=;\n\tb=" + strings.Repeat("Bb1+", 86) + "\n")
	b.WriteString(`Authentication-Results: mail.example.org; dkim=pass header.d=shop.example; spf=pass; dmarc=pass
From: =?UTF-8?Q?Der_gro=C3=9Fe_Laden?= <news@shop.example>
To: "Doe, Joe" <joe@example.org>, Jane Roe <jane@example.org>
Cc: team@example.org
Subject: =?UTF-8?Q?Ihre_Bestellung_Nr=2E_12345_ist_unterwegs?=
Date: Mon, 01 Jul 2024 10:00:00 +0200
Message-ID: <0102019-abcdef-0123-4567-89ab@eu-west-1.shop.example>
In-Reply-To: <0102019-000000@eu-west-1.shop.example>
References: <0102019-000000@eu-west-1.shop.example>
MIME-Version: 1.0
X-Mailer: shop 1.2
List-Unsubscribe: <https://shop.example/u/abcdef>
Content-Type: multipart/mixed; boundary="----=_Part_1_23456.789"

------=_Part_1_23456.789
Content-Type: multipart/alternative; boundary="----=_Part_2_23456.789"

------=_Part_2_23456.789
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

`)
	b.WriteString(strings.Repeat("Guten Tag, Ihre Bestellung ist unterwegs und kommt in den n=C3=A4chsten=\n", 40))
	b.WriteString("------=_Part_2_23456.789\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")
	b.WriteString(strings.Repeat("<p style=3D\"color:#000\">Guten Tag, Ihre Bestellung ist unterwegs</p><br =\n", 200))
	b.WriteString("------=_Part_2_23456.789--\n\n------=_Part_1_23456.789\nContent-Type: application/pdf; name=\"rechnung.pdf\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"rechnung.pdf\"\n\n")
	b.WriteString(strings.Repeat(strings.Repeat("Ab1+", 19)+"\n", 500))
	b.WriteString("------=_Part_1_23456.789--\n")
	return []byte(crlf(b.String()))
}

func BenchmarkScanner(b *testing.B) {
	msg := bytes.Repeat(typicalMessage(), 20)
	lf := bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\n"))
	for name, in := range map[string][]byte{"crlf": msg, "lf": lf} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				ScanBytes(in)
			}
		})
	}
}

func BenchmarkWireReader(b *testing.B) {
	msg := bytes.Repeat(typicalMessage(), 20)
	lf := bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\n"))
	out := make([]byte, 32<<10)
	for name, in := range map[string][]byte{"crlf": msg, "lf": lf} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewWireReader(bytes.NewReader(in))
				for {
					if _, err := r.Read(out); err != nil {
						break
					}
				}
			}
		})
	}
}

func BenchmarkWritePOP3(b *testing.B) {
	msg := bytes.Repeat(typicalMessage(), 20)
	f := ScanBytes(msg)
	for name, f := range map[string]Facts{"direct": f, "stuffing": {}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if err := WritePOP3(io.Discard, bytes.NewReader(msg), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	typical := typicalMessage()
	var deep strings.Builder
	for i := range 49 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=\"%s%d.\"\r\n\r\n--%s%d.\r\n", strings.Repeat("y", 60), i, strings.Repeat("y", 60), i)
	}
	deep.WriteString("\r\n" + strings.Repeat("--"+strings.Repeat("y", 60)+"\r\n", 10_000))
	for name, msg := range map[string][]byte{
		"typical": typical,
		"large":   append(typical, bytes.Repeat(typical[len(typical)-30_000:], 100)...),
		"plain":   []byte("Subject: x\r\n\r\nhello\r\n"),
		"nasty":   []byte(deep.String()),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				ParseBytes(msg, Limits{})
			}
		})
	}
}

func BenchmarkBlob(b *testing.B) {
	p := ParseBytes(typicalMessage(), Limits{})
	blob, err := p.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.MarshalBinary()
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var q Parsed
			q.UnmarshalBinary(blob)
		}
	})
	b.Run("envelope", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			BlobEnvelope(blob)
		}
	})
	b.Run("header", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			BlobHeader(blob)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(strings.Repeat(strings.Repeat("Ab1+", 19)+"\r\n", 5000))
	qp := []byte(strings.Repeat("Guten Tag, Ihre Bestellung kommt in den n=C3=A4chsten=\r\n", 5000))
	for name, in := range map[string][]byte{"base64": text, "quoted-printable": qp} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				r, _ := DecodeTransfer(bytes.NewReader(in), name)
				io.Copy(io.Discard, r)
			}
		})
	}
}
