package demo

import (
	"fmt"
	"strings"
	"time"
)

// Messages gives all samples, oldest first.
func Messages() []Message {
	var list []Message
	add := func(name, folder string, flags []string, bytes func(n int, at time.Time) string) {
		n := len(list) + 1
		at := base.Add(-time.Duration(60-n) * 7 * time.Hour)
		list = append(list, Message{Name: name, Folder: folder, Flags: flags, At: at, Bytes: []byte(bytes(n, at))})
	}
	plain := func(from, subject, body string, more ...string) func(int, time.Time) string {
		return func(n int, at time.Time) string { return head(n, from, subject, at, more...) + "\r\n" + crlf(body) }
	}
	whole := func(from, subject, rest string, more ...string) func(int, time.Time) string {
		return func(n int, at time.Time) string { return head(n, from, subject, at, more...) + rest }
	}
	raw := func(s string) func(int, time.Time) string { return func(int, time.Time) string { return crlf(s) } }
	seen, flagged, answered := []string{`\Seen`}, []string{`\Flagged`}, []string{`\Seen`, `\Answered`}
	const anna, bob, list1 = "Anna Example <anna@example.net>", "bob@example.com", "Dev List <dev-bounces@lists.example.com>"

	ordinary(add, plain, seen, answered, flagged)
	add("HTML only", "INBOX", nil, plain(bob, "A page", "<html><body><h1>Hello</h1><p>This mail is <b>HTML</b> only.</p></body></html>\n",
		"MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8"))
	add("alternative", "INBOX", seen, whole(anna, "Text and HTML", multi("alternative", "alt-1", textPart("The text.\n"), htmlPart("<p>The <i>HTML</i>.</p>\n"))))
	add("mixed with attachments", "INBOX", flagged, whole(bob, "Two attachments", multi("mixed", "mix-1", textPart("See below.\n"),
		attachment("application/pdf", "report.pdf", []byte("%PDF-1.1\n% not really a report\n%%EOF\n")), attachment("image/png", "dot.png", picture()))))
	add("related inside alternative inside mixed", "INBOX", nil, whole(anna, "Nested three deep", multi("mixed", "m-1",
		inner("alternative", "a-1", textPart("Plain side.\n"), inner("related", "r-1", htmlPart("<img src=\"cid:dot@example\">\n"),
			"Content-Type: image/png\nContent-ID: <dot@example>\nContent-Transfer-Encoding: base64\n\n"+wrap64(picture()))),
		attachment("text/csv", "table.csv", []byte("a,b\n1,2\n")))))
	add("message/rfc822", "INBOX", nil, whole(bob, "Fwd: a forwarded message", multi("mixed", "fwd-1", textPart("I forward this:\n"),
		"Content-Type: message/rfc822\n\n"+head(900, anna, "The inner message", base.AddDate(0, -1, 0))+"\n"+"The inner body.\n")))
	add("message in message in message", "INBOX", nil, whole(bob, "Fwd: Fwd: deep", "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"+
		head(901, anna, "Fwd: deep", base)+"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"+head(902, bob, "deep", base)+"\r\nThe innermost body.\r\n"))
	add("delivery report", "INBOX", seen, whole("MAILER-DAEMON <>", "Undelivered Mail Returned to Sender", multi("report; report-type=delivery-status", "dsn-1", textPart("Your mail could not be delivered.\n"),
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; nobody@example.org\nAction: failed\nStatus: 5.1.1\n",
		"Content-Type: text/rfc822-headers\n\nFrom: reader@example.org\nSubject: the lost one\n"), "Auto-Submitted: auto-replied"))
	add("calendar invitation", "INBOX", nil, whole(anna, "Invitation: tea", multi("alternative", "cal-1", textPart("Tea at four.\n"),
		"Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\nBEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:tea@example.org\nDTSTART:20260201T160000Z\nSUMMARY:Tea\nEND:VEVENT\nEND:VCALENDAR\n")))
	add("signed", "INBOX", nil, whole(anna, "A signed message", strings.Replace(multi("signed", "sig-1", textPart("I mean it.\n"),
		"Content-Type: application/pgp-signature; name=\"signature.asc\"\n\n-----BEGIN PGP SIGNATURE-----\n\nnot a real one\n-----END PGP SIGNATURE-----\n"),
		"boundary=", "micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=", 1)))
	charsets(add, plain)
	malformed(add, raw)
	for i := range 5 {
		re := strings.Repeat("Re: ", min(i, 1))
		refs := ""
		for j := range i {
			refs += fmt.Sprintf(" <thread-%d@lists.example.com>", j)
		}
		more := []string{"List-Id: <dev.lists.example.com>"}
		if i > 0 {
			more = append(more, "References:"+refs, fmt.Sprintf("In-Reply-To: <thread-%d@lists.example.com>", i-1))
		}
		add(fmt.Sprintf("thread, message %d", i+1), "Lists/dev", seen, func(n int, at time.Time) string {
			m := head(n, list1, re+"[dev] shall we rename it?", at, more...)
			m = strings.Replace(m, fmt.Sprintf("<sample-%03d@example.org>", n), fmt.Sprintf("<thread-%d@lists.example.com>", i), 1)
			return m + crlf("\nMessage number "+fmt.Sprint(i+1)+" of the thread.\n")
		})
	}
	add("sent", "Sent", seen, plain("Sample Reader <reader@example.org>", "What I sent", "Sent by me.\n"))
	add("draft", "Drafts", []string{`\Draft`, `\Seen`}, plain("Sample Reader <reader@example.org>", "Not finished yet", "Dear\n"))
	add("junk", "Junk", []string{"$Junk"}, plain("Prize Office <win@example.info>", "You have WON", "Send us your bank account.\n"))
	add("archived", "Archive", seen, plain(anna, "Old news", "From the last year.\n"))
	add("folder with a name that is not ASCII", "Lists/Grüße", nil, plain(anna, "Greetings", "The folder's name has an umlaut.\n"))
	return list
}

