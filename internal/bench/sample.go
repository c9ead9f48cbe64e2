package bench

// Sample is what one run of a load against one server gave.
type Sample struct {
	Value     float64            `json:"value"`             // in the load's unit
	Ops       int64              `json:"ops"`               // operations measured
	Seconds   float64            `json:"seconds"`           // that they took
	CPU       float64            `json:"cpu"`               // seconds of processor time of the server per operation
	Generator float64            `json:"generator_cpu"`     // the same of the generator, which has to share the machine
	Memory    int64              `json:"memory"`            // highest proportional set size of the server that was seen, octets
	Details   map[string]float64 `json:"details,omitempty"` // further numbers, by name
}

// Job tells a generator what to do, on its standard input.
type Job struct {
	Load    string
	Size    int
	Warm    bool    // prepare the boxes instead of measuring
	Seconds float64 // how long a load that can go on for ever goes on
	Target  Target
}

// Target is a running server as the generator sees it.
type Target struct {
	Name  string
	PID   int
	Addrs map[string]string // imap, imaps, pop3, pop3s, lmtp
	Boxes []TargetBox
}

// TargetBox is a box with what the generator has to know of it.
type TargetBox struct {
	Box
	Maildir   string
	FactsFile string
}

// Answer is what a generator prints.
type Answer struct {
	Sample Sample
	Error  string `json:",omitempty"`
}
