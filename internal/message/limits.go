package message

// Limits bound what one message may cost. A zero field means its default.
type Limits struct {
	MaxDepth     int // nesting of parts; a deeper one is a leaf
	MaxParts     int // parts in all; what follows is one leaf
	MaxHeader    int // bytes kept of the message's own header; the rest is skipped
	MaxHeaders   int // bytes kept of all part headers together
	MaxAddresses int // addresses in all envelopes together
	MaxParams    int // parameters of one field
}

// DefaultLimits hold for every message a person ever sent. The largest they allow costs a few megabytes while it is parsed.
var DefaultLimits = Limits{
	MaxDepth:     50,
	MaxParts:     2000,
	MaxHeader:    512 << 10,
	MaxHeaders:   1 << 20,
	MaxAddresses: 20_000,
	MaxParams:    200,
}

func (l Limits) orDefault() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.MaxDepth, DefaultLimits.MaxDepth)
	set(&l.MaxParts, DefaultLimits.MaxParts)
	set(&l.MaxHeader, DefaultLimits.MaxHeader)
	set(&l.MaxHeaders, DefaultLimits.MaxHeaders)
	set(&l.MaxAddresses, DefaultLimits.MaxAddresses)
	set(&l.MaxParams, DefaultLimits.MaxParams)
	// The stored form is read back with the same bounds, whatever the caller asked for.
	l.MaxDepth = min(l.MaxDepth, maxBlobDepth)
	return l
}
