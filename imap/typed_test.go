package imap_test

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"

	"bascule/internal/testkit"
)

// sampleMail has what a structure can have: alternatives, an attachment, and a message in the message.
var sampleMail = strings.ReplaceAll(`From: =?utf-8?q?Andr=C3=A9?= <andre@example.org>
To: Team: a@example.org, "B, b" <b@example.org>;
Cc: c@example.org
Subject: =?utf-8?q?Caf=C3=A9?= plans
Date: Tue, 03 Mar 2026 10:11:12 +0100
Message-ID: <sample@example.org>
In-Reply-To: <earlier@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

One caf=C3=A9,
please.
--inner
Content-Type: text/html; charset=utf-8
Content-Language: en, fr

<p>One café</p>
--inner--
--outer
Content-Type: application/octet-stream; name=data.bin
Content-Disposition: attachment; filename=data.bin
Content-Transfer-Encoding: base64
Content-ID: <part@example.org>
Content-Description: bytes

AAEC/w==
--outer
Content-Type: message/rfc822

From: inner@example.org
Subject: inside
Date: Mon, 02 Mar 2026 10:11:12 +0100
Content-Type: text/plain

inner text
--outer--
`, "\n", "\r\n")

// typedClient logs in with another project's client, which reads every answer by a grammar of its own. With rev2 the
// session is one of IMAP4rev2.
func typedClient(t *testing.T, s *testkit.Server, rev2 bool, o *imapclient.Options) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.Target().Addrs["imap"], o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login("imap@example.org", testkit.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	if rev2 {
		data, err := c.Enable(imap.CapIMAP4rev2).Wait()
		if err != nil || !data.Caps.Has(imap.CapIMAP4rev2) {
			t.Fatalf("ENABLE IMAP4rev2: %+v, %v", data, err)
		}
	}
	return c
}

// want fails the test if err is not nil or got is not wanted.
func want(t *testing.T, what string, err error, got, wanted any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s: got %+v, want %+v", what, got, wanted)
	}
}

