package maildir

import (
	"bytes"
	"io"

	"bascule/internal/message"
	"bascule/maildir/disk"
	"bascule/maildir/index"
)

// Removed is what is left to be said of a message that is gone, for the log of deletions.
type Removed struct {
	UID  UID
	Size int64 // octets on the wire, on disk where those are not known
	// MessageID and Subject are the header's, as they stand there; empty without Options.Describe, or where finding out would have
	// meant to read very many files.
	MessageID, Subject string
}

const (
	// describedFiles bounds how many files one change reads to describe what it removes; what the index knows costs little.
	describedFiles = 100
	// describedHeader is how far into a file its header is looked for.
	describedHeader = 32 << 10
	// mostHeaders is how much is read of a file at first: few have a longer header.
	mostHeaders = 8 << 10
)

// describe is called before the rows go. What the index does not know is read from the files while the change goes on and waits for the disk: the
// list is whole when write returns.
func (w *writing) describe(f *folder, doomed []*Message) ([]Removed, error) {
	list := make([]Removed, len(doomed))
	for i, m := range doomed {
		list[i] = Removed{UID: m.UID, Size: m.Size}
		if m.Size < 0 {
			list[i].Size = max(m.Disk, 0)
		}
	}
	if !w.a.store.opts.Describe || len(list) == 0 {
		return list, nil
	}
	known, err := w.describeByIndex(f, list)
	if err != nil {
		return nil, err
	}
	type file struct {
		of    *Removed
		place disk.Place
		facts message.Facts
	}
	var files []file
	for i := range list {
		if !known[i] && len(files) < describedFiles {
			files = append(files, file{&list[i], f.place(doomed[i]), doomed[i].Facts()})
		}
	}
	if len(files) == 0 {
		return list, nil
	}
	w.reading.Go(func() {
		dir, release := w.a.dir.Holding(len(files))
		defer release()
		buf := make([]byte, mostHeaders)
		for _, file := range files {
			if header, err := w.a.beginning(dir, file.place, file.facts, buf); err == nil {
				file.of.header(header)
			}
		}
	})
	return list, nil
}

// beginning reads a message's header, and what comes after it up to some length: into buf if that is enough.
func (a *Account) beginning(dir *disk.Maildir, p disk.Place, facts message.Facts, buf []byte) ([]byte, error) {
	if facts.Kind.Direct() {
		n, err := dir.ReadInto(p, buf)
		if err != nil || n < len(buf) || bytes.Contains(buf, []byte("\r\n\r\n")) {
			return buf[:n], err
		}
	}
	b, err := a.openBody(p, facts)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b.Section(0, describedHeader))
}

// describeByIndex takes what was kept of the headers, with one query for a dense list.
func (w *writing) describeByIndex(f *folder, list []Removed) (known []bool, err error) {
	known = make([]bool, len(list))
	take := func(i int, blob []byte) {
		if header, _, err := message.BlobHeader(blob); err == nil {
			list[i].header(header)
			known[i] = true
		}
	}
	first, last := list[0].UID, list[len(list)-1].UID
	if int(last-first) >= 4*len(list) {
		for i := range list {
			blob, err := w.Parsed(f.row.ID, uint32(list[i].UID))
			if err != nil {
				return nil, err
			}
			take(i, blob)
		}
		return known, nil
	}
	i := 0
	return known, w.ParsedRange(f.row.ID, uint32(first), uint32(last), func(uid uint32, blob []byte) error {
		for i < len(list) && list[i].UID < UID(uid) {
			i++
		}
		if i < len(list) && list[i].UID == UID(uid) {
			take(i, blob)
		}
		return nil
	})
}

func (r *Removed) header(h []byte) {
	r.MessageID, _ = message.HeaderValue(h, "Message-ID")
	r.Subject, _ = message.HeaderValue(h, "Subject")
}

// describeAll is describe for a whole folder, open or not.
func (w *writing) describeAll(f *folder) ([]Removed, error) {
	var all []*Message
	err := w.Messages(f.row.ID, 0, func(r *index.Message) error {
		m := messageOf(r)
		all = append(all, &m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w.describe(f, all)
}
