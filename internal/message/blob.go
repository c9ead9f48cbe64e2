package message

import (
	"errors"
	"fmt"
)

// The stored form of a Parsed, version 1. All numbers are unsigned varints.
//
//	version byte | envelope length | tree length | header length * 2 + cut | envelope | tree | header
//
// Without its header it is the meta form: what FETCH ENVELOPE and BODYSTRUCTURE need, small enough to be kept apart from
// the header. Every function below except BlobHeader and UnmarshalBinary's Header takes both forms.
//
// A reader of an unknown version gets ErrBlob and parses the message again.

// blobVersion changes whenever old readers would misread what is written.
const blobVersion = 1

// ErrBlob says that stored bytes are no Parsed of this version. The message is to be parsed again.
var ErrBlob = errors.New("message: stored structure is damaged or of another version")

// ErrNotTree says that a Parsed was not made by Parse: its offsets are not in order.
var ErrNotTree = errors.New("message: part tree is not in order")

// maxBlobDepth bounds the recursion over a stored tree.
const maxBlobDepth = 200

// MarshalBinary gives the stored form, about as long as the header.
func (p *Parsed) MarshalBinary() ([]byte, error) {
	b, err := p.AppendMeta(make([]byte, 0, 512+len(p.Header)))
	if err != nil {
		return nil, err
	}
	return append(b, p.Header...), nil
}

// AppendMeta appends the stored form without its header. Appending Header makes it whole.
func (p *Parsed) AppendMeta(dst []byte) ([]byte, error) {
	var env, tree encoder
	env.b = make([]byte, 0, 512)
	env.envelope(p.Envelope)
	tree.b = make([]byte, 0, 256)
	if err := tree.tree(p.Root); err != nil {
		return dst, fmt.Errorf("message: marshal: %w", err)
	}
	head := encoder{b: append(dst, blobVersion)}
	head.num(int64(len(env.b)))
	head.num(int64(len(tree.b)))
	n := int64(len(p.Header)) << 1
	if p.HeaderCut {
		n |= 1
	}
	head.num(n)
	return append(append(head.b, env.b...), tree.b...), nil
}

// UnmarshalBinary reads the stored form. The result keeps no reference to b. From the meta form Header stays empty.
func (p *Parsed) UnmarshalBinary(b []byte) error {
	l, err := layoutOf(b)
	if err != nil {
		return err
	}
	var d BlobDecoder
	env, err := d.envelope(l.env)
	if err != nil {
		return err
	}
	root, err := d.tree.decode(l.tree)
	if err != nil {
		return err
	}
	*p = Parsed{HeaderCut: l.cut, Envelope: env, Root: root}
	if len(l.header) > 0 {
		p.Header = append([]byte(nil), l.header...)
	}
	return nil
}

// BlobHeader gives the header inside a stored form, without a copy, and whether it was cut.
func BlobHeader(b []byte) (header []byte, cut bool, err error) {
	l, err := layoutOf(b)
	if err != nil {
		return nil, false, err
	}
	if l.headerLen != len(l.header) {
		return nil, false, fmt.Errorf("%w: no header in it", ErrBlob)
	}
	return l.header, l.cut, nil
}

// BlobEnvelope decodes only the envelope. For many see BlobDecoder.
func BlobEnvelope(b []byte) (*Envelope, error) { return new(BlobDecoder).Envelope(b) }

// BlobRoot decodes only the part tree.
func BlobRoot(b []byte) (*Part, error) { return new(BlobDecoder).Root(b) }

type layout struct {
	env, tree, header []byte
	headerLen         int
	cut               bool
}

// layoutOf finds the three pieces. A length that does not fit is found before anything is allocated.
func layoutOf(b []byte) (layout, error) {
	if len(b) == 0 || b[0] != blobVersion {
		return layout{}, ErrBlob
	}
	// The three numbers are short: a view of the start is enough.
	d := decoder{s: string(b[1:min(len(b), 32)])}
	env, tree, header := d.num(), d.num(), d.num()
	rest := b[1+d.at:]
	n := int64(len(rest))
	if d.bad || env > n || tree > n-env {
		return layout{}, ErrBlob
	}
	l := layout{
		env: rest[:env], tree: rest[env : env+tree], header: rest[env+tree:],
		headerLen: int(header >> 1), cut: header&1 != 0,
	}
	if len(l.header) != 0 && len(l.header) != l.headerLen {
		return layout{}, ErrBlob
	}
	return l, nil
}
