package accounts

// migrations of accounts.db; see sqlitex.Migrate: append, never edit.
//
// Times are seconds since 1970, UTC. Settings are NULL where they are inherited.
var migrations = []string{`
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE domains (
	id             INTEGER PRIMARY KEY,
	name           TEXT NOT NULL UNIQUE,
	created        INTEGER NOT NULL,
	protocols      TEXT,
	exclusive      TEXT,
	quota_bytes    INTEGER,
	quota_messages INTEGER,
	separator      TEXT,
	inbox_prefix   TEXT,
	refusal_text   TEXT,
	status         TEXT,
	status_reason  TEXT,
	delivery       TEXT
);

CREATE TABLE accounts (
	id               INTEGER PRIMARY KEY,
	address          TEXT NOT NULL UNIQUE,
	domain           INTEGER NOT NULL REFERENCES domains (id),
	created          INTEGER NOT NULL,
	password         TEXT NOT NULL DEFAULT '',    -- '': nobody can log in
	password_version INTEGER NOT NULL DEFAULT 0,  -- value of meta 'changes' when it was set
	scram_iterations INTEGER NOT NULL DEFAULT 0,  -- 0: no SCRAM keys
	scram_salt       BLOB,
	scram_stored     BLOB,
	scram_server     BLOB,
	protocols        TEXT,
	exclusive        TEXT,
	quota_bytes      INTEGER,
	quota_messages   INTEGER,
	refusal_text     TEXT,
	status           TEXT,
	status_reason    TEXT,
	delivery         TEXT
);
CREATE INDEX accounts_domain ON accounts (domain, address);

CREATE TABLE logins (
	account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	protocol TEXT NOT NULL,
	at       INTEGER NOT NULL,
	remote   TEXT NOT NULL,
	client   TEXT NOT NULL,
	PRIMARY KEY (account, protocol)
) WITHOUT ROWID;

CREATE TABLE schedule (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	due     INTEGER NOT NULL,
	scope   TEXT NOT NULL,
	value   TEXT NOT NULL,
	who     TEXT NOT NULL,
	created INTEGER NOT NULL,
	done    INTEGER,             -- when it was carried out; NULL: it is to come
	result  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX schedule_due ON schedule (due) WHERE done IS NULL;

CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	action  TEXT NOT NULL,
	subject TEXT NOT NULL,
	old     TEXT NOT NULL,
	new     TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);

INSERT INTO meta (key, value) VALUES ('changes', 1);
`, `
ALTER TABLE domains ADD COLUMN search_index TEXT;
ALTER TABLE accounts ADD COLUMN search_index TEXT;
`,

	// Which accounts share mailboxes with whom (shares.go). Owners may be accounts that are not in this database.
	`CREATE TABLE shares (
	owner     TEXT NOT NULL,
	domain    TEXT NOT NULL, -- of the owner
	with_whom TEXT NOT NULL, -- an address, or 'anyone' of the domain
	PRIMARY KEY (owner, with_whom)
) WITHOUT ROWID;
CREATE INDEX shares_with ON shares (with_whom, domain);

ALTER TABLE domains ADD COLUMN shared TEXT;
ALTER TABLE accounts ADD COLUMN shared TEXT;
`, `
ALTER TABLE domains ADD COLUMN imap_hide TEXT;
ALTER TABLE accounts ADD COLUMN imap_hide TEXT;
`,

	// Who is an administrator.
	`ALTER TABLE accounts ADD COLUMN admin TEXT`,

	// Shared annotations of the whole server (annotations.go).
	`CREATE TABLE annotations (
	name    TEXT PRIMARY KEY COLLATE NOCASE,
	value   BLOB,            -- NULL: removed, and kept for those who are to hear of it
	changed INTEGER NOT NULL -- number of the change, ascending
);`}
