package maildir

import (
	"bytes"
	"errors"

	"bascule/maildir/disk"
)

type opKind byte

const (
	opRename    opKind = 'r' // a message file: flags changed, moved, or out of tmp/
	opRemove    opKind = 'u' // a message file
	opRenameDir opKind = 'R' // a folder
	opRemoveDir opKind = 'U' // a folder with all in it
)

// fileOp is one operation on a message file or, with an empty File, on a folder.
type fileOp struct {
	kind     opKind
	src, dst disk.Place
}

func (op fileOp) ofFolder() bool { return op.kind == opRenameDir || op.kind == opRemoveDir }

// encodeOps: per operation the kind, then six strings, each ended by NUL (which no
// file name contains): folder, subdirectory, file of source and target.
func encodeOps(ops []fileOp) []byte {
	var b bytes.Buffer
	if len(ops) > 0 {
		b.Grow(len(ops) * (len(ops[0].src.File) + len(ops[0].dst.File) + len(ops[0].src.Folder) + len(ops[0].dst.Folder) + 16))
	}
	for _, op := range ops {
		b.WriteByte(byte(op.kind))
		for _, p := range []disk.Place{op.src, op.dst} {
			b.WriteString(p.Folder)
			b.WriteByte(0)
			b.WriteByte('0' + byte(p.Sub))
			b.WriteString(p.File)
			b.WriteByte(0)
		}
	}
	return b.Bytes()
}

var errBadOps = errors.New("maildir: unreadable intent")

func decodeOps(b []byte) (ops []fileOp, err error) {
	for len(b) > 0 {
		op := fileOp{kind: opKind(b[0])}
		b = b[1:]
		for _, p := range []*disk.Place{&op.src, &op.dst} {
			folder, rest, ok := bytes.Cut(b, []byte{0})
			if !ok || len(rest) == 0 {
				return nil, errBadOps
			}
			file, tail, ok := bytes.Cut(rest[1:], []byte{0})
			if !ok {
				return nil, errBadOps
			}
			*p = disk.Place{Folder: string(folder), Sub: disk.Sub(rest[0] - '0'), File: string(file)}
			b = tail
		}
		ops = append(ops, op)
	}
	return ops, nil
}
