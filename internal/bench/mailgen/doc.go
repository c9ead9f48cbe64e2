// Package mailgen makes the mail of the benchmark, the same octets in every run: message i of a kind depends on i and the kind alone, so a
// load knows without looking what a server must answer.
//
// A template is a directory with n messages of a kind as Maildir files, made once; mailboxes are filled from it by hard links, so that both
// servers have not only equal mail but the same pages of the same files, and filling 100,000 messages takes seconds. Neither server writes
// into a message file, they only rename and remove.
//
// File names have S= and W= as both servers write them themselves, or neither (Foreign), as programs do that know nothing of these. Files
// have CRLF line ends, which both serve fastest, save Foreign ones, which have LF as an MTA would write them.
//
// Files: message.go (the octets), facts.go (what is known of them), template.go (the files), fill.go (mailboxes).
package mailgen