type adder func(name, folder string, flags []string, bytes func(int, time.Time) string)

type maker func(from, subject, body string, more ...string) func(int, time.Time) string

// ordinary messages, as most are.
func ordinary(add adder, plain maker, seen, answered, flagged []string) {
	const anna, bob = "Anna Example <anna@example.net>", "bob@example.com"
	add("plain", "INBOX", seen, plain(anna, "Welcome to Bascule", "Hello,\n\nthis mailbox can be read by POP3 and by IMAP.\n\n-- \nAnna\n"))
	add("answered", "INBOX", answered, plain(bob, "Lunch?", "At noon?\n"))
	add("flagged", "INBOX", flagged, plain(anna, "Do not forget", "The tickets!\n"))
	add("several recipients and groups", "INBOX", seen, plain(bob, "To many", "Hello all.\n",
		"Cc: \"Last, First\" <first.last@example.org>, Friends: anna@example.net, bob@example.com;, undisclosed-recipients:;", "Reply-To: office@example.com"))
	add("lines that begin with dots", "INBOX", nil, plain(bob, "Dots", ".\n..\n.hidden\nFrom here on, POP3 has to stuff.\n...\n"))
	add("line that looks like mbox", "INBOX", nil, plain(bob, "From", "From the beginning of this line,\n>From there on.\n"))
	add("empty body", "INBOX", nil, plain(anna, "Nothing to say", ""))
	add("no newline at the end", "INBOX", nil, plain(anna, "Abrupt", "It ends here"))
	add("many lines", "INBOX", nil, plain(bob, "A long list", strings.Repeat("One more line of a long message, to have something to scroll.\n", 2000)))
	add("flowed text", "INBOX", seen, plain(anna, "Format flowed", "This paragraph is \nflowed over \nthree lines.\n", "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii; format=flowed"))
	add("long header lines", "INBOX", nil, plain(bob, "A subject that is folded\r\n over several lines, since it is\r\n\tlonger than a line should be", "Folded.\n",
		"Received: from a.example by b.example\r\n\twith ESMTP id 123;\r\n\tThu, 15 Jan 2026 09:00:00 +0000", "X-Long: "+strings.Repeat("word ", 180)))
}

