package disk

// OnFS gives the same Maildir through other system calls.
func OnFS(m *Maildir, f FS) *Maildir { return &Maildir{root: m.root, fs: f, namer: m.namer} }
