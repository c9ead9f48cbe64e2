package maildir

import (
	"strings"
	"testing"
)

func replace(t *testing.T, src, dst *Mailbox, old UID, text string) (ReplaceResult, error) {
	t.Helper()
	p := dst.BeginAppend()
	defer p.Close()
	if err := p.Add(t.Context(), Incoming{R: strings.NewReader(text), Flags: []string{`\Draft`}}); err != nil {
		t.Fatal(err)
	}
	return p.Replace(t.Context(), src, old)
}

// Sessions that look all the time never see both messages, or neither.
func TestReplaceIsOneChange(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 2)
	in := open(t, a, Inbox)
	before := in.Snapshot()
	res := must[ReplaceResult](t)(replace(t, in, in, 1, mail(7)))
	equal(t, "uid", res.UIDs, []UID{3})
	equal(t, "uids", uidsOf(in.Snapshot()), []UID{2, 3})
	equal(t, "modseq", in.Snapshot().HighestModSeq(), before.HighestModSeq()+1)
	equal(t, "told", res.ModSeq, in.Snapshot().HighestModSeq())
	equal(t, "flags", in.Snapshot().FlagNames(in.Snapshot().Find(3).Flags), []string{`\Draft`})
	equal(t, "subject", subject(t, in, in.Snapshot().Find(3)), "7")
}

func TestReplaceAcrossMailboxes(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, "Trash", 2)
	drafts, sent := open(t, a, "Trash"), open(t, a, "Sent")
	res := must[ReplaceResult](t)(replace(t, drafts, sent, 2, mail(7)))
	equal(t, "uid", res.UIDs, []UID{1})
	equal(t, "drafts", uidsOf(drafts.Snapshot()), []UID{1})
	equal(t, "sent", uidsOf(sent.Snapshot()), []UID{1})
}

func TestReplaceOfWhatHasGoneAddsNothing(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	in := open(t, a, Inbox)
	if _, err := replace(t, in, in, 1, mail(7)); !isAny(err, ErrGone) {
		t.Errorf("replaced what was not there: %v", err)
	}
	equal(t, "len", in.Snapshot().Len(), 0)
}

// RFC 8508 §3.4: only the net consumption counts, even where the limit is passed already.
func TestReplaceCountsWhatItAddsOnly(t *testing.T) {
	size := int64(len(mail(0)))
	a := newTestStore(t).account("a@example.org")
	deliver(t, a, Inbox, 2)
	in := open(t, a, Inbox)
	p := testPolicy
	p.QuotaBytes, p.QuotaMessages = size, 1
	a.SetPolicy(p)
	must[ReplaceResult](t)(replace(t, in, in, 1, mail(7)))
	up := in.BeginAppend()
	if err := up.Fits(t.Context(), size, in.Snapshot().Find(2)); err != nil {
		t.Errorf("of the same size: %v", err)
	}
	if err := up.Fits(t.Context(), size+1, in.Snapshot().Find(2)); !isAny(err, ErrOverQuota) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := replace(t, in, in, 2, mail(7)+"x"); !isAny(err, ErrOverQuota) {
		t.Errorf("one byte more: %v", err)
	}
	equal(t, "uids", uidsOf(in.Snapshot()), []UID{2, 3})
}

func TestBinaryPartsAreStoredAsText(t *testing.T) {
	a := newTestStore(t).account("a@example.org")
	in := open(t, a, Inbox)
	must[AppendResult](t)(in.Append(t.Context(), []Incoming{{R: strings.NewReader(binaryMail(3)), Binary: true}}))
	equal(t, "subject", subject(t, in, in.Snapshot().Find(1)), "3")
	if _, err := in.Append(t.Context(), []Incoming{{R: strings.NewReader("Subject: x\x00\r\n\r\n"), Binary: true}}); !isAny(err, ErrBinary) {
		t.Errorf("NUL in a header: %v", err)
	}
	equal(t, "len", in.Snapshot().Len(), 1)
}
