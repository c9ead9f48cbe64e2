package config

import "time"

// Config is everything that can be configured. The doc tags are the documentation of the keys.
type Config struct {
	DataDir     string   `yaml:"data_dir" doc:"The store: mail, accounts.db and run/. It is made by bascule init (or serve --init) and carries a marker file, so that a disk that is not mounted is noticed."`
	IndexDir    string   `yaml:"index_dir" doc:"Where the accounts' index databases go; empty: beside each Maildir. For mail on a slower disk than the index."`
	RunDir      string   `yaml:"run_dir" doc:"Locks and sockets through which the processes of one store talk; the same for all of them, on a local file system. Empty: run/ in data_dir."`
	MinFree     Size     `yaml:"min_free" doc:"New mail is refused (LMTP 452, APPEND NO) while a disk of the store has less free, or less than a hundredth of it if that is smaller: a disk that is full to the end would keep people from reading and deleting too. 0: mail may fill it."`
	Hostname    string   `yaml:"hostname" doc:"Name in greetings, in Received fields and in file names; empty: the system's."`
	Locks       string   `yaml:"locks" doc:"file: locks and changes are shared between all processes on the data directory, always safe. memory: one process has it for itself."`
	Watch       string   `yaml:"watch" doc:"How changes by other programs in open mailboxes are noticed. auto: by inotify, by polling where that is not to be had. poll: by polling. off: only when a client asks."`
	StopTimeout Duration `yaml:"stop_timeout" doc:"How long sessions have to end after SIGTERM before they are cut. Shorter than the 10 s after which Docker kills."`

	Listeners  Listeners  `yaml:"listeners"`
	TLS        TLS        `yaml:"tls"`
	ACME       ACME       `yaml:"acme"`
	Accounts   Accounts   `yaml:"accounts"`
	PostgreSQL PostgreSQL `yaml:"postgresql"`
	LDAP       LDAP       `yaml:"ldap"`
	Passwd     Passwd     `yaml:"passwd"`
	Quota      Quota      `yaml:"quota"`
	POP3       POP3       `yaml:"pop3"`
	IMAP       IMAP       `yaml:"imap"`
	LMTP       LMTP       `yaml:"lmtp"`
	Switch     Switch     `yaml:"switch"`
	Auth       Auth       `yaml:"auth"`
	Limits     Limits     `yaml:"limits"`
	Log        Log        `yaml:"log"`
}

// Listeners are the addresses to listen at.
type Listeners struct {
	POP3         []Address `yaml:"pop3" doc:"POP3 with STLS. host:port, or :port for all addresses; an empty list switches the listener off."`
	POP3S        []Address `yaml:"pop3s" doc:"POP3 with TLS from the start."`
	IMAP         []Address `yaml:"imap" doc:"IMAP with STARTTLS."`
	IMAPS        []Address `yaml:"imaps" doc:"IMAP with TLS from the start."`
	LMTP         []Address `yaml:"lmtp" doc:"Delivery by the MTA. host:port or unix:/path. There is no authentication: keep it on loopback, a socket, or a private network."`
	HTTP         []Address `yaml:"http" doc:"Metrics for Prometheus (/metrics) and probes (/live, /ready). There is no authentication: keep it on loopback or a private network. Each process of serve --only needs an address of its own. Empty: none."`
	POP3Proxied  []Address `yaml:"pop3_proxied" doc:"As pop3, behind a proxy that sends the PROXY protocol header (version 1 or 2)."`
	POP3SProxied []Address `yaml:"pop3s_proxied" doc:"As pop3s, behind such a proxy."`
	IMAPProxied  []Address `yaml:"imap_proxied" doc:"As imap, behind such a proxy."`
	IMAPSProxied []Address `yaml:"imaps_proxied" doc:"As imaps, behind such a proxy."`
	OldTLS       []Address `yaml:"old_tls" doc:"Those of the addresses above where TLS 1.0 and 1.1 are taken too, written as they are there. Logins that use them are counted, and logged with their account."`
	ACME         []Address `yaml:"acme" doc:"Where an ACME authority finds the answers of its HTTP challenge; port 80 of the names must lead here. Each process of serve --only needs an address of its own, one of them is enough. Empty: none."`
	ProxyTrusted []Network `yaml:"proxy_trusted" doc:"Networks from which the PROXY header is believed; connections to a _proxied listener from elsewhere are closed. Needed with any _proxied listener."`
}

