// Package imap is the IMAP engine: IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051) and the extensions of capability.go, over
// the shared store of package maildir. Below are wire, its codec, and imapurl, the grammar of IMAP URLs.
//
// Invariants:
//
//   - One goroutine per connection, netserve's, does everything: it alone reads, writes and holds the session's state. Others
//     set conn.leaving and wake it. While it rests in IDLE a visit may stand in for it (idle_visit.go), one at a time.
//   - A command is a row of the table (table.go) and a file cmd_<noun>.go with grammar, action and reply in that order. The handler
//     returns an error; errors.go turns errors into NO, BAD or BYE. Every command gets one tagged reply, or the connection
//     ends with BYE.
//   - Sequence numbers are mapped in view.go only. EXISTS, EXPUNGE, RECENT and FETCH responses that nobody asked for are sent in sync.go
//     only, at the end of commands, in IDLE and under NOTIFY, and EXPUNGE never while a command that uses sequence numbers runs (the row says
//     which).
//   - After an error the stream is in step or closed: wire's Resync skips what is left of a command, literals included.
//   - What reads or changes a mailbox passes the session's door (maildir.Door), which is where POP3's lock makes it wait. The door is
//     left before anything long is written, so a slow client never keeps POP3 out. A FETCH that is being sent is finished.
//   - An idle connection holds no buffers and no lease: its state is a conn and, if a mailbox is selected, a pointer to
//     the snapshot that all its sessions share. Results that a client has kept up to date (context.go) come to that, bounded.
//   - What a client can make the server keep is bounded: lines and literals by wire.Limits, keys of a SEARCH, items of a FETCH,
//     patterns of a LIST by the constants beside their parsers.
//
// Files:
//
//	server.go           Options, Server, Handle
//	conn.go             the loop: wait, parse tag and verb, check the state, run, resync, sync, reply
//	table.go            one row per command
//	errors.go           from errors to replies
//	capability.go       what is promised, and what was enabled
//	hide.go             what is kept from clients that break over it
//	auth.go             what a login changes
//	originating.go      the address of the person for whom a webmail speaks
//	summary.go          what the log says of a session at its end
//	cmd_language.go     the language of texts; c.words is where they are translated
//	names.go            the client's names and the store's
//	place.go            where a name leads: whose mail, which folder, which rights
//	selected.go         the selected mailbox; entering it
//	view.go             the client's numbering
//	sync.go             telling the news
//	notify.go           telling of other mailboxes (NOTIFY)
//	entries.go          annotations: names, rights, where they are
//	entry_news.go       telling of changed annotations
//	resync.go           telling what was missed while away
//	cmd_*.go            the commands
//	append_*.go         messages on their way in: one by one, put together from parts
//	url_*.go            what IMAP URLs name
//	fetch_*.go          items, body sections, envelope, structure; sending
//	search_*.go         criteria, parsing, evaluation (search_run.go), text in bodies; options and form of the answer
//	progress.go         telling that a long command goes on
//	context*.go         results that are kept up to date (RFC 5267); sync.go tells them
//	mailbox_filter.go   mailboxes by kind, of ESEARCH
//	sort_*.go           the keys of SORT; sorting
//	thread*.go          who answers whom; the ways of THREAD
//	list_select.go      which mailboxes a LIST names
//
// Start reading at conn.go (next, finish), then table.go, cmd_store.go and sync.go.
package imap
