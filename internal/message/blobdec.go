package message

// decoder reads what encoder wrote. Once something does not fit, bad is set and all that follows is
// zero. No allocation is larger than what the bytes that are there could hold.
type decoder struct {
	s   string // strings are cut from it, so one copy serves all
	at  int
	bad bool
}

// num reads a number that an int64 holds.
func (d *decoder) num() int64 {
	var n uint64
	for shift := 0; shift < 63; shift += 7 {
		if d.at >= len(d.s) {
			break
		}
		c := d.s[d.at]
		d.at++
		n |= uint64(c&0x7F) << shift
		if c < 0x80 {
			return int64(n)
		}
	}
	d.bad = true
	return 0
}

// count reads how many things of at least size bytes each follow.
func (d *decoder) count(size int) int {
	n := d.num()
	if d.bad || n > int64((len(d.s)-d.at)/size) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.num()
	if n&1 != 0 {
		if n>>1 < int64(len(blobWords)) {
			return blobWords[n>>1]
		}
		d.bad = true
		return ""
	}
	if n >>= 1; !d.bad && n <= int64(len(d.s)-d.at) {
		s := d.s[d.at : d.at+int(n)]
		d.at += int(n)
		return s
	}
	d.bad = true
	return ""
}

// textIf reads a string if a bit says that there is one.
func (d *decoder) textIf(bits, bit int64) string {
	if bits&bit == 0 {
		return ""
	}
	return d.text()
}

// BlobDecoder decodes one stored form after another into the same memory. What it gives is valid until it is asked for the next of its kind. The
// zero value is ready; it is used by one goroutine.
type BlobDecoder struct {
	env       Envelope
	addresses []Address
	tree      treeDecoder
}

// Envelope decodes only the envelope.
func (r *BlobDecoder) Envelope(b []byte) (*Envelope, error) {
	l, err := layoutOf(b)
	if err != nil {
		return nil, err
	}
	return r.envelope(l.env)
}

// Root decodes only the part tree.
func (r *BlobDecoder) Root(b []byte) (*Part, error) {
	l, err := layoutOf(b)
	if err != nil {
		return nil, err
	}
	return r.tree.decode(l.tree)
}

func (r *BlobDecoder) envelope(b []byte) (*Envelope, error) {
	d := decoder{s: string(b)}
	e := d.envelope(&r.env, &r.addresses)
	if d.bad || d.at != len(d.s) {
		return nil, ErrBlob
	}
	return e, nil
}

// room gives an empty slice for at most n elements in the memory of *all, which grows if it has to. What is in it is not cleared.
func room[T any](all *[]T, n int) []T {
	if cap(*all) < n {
		*all = make([]T, 0, n)
	}
	return (*all)[:0:n]
}

// envelope reads an envelope into e and *addresses; nil if there is none.
func (d *decoder) envelope(e *Envelope, addresses *[]Address) *Envelope {
	bits := d.num()
	if bits == envAbsent {
		return nil
	}
	slab := room(addresses, d.count(1))
	*e = Envelope{Has: EnvelopeFields(bits & 0xF)}
	for _, dst := range [...]*string{&e.Date, &e.Subject, &e.InReplyTo, &e.MessageID} {
		*dst = d.text()
	}
	for _, dst := range [...]*[]Address{&e.From, &e.Sender, &e.ReplyTo, &e.To, &e.Cc, &e.Bcc} {
		n := d.count(1)
		if n > cap(slab)-len(slab) {
			d.bad = true
		}
		if d.bad {
			return e
		}
		if n == 0 {
			continue
		}
		from := len(slab)
		for range n {
			slab = append(slab, d.address())
		}
		*dst = slab[from:len(slab):len(slab)]
	}
	if bits&envSenderIsFrom != 0 {
		e.Sender = e.From
	}
	if bits&envReplyIsFrom != 0 {
		e.ReplyTo = e.From
	}
	return e
}

