package index

// migrations only add, so that an older program still runs on a newer schema during
// a rolling restart.
var migrations = []string{
	`CREATE TABLE account (
		key   TEXT PRIMARY KEY,
		value INTEGER NOT NULL
	) WITHOUT ROWID;

	CREATE TABLE folders (
		id          INTEGER PRIMARY KEY AUTOINCREMENT,
		name        TEXT NOT NULL UNIQUE,  -- as clients see it: UTF-8, "/" between levels
		dir         TEXT NOT NULL UNIQUE,  -- on disk: "" is INBOX, ".A.B"
		object_id   TEXT NOT NULL,         -- MAILBOXID, survives a rename
		uidvalidity INTEGER NOT NULL,
		uidnext     INTEGER NOT NULL,
		modseq      INTEGER NOT NULL,      -- highest given
		recent      INTEGER NOT NULL,      -- first UID that no session has called \Recent
		special     TEXT NOT NULL DEFAULT '',
		keywords    TEXT NOT NULL DEFAULT '', -- one per line, in bit order; only grows
		new_mtime   INTEGER NOT NULL DEFAULT 0, -- nanoseconds, as last reconciled
		cur_mtime   INTEGER NOT NULL DEFAULT 0,
		scanned     INTEGER NOT NULL DEFAULT 0, -- when all names were last read, seconds
		messages    INTEGER NOT NULL DEFAULT 0,
		unseen      INTEGER NOT NULL DEFAULT 0,
		deleted     INTEGER NOT NULL DEFAULT 0,
		disk        INTEGER NOT NULL DEFAULT 0, -- bytes on disk, what quotas count
		wire        INTEGER NOT NULL DEFAULT 0, -- octets on the wire of those whose size is known
		wire_deleted INTEGER NOT NULL DEFAULT 0, -- of these, the ones with \Deleted
		unsized     INTEGER NOT NULL DEFAULT 0, -- messages whose size is not known
		reserved    INTEGER NOT NULL DEFAULT 0, -- UIDs below it are reserved in the mirror
		forgotten   INTEGER NOT NULL DEFAULT 0  -- expunges up to this modseq are forgotten
	);

	CREATE TABLE messages (
		folder    INTEGER NOT NULL,
		uid       INTEGER NOT NULL,
		modseq    INTEGER NOT NULL,
		flags     INTEGER NOT NULL,
		base      TEXT NOT NULL,
		place     INTEGER NOT NULL,            -- 0 new/, 1 cur/
		tail      TEXT NOT NULL DEFAULT '',    -- the rest of the file name: ":2,S"
		disk      INTEGER NOT NULL DEFAULT -1, -- bytes, -1 not known yet
		wire      INTEGER NOT NULL DEFAULT -1, -- octets on the wire, -1 not known yet
		kind      INTEGER NOT NULL DEFAULT 0,  -- message.Kind
		internal  INTEGER NOT NULL,            -- seconds
		saved     INTEGER NOT NULL,
		uidl      TEXT NOT NULL DEFAULT '',    -- '' when the base name gives it
		pop_order INTEGER NOT NULL DEFAULT 0,
		email_id  TEXT NOT NULL DEFAULT '',
		thread_id TEXT NOT NULL DEFAULT '',
		PRIMARY KEY (folder, uid)
	) WITHOUT ROWID;
	CREATE UNIQUE INDEX messages_base ON messages (folder, base);
	CREATE INDEX messages_modseq ON messages (folder, modseq);

	CREATE TABLE parsed (
		folder INTEGER NOT NULL,
		uid    INTEGER NOT NULL,
		data   BLOB NOT NULL,
		PRIMARY KEY (folder, uid)
	);

	CREATE TABLE expunged (
		folder    INTEGER NOT NULL,
		modseq    INTEGER NOT NULL,
		uid       INTEGER NOT NULL,
		base      TEXT NOT NULL,
		announced INTEGER NOT NULL, -- 0: found gone by a scan that no client saw
		PRIMARY KEY (folder, modseq, uid)
	) WITHOUT ROWID;
	CREATE INDEX expunged_base ON expunged (folder, base) WHERE announced = 0;

	CREATE TABLE intents (
		id    INTEGER PRIMARY KEY AUTOINCREMENT,
		owner INTEGER NOT NULL, -- the process that does them; see maildir/intents.go
		later INTEGER NOT NULL, -- 1: not before the POP3 session ends, 2: failed, its owner tries again
		ops   BLOB NOT NULL     -- one command's file operations, in order
	);`,

	// How many changes were made to rows without a modseq (sizes learned, names without
	// flags): other processes compare all rows when it has grown.
	`ALTER TABLE folders ADD COLUMN silent INTEGER NOT NULL DEFAULT 0`,

	// Which state a kept snapshot must be of to be believed; see maildir/kept.go.
	`ALTER TABLE folders ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE folders ADD COLUMN stamp_silent INTEGER NOT NULL DEFAULT 0; -- silent, when stamp was given
	ALTER TABLE folders ADD COLUMN base_stamp INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE folders ADD COLUMN base_silent INTEGER NOT NULL DEFAULT 0;`,

	// Who has which rights beside the owner, a line for each: the text of Dovecot's dovecot-acl.
	`ALTER TABLE folders ADD COLUMN acl TEXT NOT NULL DEFAULT ''`,

	// The first words of a message, for PREVIEW; NULL until somebody asks.
	`ALTER TABLE parsed ADD COLUMN preview TEXT`,

	// Annotations (RFC 5464). A name keeps the case in which it was first written. The highest of changed is the
	// account's number "metadata".
	`CREATE TABLE metadata (
		folder  INTEGER NOT NULL,             -- 0: of the account, not of one of its mailboxes
		owner   TEXT NOT NULL,                -- whose private entry it is, '' of a shared one
		name    TEXT NOT NULL COLLATE NOCASE, -- "/private/comment"
		value   BLOB,                         -- NULL: removed, and kept for those who are to hear of it
		changed INTEGER NOT NULL,             -- when: the number of the change
		PRIMARY KEY (folder, owner, name)
	);
	CREATE INDEX metadata_owner ON metadata (owner);
	CREATE INDEX metadata_changed ON metadata (changed);`,

	// Private \Seen; see maildir/eyes.go.
	`CREATE TABLE seen (
		folder INTEGER NOT NULL,
		user   TEXT NOT NULL,
		first  INTEGER NOT NULL, -- a run of UIDs
		last   INTEGER NOT NULL,
		modseq INTEGER NOT NULL, -- when it was read, or marked as not read
		seen   INTEGER NOT NULL,
		PRIMARY KEY (folder, user, first)
	) WITHOUT ROWID;
	ALTER TABLE folders ADD COLUMN seen_private INTEGER NOT NULL DEFAULT 0; -- each user has a \Seen of his own
	ALTER TABLE folders ADD COLUMN seen_modseq INTEGER NOT NULL DEFAULT 0; -- when one changed last`,

	// What vouches for URLs into the folder (RFC 4467), in hexadecimal; empty until the first is authorized.
	`ALTER TABLE folders ADD COLUMN url_key TEXT NOT NULL DEFAULT ''`,
}
