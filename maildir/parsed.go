package maildir

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bascule/internal/message"
)

// Parsed is what is kept of a message's header and structure, so that ENVELOPE,
// BODYSTRUCTURE and the usual header fields are answered without opening its file.
// It may be kept, but keeps all that was stored of the message in memory.
//
// Of the header, fields that no mail program lists mail by (trace, signatures) are left
// out, as they are most of its bytes; HasHeader tells whether a question can be answered.
type Parsed struct {
	blob []byte
}

// Header is the kept header in wire form, its empty line included.
func (p Parsed) Header() ([]byte, error) {
	h, _, err := message.BlobHeader(p.blob)
	return h, err
}

// Envelope is the message's envelope.
func (p Parsed) Envelope() (*message.Envelope, error) { return message.BlobEnvelope(p.blob) }

// Root is the root of its part tree.
func (p Parsed) Root() (*message.Part, error) { return message.BlobRoot(p.blob) }

// Decoder decodes envelopes and part trees one after another into the same memory: what it gives is valid until it is asked for the next of
// its kind. The zero value is ready; it is used by one goroutine.
type Decoder struct{ d message.BlobDecoder }

// Envelope is Parsed.Envelope.
func (d *Decoder) Envelope(p Parsed) (*message.Envelope, error) { return d.d.Envelope(p.blob) }

// Root is Parsed.Root.
func (d *Decoder) Root(p Parsed) (*message.Part, error) { return d.d.Root(p.blob) }

// HasHeader says whether these fields are as in the message: absent ones too.
func (p Parsed) HasHeader(names []string) bool { return p.HasAll() && Keeps(names) }

// HasAll says whether all fields that are kept are there: very long headers are cut.
func (p Parsed) HasAll() bool {
	_, cut, err := message.BlobHeader(p.blob)
	return !cut && err == nil
}

// Keeps says whether none of these fields is left out.
func Keeps(names []string) bool { return !slices.ContainsFunc(names, leftOut) }

// leftOut says that a header field is not kept.
func leftOut(name string) bool {
	n := strings.ToLower(name)
	switch n {
	case "received", "dkim-signature", "domainkey-signature", "authentication-results", "received-spf", "autocrypt",
		"x-google-dkim-signature", "x-received", "x-gm-message-state", "x-google-smtp-source", "x-microsoft-antispam-message-info",
		"x-spam-report", "x-spam-status", "openpgp", "face":
		return true
	}
	return strings.HasPrefix(n, "arc-") || strings.HasPrefix(n, "x-ms-exchange-") || strings.HasPrefix(n, "x-forefront-") ||
		strings.HasPrefix(n, "x-microsoft-")
}

// parsedBatch is how many messages are read from the index, or parsed and kept, at once.
const parsedBatch = 256

// Parsed calls fn for each of these messages that is still there, in UID order. What
// nobody has asked for before is parsed from the file and kept. fn is called with no
// lock held and may take its time.
func (m *Mailbox) Parsed(ctx context.Context, uids []UID, fn func(UID, Parsed) error) error {
	uids = sorted(uids)
	for len(uids) > 0 {
		n := min(len(uids), parsedBatch)
		if err := m.parsedPart(ctx, uids[:n], fn); err != nil {
			return err
		}
		uids = uids[n:]
	}
	return nil
}

func (m *Mailbox) parsedPart(ctx context.Context, uids []UID, fn func(UID, Parsed) error) error {
	blobs := make([][]byte, len(uids))
	err := m.a.read(ctx, func(tx tx) error {
		if err := m.usable(); err != nil {
			return err
		}
		// One range query for a dense part, single ones for a sparse one.
		first, last := uids[0], uids[len(uids)-1]
		if int(last-first) < 4*len(uids) {
			i := 0
			return tx.ParsedRange(m.f.row.ID, uint32(first), uint32(last), func(uid uint32, data []byte) error {
				for i < len(uids) && uids[i] < UID(uid) {
					i++
				}
				if i < len(uids) && uids[i] == UID(uid) {
					blobs[i] = data
				}
				return nil
			})
		}
		for i, uid := range uids {
			data, err := tx.Parsed(m.f.row.ID, uint32(uid))
			if err != nil {
				return err
			}
			blobs[i] = data
		}
		return nil
	})
	if err != nil {
		return err
	}
	fresh, err := m.parseMissing(ctx, uids, blobs)
	if err != nil {
		return err
	}
	m.a.store.opts.Metrics.Parsed.Add(len(fresh), "file")
	m.a.store.opts.Metrics.Parsed.Add(len(uids)-len(fresh), "index")
	if len(fresh) > 0 {
		if err := m.keepParsed(ctx, uids, blobs, fresh); err != nil && !errors.Is(err, ErrGone) {
			m.a.log.Warn("parsed headers could not be kept", "folder", m.Name(), "err", err)
		}
	}
	for i, uid := range uids {
		if blobs[i] == nil {
			continue
		}
		if err := fn(uid, Parsed{blobs[i]}); err != nil {
			return err
		}
	}
	return nil
}

// parseMissing parses the messages that have no blob yet and says which these are.
func (m *Mailbox) parseMissing(ctx context.Context, uids []UID, blobs [][]byte) (fresh []int, err error) {
	s := m.current.Load()
	for i, uid := range uids {
		if blobs[i] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		msg := s.Find(uid)
		if msg == nil {
			continue
		}
		p, err := m.ParseFile(ctx, msg)
		if errors.Is(err, ErrGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Header = keptHeader(p.Header)
		if blobs[i], err = p.MarshalBinary(); err != nil {
			return nil, err
		}
		fresh = append(fresh, i)
	}
	return fresh, nil
}

// keptHeader is the header without what is left out.
func keptHeader(h []byte) []byte {
	out := make([]byte, 0, len(h))
	for f := range message.Fields(h) {
		if !leftOut(string(f.Name)) {
			out = append(out, f.Raw...)
		}
	}
	return append(out, '\r', '\n')
}

// ParseFile parses a message from its file, with its whole header.
func (m *Mailbox) ParseFile(ctx context.Context, msg *Message) (*message.Parsed, error) {
	b, err := m.Open(ctx, msg)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return message.Parse(b.Section(0, b.Size()), message.DefaultLimits)
}

func (m *Mailbox) keepParsed(ctx context.Context, uids []UID, blobs [][]byte, fresh []int) error {
	return m.a.write(ctx, func(w *writing) error {
		if err := m.usable(); err != nil {
			return err
		}
		for _, i := range fresh {
			if err := w.SaveParsed(m.f.row.ID, uint32(uids[i]), blobs[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