func (d *decoder) address() Address {
	bits := d.num()
	return Address{
		Kind:    AddressKind(bits & 3),
		Name:    d.textIf(bits, addrName),
		Route:   d.textIf(bits, addrRoute),
		Mailbox: d.textIf(bits, addrMailbox),
		Host:    d.textIf(bits, addrHost),
	}
}

// treeDecoder hands out the nodes of a tree from slices made once.
type treeDecoder struct {
	decoder
	parts     []Part
	children  []*Part
	params    []Param
	languages []string

	slabs struct { // in which these lie
		parts     []Part
		children  []*Part
		params    []Param
		languages []string
	}
}

// Smallest stored sizes: a part has eight numbers, a parameter two, a language one.
const (
	minPartBytes  = 8
	minParamBytes = 2
)

func (d *treeDecoder) decode(b []byte) (*Part, error) {
	d.decoder = decoder{s: string(b)}
	parts, params, languages := d.count(minPartBytes), d.count(minParamBytes), d.count(1)
	if d.bad || parts == 0 {
		return nil, ErrBlob
	}
	d.parts = room(&d.slabs.parts, parts)
	d.children = room(&d.slabs.children, parts)[:parts]
	d.params = room(&d.slabs.params, params)
	d.languages = room(&d.slabs.languages, languages)
	const all = 1 << 62
	root := d.part(0, all, 1)
	if d.bad || d.at != len(d.s) || len(d.parts) != parts {
		return nil, ErrBlob
	}
	return root, nil
}

// part reads one part that must lie in [from,to).
func (d *treeDecoder) part(from, to int64, depth int) *Part {
	if d.bad || len(d.parts) == cap(d.parts) || depth > maxBlobDepth {
		d.bad = true
		return nil
	}
	d.parts = d.parts[:len(d.parts)+1]
	p := &d.parts[len(d.parts)-1]
	*p = Part{}
	bits := d.num()
	p.Type, p.Subtype, p.Encoding = d.text(), d.text(), d.text()
	p.HeaderOff = d.offset(from, to)
	p.BodyOff = d.offset(p.HeaderOff, to)
	p.EndOff = d.offset(p.BodyOff, to)
	p.Lines = d.offset(0, p.EndOff-p.BodyOff)
	p.ID = d.textIf(bits, partID)
	p.Description = d.textIf(bits, partDescription)
	p.MD5 = d.textIf(bits, partMD5)
	p.Disposition = d.textIf(bits, partDisposition)
	p.Location = d.textIf(bits, partLocation)
	if bits&partParams != 0 {
		p.Params = d.paramList()
	}
	if bits&partDispositionParams != 0 {
		p.DispositionParams = d.paramList()
	}
	if bits&partLanguage != 0 {
		n, at := d.count(1), len(d.languages)
		for ; n > 0 && len(d.languages) < cap(d.languages); n-- {
			d.languages = append(d.languages, d.text())
		}
		d.bad = d.bad || n > 0
		p.Language = d.languages[at:len(d.languages):len(d.languages)]
	}
	if bits&partEnvelope != 0 {
		p.Envelope = d.envelope(new(Envelope), new([]Address))
	}
	if bits&partChildren != 0 {
		n := d.count(minPartBytes)
		if n > len(d.children) {
			d.bad = true
			return nil
		}
		p.Children = d.children[:n:n]
		d.children = d.children[n:]
		at := p.BodyOff
		for i := range p.Children {
			c := d.part(at, p.EndOff, depth+1)
			if d.bad {
				return nil
			}
			p.Children[i] = c
			at = c.EndOff
		}
	}
	return p
}

// offset reads a distance from an offset that ends at most at another.
func (d *treeDecoder) offset(from, to int64) int64 {
	n := d.num()
	if d.bad || n > to-from {
		d.bad = true
		return from
	}
	return from + n
}

func (d *treeDecoder) paramList() []Param {
	n, at := d.count(minParamBytes), len(d.params)
	for ; n > 0 && len(d.params) < cap(d.params); n-- {
		d.params = append(d.params, Param{Name: d.text(), Value: d.text()})
	}
	d.bad = d.bad || n > 0
	return d.params[at:len(d.params):len(d.params)]
}
