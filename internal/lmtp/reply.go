package lmtp

import (
	"errors"

	"github.com/emersion/go-smtp"

	"bascule/internal/deliver"
)

// replies are the answers to each class of refusal. Text comes from the error.
var replies = map[deliver.Class]struct {
	code     int
	enhanced smtp.EnhancedCode // RFC 3463
}{
	deliver.Temporary:   {451, smtp.EnhancedCode{4, 3, 0}},
	deliver.NoUser:      {550, smtp.EnhancedCode{5, 1, 1}},
	deliver.Deferred:    {450, smtp.EnhancedCode{4, 2, 1}},
	deliver.Rejected:    {550, smtp.EnhancedCode{5, 2, 1}},
	deliver.OverQuota:   {552, smtp.EnhancedCode{5, 2, 2}},
	deliver.Malformed:   {550, smtp.EnhancedCode{5, 1, 3}},
	deliver.Unavailable: {451, smtp.EnhancedCode{4, 3, 2}},
	deliver.NoSpace:     {452, smtp.EnhancedCode{4, 3, 1}},
}

// resultOf is what became of a message for a recipient, as it is counted.
func resultOf(err error) string {
	var refused *deliver.Error
	switch {
	case err == nil:
		return "delivered"
	case errors.As(err, &refused):
		return refused.Class.String()
	}
	return "broken"
}

// reply turns an error into what go-smtp sends. softQuota answers a full mailbox with 452, so that the sender tries again.
func reply(err error, softQuota bool) error {
	var refused *deliver.Error
	var ready *smtp.SMTPError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ready):
		return ready
	case !errors.As(err, &refused):
		// The message broke off: the client is gone or goes on as it likes.
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Message was not received whole"}
	}
	r := replies[refused.Class]
	if refused.Class == deliver.OverQuota && softQuota {
		r.code, r.enhanced = 452, smtp.EnhancedCode{4, 2, 2}
	}
	return &smtp.SMTPError{Code: r.code, EnhancedCode: r.enhanced, Message: refused.Text}
}