// charsets are headers and bodies beyond ASCII.
func charsets(add adder, plain maker) {
	add("encoded words", "INBOX", nil, plain("=?utf-8?Q?J=C3=B6rg_M=C3=BCller?= <joerg@example.net>", "=?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=\r\n =?iso-8859-1?Q?_und_M=FCnchen?=", "Umlaute: =C3=A4=C3=B6=C3=BC\n",
		"MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"))
	add("Latin 1, 8 bit", "INBOX", nil, plain("r@example.fr", "D\xe9j\xe0 vu", "Le caf\xe9 est pr\xeat.\n", "MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit"))
	add("UTF-8 in headers", "INBOX", nil, plain("Ελένη <eleni@example.gr>", "Καλημέρα κόσμε 🙂", "Γειά σου.\n", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"))
	add("ISO-2022-JP", "INBOX", nil, plain("=?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <yamada@example.jp>", "=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "\x1b$B$3$s$K$A$O\x1b(B\n", "MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-2022-jp"))
	add("KOI8-R, base64", "INBOX", nil, plain("=?koi8-r?B?6dfBzg==?= <ivan@example.ru>", "=?koi8-r?B?8NLJ18XU?=", "8NLJ18XUIQo=\n", "MIME-Version: 1.0", "Content-Type: text/plain; charset=koi8-r", "Content-Transfer-Encoding: base64"))
	add("file name in RFC 2231 pieces", "INBOX", nil, plain("a@example.net", "Attachment with a long name", "data\n", "MIME-Version: 1.0", "Content-Type: application/octet-stream",
		"Content-Disposition: attachment; filename*0*=utf-8''%C3%9Cbersicht%20;\r\n filename*1*=der%20Zahlen;\r\n filename*2=\" 2026.txt\""))
}

// malformed is what really comes; none of it may be refused or lost.
func malformed(add adder, raw func(string) func(int, time.Time) string) {
	add("no header at all", "INBOX", nil, raw("\nOnly a body.\n"))
	add("no body and no empty line", "INBOX", nil, raw("Subject: only a header\nFrom: x@example.org"))
	add("header that is none", "INBOX", nil, raw("this line has no colon\nSubject: after a bad line\n: empty name\n\nBody.\n"))
	add("unclosed multipart", "INBOX", nil, raw("Subject: cut off\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=cut\n\n--cut\nContent-Type: text/plain\n\nThe end is missin"))
	add("multipart without boundary", "INBOX", nil, raw("Subject: no boundary\nMIME-Version: 1.0\nContent-Type: multipart/mixed\n\n--what\n\nIs this a part?\n"))
	add("boundary that never comes", "INBOX", nil, raw("Subject: never\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"never\"\n\nNo part begins.\n"))
	add("bad base64", "INBOX", nil, raw("Subject: bad base64\nMIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nTGV0J3M*&^ZSB=tolerant\n"))
	add("unknown encoding and charset", "INBOX", nil, raw("Subject: =?x-unknown?Q?=FF=FE?= =?broken\nMIME-Version: 1.0\nContent-Type: text/plain; charset=x-martian\nContent-Transfer-Encoding: x-yenc\n\n\xff\xfe\x80\n"))
	add("bad dates and addresses", "INBOX", nil, raw("From: <<broken@@example>, \"open\nDate: yesterday, 25:99\nSubject: bad fields\nTo: nobody at all\n\nHm.\n"))
	add("NUL bytes", "INBOX", nil, raw("Subject: NUL\nFrom: nul@example.org\n\nHere\x00and\x00there.\n"))
	add("bare carriage returns and mixed line ends", "INBOX", nil, func(int, time.Time) string {
		return "Subject: mixed line ends\nFrom: mixed@example.org\r\n\r\none\ntwo\r\nthree\rfour\n"
	})
	add("very long line", "INBOX", nil, raw("Subject: long line\nFrom: long@example.org\n\n"+strings.Repeat("x", 20000)+"\n"))
	deep := "Subject: forty multiparts deep\nMIME-Version: 1.0\n"
	for i := range 40 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=\"d%d\"\n\n--d%d\n", i, i)
	}
	add("forty multiparts deep", "INBOX", nil, raw(deep+"Content-Type: text/plain\n\nThe bottom.\n"))
	add("header fields twice", "INBOX", nil, raw("From: one@example.org\nFrom: two@example.org\nSubject: first\nSubject: second\nMessage-ID: <a@b>\nMessage-ID: <c@d>\n\nWhich one?\n"))
}
