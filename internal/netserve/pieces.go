package netserve

import "sync"

// pieceSize holds two TLS records.
const pieceSize = 32 << 10

// pieces are the buffers of copies that cannot use sendfile.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}
