package demo

import (
	"bytes"
	"context"
	"fmt"

	"bascule/maildir"
)

// Populate puts the samples into an account that has no mail yet, and says how many. An account with mail is left as it is, so that a
// second start finds what the first one made.
func Populate(ctx context.Context, account *maildir.Account) (int, error) {
	usage, err := account.Usage(ctx)
	if err != nil {
		return 0, fmt.Errorf("demo: %w", err)
	}
	if usage.Messages > 0 {
		return 0, nil
	}
	list := Messages()
	for _, m := range list {
		_, err := account.Deliver(ctx, m.Folder, bytes.NewReader(m.Bytes), maildir.DeliverOptions{Flags: m.Flags, Internal: m.At, Create: true})
		if err != nil {
			return 0, fmt.Errorf("demo: sample %q: %w", m.Name, err)
		}
	}
	return len(list), nil
}