func TestAnotherClientUnderstandsEverything(t *testing.T) {
	for name, rev2 := range map[string]bool{"IMAP4rev1": false, "IMAP4rev2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.Start(t, testkit.Options{})
			c := typedClient(t, s, rev2, nil)
			typedMailboxes(t, c)
			typedMessages(t, c)
			typedSearch(t, c, rev2)
			typedChanges(t, c)
			if err := c.Logout().Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// typedMailboxes creates, lists, renames and counts.
func typedMailboxes(t *testing.T, c *imapclient.Client) {
	t.Helper()
	want(t, "CREATE", c.Create("Entwürfe & Ideen", nil).Wait(), nil, nil)
	want(t, "CREATE USE", c.Create("Old", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttrArchive}}).Wait(), nil, nil)
	want(t, "SUBSCRIBE", c.Subscribe("Entwürfe & Ideen").Wait(), nil, nil)
	want(t, "RENAME", c.Rename("Entwürfe & Ideen", "Entwürfe/日本語", nil).Wait(), nil, nil)
	boxes, err := c.List("", "*", &imap.ListOptions{ReturnSubscribed: true, ReturnStatus: &imap.StatusOptions{NumMessages: true, NumUnseen: true, Size: true}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]*imap.ListData{}
	for _, b := range boxes {
		names[b.Mailbox] = b
	}
	for name, attr := range map[string]imap.MailboxAttr{"INBOX": imap.MailboxAttrHasNoChildren, "Sent": imap.MailboxAttrSent, "Old": imap.MailboxAttrArchive, "Entwürfe/日本語": imap.MailboxAttrHasNoChildren} {
		b := names[name]
		if b == nil || !slices.Contains(b.Attrs, attr) || b.Delim != '/' || b.Status == nil || b.Status.NumMessages == nil {
			t.Errorf("%s is listed as %+v", name, b)
		}
	}
	if b := names["Entwürfe"]; b == nil || b.Status != nil {
		t.Errorf("the level above is listed as %+v", b)
	}
	ns, err := c.Namespace().Wait()
	want(t, "NAMESPACE", err, ns.Personal, []imap.NamespaceDescriptor{{Prefix: "", Delim: '/'}})
	id, err := c.ID(&imap.IDData{Name: "typed"}).Wait()
	want(t, "ID", err, id.Name, "Bascule")
	if _, err := c.GetQuotaRoot("INBOX").Wait(); err != nil {
		t.Errorf("GETQUOTAROOT: %v", err)
	}
}

// typedMessages appends and reads every part of a message.
func typedMessages(t *testing.T, c *imapclient.Client) {
	t.Helper()
	day := time.Date(2026, 3, 3, 10, 11, 12, 0, time.UTC)
	app := c.Append("INBOX", int64(len(sampleMail)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged, "$Work"}, Time: day})
	io.WriteString(app, sampleMail)
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	uid, err := app.Wait()
	want(t, "APPEND", err, uid.UID, imap.UID(1))
	sel, err := c.Select("INBOX", &imap.SelectOptions{CondStore: true}).Wait()
	want(t, "SELECT", err, [3]uint32{sel.NumMessages, uint32(sel.UIDNext), sel.UIDValidity}, [3]uint32{1, 2, uid.UIDValidity})
	if sel.HighestModSeq == 0 || !slices.Contains(sel.PermanentFlags, imap.FlagWildcard) {
		t.Errorf("SELECT tells %+v", sel)
	}
	part := func(n ...int) *imap.FetchItemBodySection {
		return &imap.FetchItemBodySection{Part: n, Peek: true}
	}
	inner := &imap.FetchItemBodySection{Part: []int{3}, Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Subject"}, Peek: true}
	partial := &imap.FetchItemBodySection{Partial: &imap.SectionPartial{Offset: 6, Size: 20}, Peek: true}
	binary := &imap.FetchItemBinarySection{Part: []int{2}, Peek: true}
	msgs, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{
		UID: true, Flags: true, InternalDate: true, RFC822Size: true, Envelope: true, ModSeq: true,
		BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
		BodySection:   []*imap.FetchItemBodySection{part(), part(1, 1), part(3, 1), inner, partial},
		BinarySection: []*imap.FetchItemBinarySection{binary}, BinarySectionSize: []*imap.FetchItemBinarySectionSize{{Part: []int{2}}},
	}).Collect()
	if err != nil || len(msgs) != 1 {
		t.Fatalf("FETCH: %d messages, %v", len(msgs), err)
	}
	m := msgs[0]
	want(t, "UID, size, date", nil, []any{m.UID, m.RFC822Size, m.InternalDate.UTC()}, []any{imap.UID(1), int64(len(sampleMail)), day})
	for _, f := range []imap.Flag{imap.FlagFlagged, "$Work"} {
		if !slices.Contains(m.Flags, f) {
			t.Errorf("flags are %v", m.Flags)
		}
	}
	env := m.Envelope
	want(t, "subject", nil, env.Subject, "Café plans")
	want(t, "from", nil, env.From, []imap.Address{{Name: "André", Mailbox: "andre", Host: "example.org"}})
	want(t, "cc, id, reply", nil, []any{env.Cc[0].Addr(), env.MessageID, env.InReplyTo}, []any{"c@example.org", "sample@example.org", []string{"earlier@example.org"}})
	if n := len(env.To); n != 4 || !env.To[0].IsGroupStart() || !env.To[3].IsGroupEnd() {
		t.Errorf("the group is told as %+v", env.To)
	}
	wantStructure(t, m.BodyStructure)
	for _, x := range []struct {
		section *imap.FetchItemBodySection
		text    string
	}{
		{part(), sampleMail}, {part(1, 1), "One caf=C3=A9,\r\nplease."}, {part(3, 1), "inner text"},
		{inner, "Subject: inside\r\n\r\n"}, {partial, sampleMail[6:26]},
	} {
		want(t, "section", nil, string(m.FindBodySection(x.section)), x.text)
	}
	want(t, "BINARY", nil, m.FindBinarySection(binary), []byte{0, 1, 2, 0xff})
	want(t, "BINARY.SIZE", nil, len(m.BinarySectionSize), 1)
}

// wantStructure compares with what that project's server makes of the message. Where a field is a matter of taste
// (which part is extended, what stands in for absent parameters) both are asked by their parts' numbers.
func wantStructure(t *testing.T, got imap.BodyStructure) {
	t.Helper()
	type leaf struct {
		Type, Encoding, ID, Description, File string
		Size                                  uint32
	}
	leaves := func(b imap.BodyStructure) map[string]leaf {
		out := map[string]leaf{}
		b.Walk(func(path []int, part imap.BodyStructure) bool {
			key := ""
			for _, n := range path {
				key += "." + string(rune('0'+n))
			}
			l := leaf{Type: strings.ToLower(part.MediaType())}
			if p, ok := part.(*imap.BodyStructureSinglePart); ok {
				l.Encoding, l.ID, l.Description, l.File, l.Size = strings.ToLower(p.Encoding), p.ID, p.Description, p.Filename(), p.Size
				if l.Encoding == "" {
					l.Encoding = "7bit"
				}
			}
			out[key] = l
			return true
		})
		return out
	}
	want(t, "BODYSTRUCTURE", nil, leaves(got), leaves(imapserver.ExtractBodyStructure(bytes.NewReader([]byte(sampleMail)))))
}

