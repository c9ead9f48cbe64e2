package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/deliver"
	"bascule/internal/server"
)

// Exit codes of sysexits.h, as an MTA that pipes understands them: 75 is "keep it and try again", the others are "bounce".
const (
	exUsage      = 64
	exDataErr    = 65
	exNoUser     = 67
	exCantCreate = 73
	exTempFail   = 75
	exNoPerm     = 77
)

// classes is the one table from refusals to exit codes. Whatever is wrong here and not with the message is "try again".
var classes = map[deliver.Class]int{
	deliver.Temporary: exTempFail, deliver.NoUser: exNoUser, deliver.Deferred: exTempFail, deliver.Rejected: exNoPerm,
	deliver.OverQuota: exCantCreate, deliver.Malformed: exDataErr, deliver.Unavailable: exTempFail,
	deliver.NoSpace: exTempFail,
}

func newDeliver(o *options) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "deliver ADDRESS", Short: "Deliver one message from standard input; exit codes as in sysexits.h",
		Long: `Deliver one message from standard input. Lines may end with LF or CRLF; a "From " line in front is dropped.

Exit codes: 0 it is on disk; 64 usage; 65 not an address; 67 no such account; 73 over quota (75 if lmtp.over_quota
is 452); 75 not now, try again; 77 the account takes no mail. From Postfix, in master.cf:
  bascule unix - n n - - pipe flags=Rhu user=bascule argv=/usr/local/bin/bascule deliver -f ${sender} ${recipient}`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return codeError{exUsage, "usage: bascule deliver [-f SENDER] ADDRESS"}
			}
			err := deliverOne(cmd, o, args[0], from, cmd.Flags().Changed("from"))
			return deliverError(err, o)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return codeError{exUsage, err.Error()} })
	cmd.Flags().StringVarP(&from, "from", "f", "", "the envelope sender, for Return-Path")
	return cmd
}

func deliverOne(cmd *cobra.Command, o *options, address, from string, known bool) error {
	base, _, err := o.open(cmd.Context())
	if err != nil {
		return err
	}
	defer base.Close()
	return pipe(cmd.Context(), base, address, deliver.Envelope{From: from, Unknown: !known, Host: base.Hostname(), At: time.Now()})
}

func pipe(ctx context.Context, base *server.Base, address string, e deliver.Envelope) error {
	r, err := base.Deliverer.Resolve(ctx, address)
	if err != nil {
		return err
	}
	return base.Deliverer.Deliver(ctx, r, e, deliver.SkipFromLine(os.Stdin), true)
}

// deliverError gives an error its exit code.
func deliverError(err error, o *options) error {
	var refused *deliver.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		code := classes[refused.Class]
		if refused.Class == deliver.OverQuota {
			if cfg, cerr := o.load(); cerr == nil && cfg.LMTP.OverQuota == 452 {
				code = exTempFail
			}
		}
		return codeError{code, err.Error()}
	case errors.Is(err, accounts.ErrNotFound):
		return codeError{exNoUser, err.Error()}
	}
	// A configuration or a directory that is not as it should be is for the operator to repair; the mail must not bounce meanwhile.
	return codeError{exTempFail, fmt.Sprintf("not delivered, try again: %v", err)}
}
