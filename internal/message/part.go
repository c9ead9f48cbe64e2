package message

// Parsed is what one pass over a message found.
type Parsed struct {
	// Header is the message's own header in wire form, its empty line included. If HeaderCut is set it is only the
	// first Limits.MaxHeader bytes, to the end of a line, and the whole must be read from the message:
	// it is Root.BodyOff octets long.
	Header    []byte
	HeaderCut bool
	Envelope  *Envelope
	Root      *Part
}

// Part is one node of the tree. The strings are as the sender wrote them, in one line; an absent field is the empty
// string or a nil slice.
//
// Type and Subtype default to text/plain with charset us-ascii, in a multipart/digest to message/rfc822 (RFC 2046 §5.1.5);
// Encoding to 7bit. A multipart that has no boundary or no parts is a text/plain leaf, since IMAP's grammar has no empty
// multipart and its text should be seen. A message part in base64 cannot be looked into and is an
// application/octet-stream leaf, and so is what exceeds a limit.
type Part struct {
	Type, Subtype     string
	Params            []Param
	ID, Description   string
	Encoding, MD5     string
	Disposition       string
	DispositionParams []Param
	Language          []string
	Location          string

	// HeaderOff, BodyOff and EndOff are octets from the start of the message in wire form. The header
	// is [HeaderOff,BodyOff) with its empty line; the body is [BodyOff,EndOff) without the line end that belongs to
	// the next boundary (RFC 2046 §5.1.1).
	HeaderOff, BodyOff, EndOff int64
	// Lines counts the line ends in the body.
	Lines int64

	// Children are the parts of a multipart. A message/rfc822 or message/global has one: the message in it,
	// whose header starts at this part's BodyOff. Envelope is that message's.
	Children []*Part
	Envelope *Envelope
}

// Size is the length of the body in octets, as it is encoded.
func (p *Part) Size() int64 { return p.EndOff - p.BodyOff }

// IsMultipart reports that the children are the parts of a multipart.
func (p *Part) IsMultipart() bool { return len(p.Children) > 0 && p.Envelope == nil }

// Message gives the embedded message of a message/rfc822 or message/global part, else nil.
func (p *Part) Message() *Part {
	if p.Envelope != nil && len(p.Children) == 1 {
		return p.Children[0]
	}
	return nil
}

// Is compares the media type without regard to case.
func (p *Part) Is(typ, subtype string) bool {
	return equalName(p.Type, typ) && equalName(p.Subtype, subtype)
}

// Charset is the charset parameter, "" if there is none.
func (p *Part) Charset() string { return findParam(p.Params, "charset") }

// Filename is the decoded name of an attachment, "" if there is none: the filename of the disposition, else the
// name of the media type.
func (p *Part) Filename() string {
	if s := findParam(p.DispositionParams, "filename"); s != "" {
		return s
	}
	return findParam(p.Params, "name")
}

// Section finds a part by its IMAP number (RFC 9051 §6.4.5.1). The empty path is the root. A message that is no multipart has
// a part 1, itself. Numbers go on inside a message part.
func (p *Parsed) Section(path []int) (*Part, bool) {
	if len(path) == 0 {
		return p.Root, true
	}
	// scope is a message, outer or embedded, or a multipart: what the next number counts in.
	scope := p.Root
	for i, n := range path {
		part := scope
		switch {
		case scope.IsMultipart():
			if n < 1 || n > len(scope.Children) {
				return nil, false
			}
			part = scope.Children[n-1]
		case n != 1:
			return nil, false
		}
		if i == len(path)-1 {
			return part, true
		}
		if m := part.Message(); m != nil {
			part = m
		} else if !part.IsMultipart() {
			return nil, false
		}
		scope = part
	}
	return nil, false
}