// typedSearch searches in the forms of both revisions.
func typedSearch(t *testing.T, c *imapclient.Client, rev2 bool) {
	t.Helper()
	for _, x := range []struct {
		criteria imap.SearchCriteria
		hits     int
	}{
		{imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "café"}}}, 1},
		{imap.SearchCriteria{Body: []string{"CAFÉ"}}, 1},
		{imap.SearchCriteria{Text: []string{"nowhere"}}, 0},
		{imap.SearchCriteria{Flag: []imap.Flag{"$Work"}, NotFlag: []imap.Flag{imap.FlagSeen}}, 1},
		{imap.SearchCriteria{Since: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Before: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)}, 1},
		{imap.SearchCriteria{Larger: 100, Smaller: 100}, 0},
		{imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{{Body: []string{"nowhere"}}, {UID: []imap.UIDSet{{{Start: 1, Stop: 0}}}}}}}, 1},
		{imap.SearchCriteria{Not: []imap.SearchCriteria{{Flag: []imap.Flag{imap.FlagFlagged}}}}, 0},
	} {
		data, err := c.UIDSearch(&x.criteria, nil).Wait()
		if err != nil {
			t.Errorf("%+v: %v", x.criteria, err)
			continue
		}
		if n := len(data.AllUIDs()); n != x.hits {
			t.Errorf("%+v: %d hits, want %d", x.criteria, n, x.hits)
		}
	}
	data, err := c.UIDSearch(&imap.SearchCriteria{}, &imap.SearchOptions{ReturnMin: true, ReturnMax: true, ReturnCount: true, ReturnSave: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "ESEARCH", nil, [3]uint32{data.Min, data.Max, data.Count}, [3]uint32{1, 1, 1})
}

// typedChanges flags, copies, moves and expunges.
func typedChanges(t *testing.T, c *imapclient.Client) {
	t.Helper()
	msgs, err := c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}}, nil).Collect()
	if err != nil || len(msgs) != 1 || !slices.Contains(msgs[0].Flags, imap.FlagSeen) {
		t.Errorf("STORE: %+v, %v", msgs, err)
	}
	copied, err := c.Copy(imap.UIDSetNum(1), "Sent").Wait()
	want(t, "COPY", err, []any{copied.SourceUIDs.String(), copied.DestUIDs.String()}, []any{"1", "1"})
	moved, err := c.Move(imap.UIDSetNum(1), "Trash").Wait()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "MOVE", nil, []string{moved.SourceUIDs.(imap.UIDSet).String(), moved.DestUIDs.(imap.UIDSet).String()}, []string{"1", "1"})
	if n := c.Mailbox().NumMessages; n != 0 {
		t.Errorf("after MOVE the client knows %d messages", n)
	}
	if _, err := c.Select("Trash", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	want(t, "STORE", c.Store(imap.SeqSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(), nil, nil)
	gone, err := c.UIDExpunge(imap.UIDSetNum(1)).Collect()
	want(t, "UID EXPUNGE", err, gone, []uint32{1})
	st, err := c.Status("Sent", &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true, NumUnseen: true, NumDeleted: true, Size: true, AppendLimit: true, HighestModSeq: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "STATUS", nil, []any{*st.NumMessages, *st.NumUnseen, *st.NumDeleted, *st.Size, st.UIDNext}, []any{uint32(1), uint32(0), uint32(0), int64(len(sampleMail)), imap.UID(2)})
}

// A client in IDLE is told by callbacks what another one does.
func TestAnotherClientIdles(t *testing.T) {
	s := testkit.Start(t, testkit.Options{})
	exists, expunged, fetched := make(chan uint32, 10), make(chan uint32, 10), make(chan []imap.Flag, 10)
	idler := typedClient(t, s, false, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Expunge: func(n uint32) { expunged <- n },
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				exists <- *d.NumMessages
			}
		},
		Fetch: func(m *imapclient.FetchMessageData) {
			if data, err := m.Collect(); err == nil {
				fetched <- data.Flags
			}
		},
	}})
	if _, err := idler.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	idle, err := idler.Idle()
	if err != nil {
		t.Fatal(err)
	}
	actor := typedClient(t, s, true, nil)
	app := actor.Append("INBOX", int64(len(sampleMail)), nil)
	io.WriteString(app, sampleMail)
	app.Close()
	if _, err := app.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := heard(t, exists); n != 1 {
		t.Errorf("EXISTS says %d", n)
	}
	if _, err := actor.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := actor.Store(imap.SeqSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsSet, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if flags := heard(t, fetched); !slices.Contains(flags, imap.FlagDeleted) {
		t.Errorf("FETCH says %v", flags)
	}
	if err := actor.Expunge().Close(); err != nil {
		t.Fatal(err)
	}
	if n := heard(t, expunged); n != 1 {
		t.Errorf("EXPUNGE says %d", n)
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
	if err := idle.Wait(); err != nil {
		t.Error(err)
	}
}

func heard[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("not reached")
	}
}