// TLS is the server's certificates.
type TLS struct {
	Cert       string   `yaml:"cert" doc:"PEM file with the certificate and its chain. Without a certificate (this, tls.directory or tls.self_signed) there is no TLS, and no POP3S and IMAPS listener may be configured."`
	Key        string   `yaml:"key" doc:"PEM file with the key."`
	More       []Pair   `yaml:"more" doc:"Further pairs, chosen by the name that the client asks for (SNI): cert.pem:key.pem."`
	Directory  string   `yaml:"directory" doc:"Directory with any number of pairs in PEM files, found by their contents, in it and one level of directories below: name.crt beside name.key, name.pem with both, certbot's live, Kubernetes secrets. Chosen by SNI, wildcards too; what comes and goes is taken up while the server runs."`
	SelfSigned bool     `yaml:"self_signed" doc:"As long as there is no file tls.cert, or none is named, a self-signed certificate stands in (self-signed.pem in data_dir, made at the start). For trying things out: programs warn of it."`
	MinVersion string   `yaml:"min_version" doc:"Lowest version of TLS: 1.2 or 1.3. Lower ones only by listeners.old_tls."`
	ClientCA   string   `yaml:"client_ca" doc:"PEM file with the authorities of client certificates. Who shows one that they signed may log in without a password, by SASL EXTERNAL. Empty: no client certificates."`
	ClientID   string   `yaml:"client_identity" doc:"What of a client certificate names its account. email: an address among its alternative names. cn: the common name of its subject."`
	Reload     Duration `yaml:"reload" doc:"How often the files are looked at for changes; a pair that does not load leaves the old one in use. SIGHUP looks at once."`
}

// ACME is about certificates from an authority such as Let's Encrypt.
type ACME struct {
	Names     []string `yaml:"names" doc:"Host names for which the server gets certificates itself and renews them. Empty: it does not."`
	Terms     bool     `yaml:"accept_terms" doc:"You have read and accepted the authority's terms of service. Needed with names."`
	Email     string   `yaml:"email" doc:"Where the authority may write to; may be empty."`
	Directory string   `yaml:"directory" doc:"The authority's directory. For trying things out: https://acme-staging-v02.api.letsencrypt.org/directory, whose certificates nobody trusts."`
	CA        string   `yaml:"ca" doc:"PEM file with the certificate by which the authority's own server is known; empty: the system's. For an authority of your own."`
	Challenge string   `yaml:"challenge" doc:"How the authority sees that the names are yours. http: by port 80, listeners.acme. tls-alpn: by port 443, which must lead to any pop3s or imaps listener."`
}

// Accounts are the settings that domains and accounts inherit.
type Accounts struct {
	DefaultDomain string   `yaml:"default_domain" doc:"Completes user names without @; empty: such names are wrong."`
	Protocols     string   `yaml:"protocols" doc:"The protocol setting where neither account nor domain has one: pop3, imap, both or none."`
	Separator     string   `yaml:"separator" doc:"Between levels of folder names as IMAP clients see them: / or . (by domain: bascule domain set)."`
	InboxPrefix   bool     `yaml:"inbox_prefix" doc:"IMAP clients see all folders below INBOX, as with Courier."`
	RefusalText   string   `yaml:"refusal_text" doc:"What a client is told whose protocol is off, after the right password, with the address where help is to be had; empty: the built-in sentence."`
	Folders       []Folder `yaml:"folders" doc:"Folders that every account has from the start, each with its use (RFC 6154): Name=\\Use."`

	Source        string   `yaml:"source" doc:"Where accounts and passwords are: sqlite (accounts.db, by bascule account add), or as their sections say postgresql, ldap or passwd. What such a source does not own, the protocol setting too, is kept in accounts.db all the same."`
	SourceTimeout Duration `yaml:"source_timeout" doc:"How long the source may take to answer, connecting included."`
	SourceMemory  Duration `yaml:"source_memory" doc:"How long what the source said of an account holds while it does not answer: mail is delivered and sessions go on; logins wait for it. 0: not at all."`
	SourceRecheck Duration `yaml:"source_recheck" doc:"How often the accounts with open sessions are looked up again, where the source cannot tell that something changed."`
	SourceSCRAM   bool     `yaml:"source_scram" doc:"Offer SCRAM with postgresql or passwd; only where every password is stored as {SCRAM-SHA-256}, since clients that see it try nothing else."`
}

