package accounts_test

import (
	"errors"
	"fmt"
	"testing"

	"bascule/internal/accounts"
)

// Annotations of the server change whole or not at all, each change has its line in the audit, and those that were removed are still told.
func TestAnnotations(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	set := func(pairs ...string) (int64, error) {
		var list []accounts.Annotation
		for i := 0; i < len(pairs); i += 2 {
			a := accounts.Annotation{Name: pairs[i]}
			if pairs[i+1] != "-" {
				a.Value = []byte(pairs[i+1])
			}
			list = append(list, a)
		}
		return db.Annotate(ctx, "imap:root@example.org", list)
	}
	show := func(since int64) (s string) {
		list, err := db.Annotations(ctx, since)
		must(t, err)
		for _, a := range list {
			s += fmt.Sprintf("%s=%s %v %d; ", a.Name, a.Value, a.Value == nil, a.Changed)
		}
		return s
	}
	for i, step := range []struct {
		pairs  []string
		change int64
		all    string
	}{
		{[]string{"/shared/comment", "x", "/shared/vendor/a/b", "y"}, 1, "/shared/comment=x false 1; /shared/vendor/a/b=y false 1; "},
		{[]string{"/SHARED/Comment", "x"}, 0, "/shared/comment=x false 1; /shared/vendor/a/b=y false 1; "},
		{[]string{"/shared/comment", "-", "/shared/none", "-"}, 2, "/shared/comment= true 2; /shared/vendor/a/b=y false 1; "},
		{[]string{"/shared/comment", ""}, 3, "/shared/comment= false 3; /shared/vendor/a/b=y false 1; "},
	} {
		if change, err := set(step.pairs...); err != nil || change != step.change {
			t.Errorf("step %d: change %d, %v", i, change, err)
		}
		if got := show(0); got != step.all {
			t.Errorf("step %d: %s", i, got)
		}
	}
	if got := show(2); got != "/shared/comment= false 3; " {
		t.Errorf("since change 2: %s", got)
	}
	audit, err := db.Audit(ctx, accounts.AuditFilter{Subject: "server"})
	if err != nil || len(audit) != 4 || audit[1].Who != "imap:root@example.org" || audit[1].Action != "annotation" || audit[1].New != "/shared/comment removed, 0 octets" {
		t.Errorf("%+v, %v", audit, err)
	}
	var many []string
	for i := range 99 {
		many = append(many, fmt.Sprintf("/shared/vendor/many/%d", i), "x")
	}
	if _, err := set(many...); !errors.Is(err, accounts.ErrTooManyAnnotations) || len(show(3)) > 0 {
		t.Errorf("too many: %v, %s", err, show(3))
	}
	if _, err := set(many[2:]...); err != nil {
		t.Errorf("as many as there is room for: %v", err)
	}
}
