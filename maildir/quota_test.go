package maildir

import (
	"strings"
	"testing"
)

// A full account can still be emptied: a COPY to Trash may pass the limit by the grace, a
// MOVE needs no room at all, and nothing else may be added.
func TestFullAccountCanBeEmptied(t *testing.T) {
	size := int64(len(mail(0)))
	p := testPolicy
	p.QuotaBytes, p.GraceBytes = 3*size, 2*size
	a := newTestStore(t).accountWith("a@example.org", p)
	deliver(t, a, Inbox, 3)
	in, trash, sent := open(t, a, Inbox), open(t, a, "Trash"), open(t, a, "Sent")
	if _, err := a.Deliver(t.Context(), Inbox, strings.NewReader(mail(0)), DeliverOptions{}); !isAny(err, ErrOverQuota) {
		t.Errorf("a delivery to a full account: %v", err)
	}
	if _, err := in.Append(t.Context(), []Incoming{{R: strings.NewReader("x"), Size: 1}}); !isAny(err, ErrOverQuota) {
		t.Errorf("an APPEND to a full account: %v", err)
	}
	if _, err := in.Copy(t.Context(), []UID{1}, sent); !isAny(err, ErrOverQuota) {
		t.Errorf("a COPY to another folder: %v", err)
	}
	must[CopyResult](t)(in.Copy(t.Context(), []UID{1, 2}, trash))
	if _, err := in.Copy(t.Context(), []UID{3}, trash); !isAny(err, ErrOverQuota) {
		t.Errorf("a COPY to Trash beyond the grace: %v", err)
	}
	must[CopyResult](t)(in.Move(t.Context(), []UID{3}, trash))
	equal(t, "in Trash", trash.Snapshot().Len(), 3)
	u := must[Usage](t)(a.Usage(t.Context()))
	equal(t, "bytes", u.Bytes, 5*size)
	must[StoreResult](t)(trash.Store(t.Context(), []UID{1, 2, 3}, StoreOp{Mode: StoreAdd, Flags: []string{`\Deleted`}}))
	must[ExpungeResult](t)(trash.Expunge(t.Context(), nil))
	u = must[Usage](t)(a.Usage(t.Context()))
	equal(t, "bytes", u.Bytes, 2*size)
	deliver(t, a, Inbox, 1)
}