// Quota is what accounts inherit; 0 is no limit.
type Quota struct {
	Bytes    Size `yaml:"bytes" doc:"Octets of mail per account; 0: no limit."`
	Messages int  `yaml:"messages" doc:"Messages per account; 0: no limit."`
	Grace    Size `yaml:"grace" doc:"By how much a full account may go over its limit when it moves or copies to Trash, so that it can be emptied."`
}

// POP3 is about POP3 sessions.
type POP3 struct {
	Exclusive   string   `yaml:"exclusive" doc:"What a POP3 session keeps IMAP from. mailbox: everything in INBOX waits. removal: only what removes messages waits. snapshot: nothing waits, POP3 keeps its list."`
	LockWait    Duration `yaml:"lock_wait" doc:"How long a login waits for the mailbox before it answers [IN-USE]."`
	Takeover    Duration `yaml:"takeover" doc:"Silence after which a session whose client does not answer any more gives way to a new login; 0: never."`
	Timeout     Duration `yaml:"timeout" doc:"Silence that ends a session; RFC 1939 asks for 10 minutes at least."`
	LoginDelay  Duration `yaml:"login_delay" doc:"Time in which an account gets one more login; 0: no limit. More are refused with [LOGIN-DELAY]."`
	LoginBucket int      `yaml:"login_bucket" doc:"Logins an account may save up before login_delay bites."`
	MarkSeen    bool     `yaml:"mark_seen" doc:"RETR sets the flag that IMAP clients show as read."`
	HideDeleted bool     `yaml:"hide_deleted" doc:"Messages that an IMAP client has marked as deleted are not listed."`
	KeepAlive   Duration `yaml:"tcp_keepalive" doc:"Silence after which the kernel asks whether the client is still there."`
}

// IMAP is about IMAP sessions.
type IMAP struct {
	LockWait      Duration `yaml:"lock_wait" doc:"How long a command on INBOX waits for a POP3 session before it answers NO [INUSE]."`
	Timeout       Duration `yaml:"timeout" doc:"Silence that ends a session; RFC 9051 asks for 30 minutes at least."`
	IdleKeepAlive Duration `yaml:"idle_keepalive" doc:"How often an idling client is told \"Still here\", against routers that forget silent connections; 0: never."`
	LiteralMinus  bool     `yaml:"literal_minus" doc:"Offer LITERAL- instead of LITERAL+: clients may send up to 4096 octets without asking."`
	HideFor       []string `yaml:"hide_for" doc:"Capabilities that are not announced to programs that break over them: PATTERN: CAPABILITY ..., the pattern being that of name and version in the client's ID, with * for any text. By account and domain: imap_hide."`
	SubmitUsers   []string `yaml:"submit_users" doc:"Accounts of message submission servers: they fetch what customers authorize by URLs with submit+ (RFC 4467), for BURL."`
	MaxMessage    Size     `yaml:"max_message" doc:"Largest message that APPEND takes (APPENDLIMIT)."`
	AdminContact  string   `yaml:"admin_contact" doc:"How the server's administrators are reached, a URI such as mailto:postmaster@example.org, which mail programs can show (METADATA, /shared/admin). Empty: not told."`
	SearchIndex   string   `yaml:"search_index" doc:"An index of all texts for searches in bodies, beside index.db. auto: begun when a search had to read 1000 messages, and kept from then on. on: for all accounts. off: no account has one, and those that are there are removed. By account and domain: search_index."`
	KeepAlive     Duration `yaml:"tcp_keepalive" doc:"Silence after which the kernel asks whether the client is still there."`
}

// LMTP is about delivery.
type LMTP struct {
	MaxMessage    Size     `yaml:"max_message" doc:"Largest message taken (SIZE)."`
	MaxRecipients int      `yaml:"max_recipients" doc:"Recipients of one message."`
	Timeout       Duration `yaml:"timeout" doc:"Silence that ends a connection."`
	OverQuota     int      `yaml:"over_quota" doc:"Answer for a full mailbox: 552 (bounce) or 452 (try again later)."`
	Subaddress    string   `yaml:"subaddress" doc:"Delimiter between user and folder, such as +; empty: no subaddresses. A folder that is not there means INBOX."`
	CreateFolders bool     `yaml:"create_folders" doc:"Make the folder that a subaddress names."`
}

// Switch is about changes of the protocol setting.
type Switch struct {
	Grace Duration `yaml:"grace" doc:"How long an open POP3 session may go on when POP3 is switched off for its account."`
}

// Auth is about logins.
type Auth struct {
	Plaintext  string    `yaml:"plaintext" doc:"Where passwords may come without TLS. loopback: from this machine. always: from everywhere."`
	Throttle   bool      `yaml:"throttle" doc:"Slow down guessing, by address, network and account. Successes and lock refusals never count."`
	Mechanisms []string  `yaml:"mechanisms" doc:"SASL mechanisms offered, best first. Without PLAIN there are no USER and LOGIN commands either."`
	Cache      Duration  `yaml:"cache" doc:"How long a password that was right is remembered (as a keyed hash in memory); 0: not at all."`
	Hashing    int       `yaml:"hashing" doc:"Password checks that run at once; 0: as many as there are cores."`
	Trusted    []Network `yaml:"trusted" doc:"Networks, such as the webmail's, whose logins are not throttled by address and whose connections are not counted by address."`
}

// Limits are per process.
type Limits struct {
	PerAccountAddress int `yaml:"per_account_address" doc:"Sessions of one account from one address."`
	PerAddress        int `yaml:"per_address" doc:"Connections of one address (IPv6: one /64) before login; 0: no limit."`
	Connections       int `yaml:"connections" doc:"Connections per protocol; 0: no limit."`
}

// Log is about what is written to standard error.
type Log struct {
	Level     string `yaml:"level" doc:"debug, info, warn or error."`
	Format    string `yaml:"format" doc:"text or json."`
	Deletions string `yaml:"deletions" doc:"What is logged of messages that sessions delete for good. off: nothing. ids: account, client, mailbox, UID, size, hash of the Message-ID. subjects: their subjects too."`
	Trace     string `yaml:"trace" doc:"off; masked: every line of every session, without passwords and mail; full: with them."`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		DataDir: "/var/lib/bascule", MinFree: 64 << 20, Locks: "file", Watch: "auto", StopTimeout: Duration(8 * time.Second),
		Listeners: Listeners{
			POP3: []Address{":1110"}, POP3S: nil, IMAP: []Address{":1143"}, IMAPS: nil, LMTP: []Address{"127.0.0.1:1024"},
		},
		TLS:  TLS{MinVersion: "1.2", ClientID: "email", Reload: Duration(time.Minute)},
		ACME: ACME{Directory: "https://acme-v02.api.letsencrypt.org/directory", Challenge: "http"},
		Accounts: Accounts{Protocols: "both", Separator: "/", Folders: defaultFolders(),
			Source: "sqlite", SourceTimeout: Duration(5 * time.Second), SourceMemory: Duration(time.Hour), SourceRecheck: Duration(10 * time.Second)},
		PostgreSQL: PostgreSQL{Connections: 4},
		LDAP:       LDAP{StartTLS: true, Filter: "(&(objectClass=inetOrgPerson)(mail={address}))", Version: "entryCSN", Connections: 4},
		Quota:      Quota{Grace: 100 << 20},
		POP3: POP3{
			Exclusive: "mailbox", LockWait: Duration(5 * time.Second), Takeover: Duration(time.Minute), Timeout: Duration(10 * time.Minute),
			LoginBucket: 10, MarkSeen: true, HideDeleted: true, KeepAlive: Duration(30 * time.Second),
		},
		IMAP: IMAP{
			LockWait: Duration(10 * time.Second), Timeout: Duration(30 * time.Minute), IdleKeepAlive: Duration(10 * time.Minute),
			MaxMessage: 64 << 20, SearchIndex: "auto", KeepAlive: Duration(3 * time.Minute),
		},
		LMTP:   LMTP{MaxMessage: 64 << 20, MaxRecipients: 1000, Timeout: Duration(5 * time.Minute), OverQuota: 552},
		Switch: Switch{Grace: Duration(30 * time.Second)},
		Auth: Auth{Plaintext: "loopback", Throttle: true, Cache: Duration(15 * time.Minute),
			Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"}},
		Limits: Limits{PerAccountAddress: 50, PerAddress: 100, Connections: 20000},
		Log:    Log{Level: "info", Format: "text", Deletions: "ids", Trace: "off"},
	}
}

func defaultFolders() []Folder {
	return []Folder{{"Drafts", `\Drafts`}, {"Sent", `\Sent`}, {"Junk", `\Junk`}, {"Trash", `\Trash`}, {"Archive", `\Archive`}}
}
