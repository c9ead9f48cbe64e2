package disk

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Namer makes unique message names. One per process; safe for concurrent use. The random part is of this start, since
// two containers may both be pid 1 on equal host names and a clock may be set back.
type Namer struct {
	pid    int
	random string
	host   string
	count  atomic.Uint64
}

// NewNamer makes a Namer for host; an empty host means the system's name. The host is cut to 64 bytes and cleaned of
// what would end a base name.
func NewNamer(host string) *Namer {
	if host == "" {
		if h, err := os.Hostname(); err == nil {
			host = h
		}
	}
	var r [6]byte
	rand.Read(r[:]) // never fails (crypto/rand)
	return &Namer{pid: os.Getpid(), random: hex.EncodeToString(r[:]), host: cleanHost(host)}
}

// cleanHost writes '/' and ':' as the Maildir description asks (\057, \072), and likewise everything else that is not
// plain: ',' would begin a size, and a byte outside 0x21–0x7E makes the name unfit for a UIDL.
func cleanHost(host string) string {
	const most = 64
	var b strings.Builder
	for i := 0; i < len(host) && b.Len() < most-3; i++ {
		c := host[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`/:,\"'`, c) >= 0 {
			fmt.Fprintf(&b, `\%03o`, c)
			continue
		}
		b.WriteByte(c)
	}
	if b.Len() == 0 {
		return "localhost"
	}
	return b.String()
}

// Unique gives <secs>.M<usecs>P<pid>Q<n>R<random>.<host>, a name that no other call, process or host gives.
func (n *Namer) Unique(now time.Time) string {
	b := make([]byte, 0, 96)
	b = strconv.AppendInt(b, max(now.Unix(), 0), 10)
	b = strconv.AppendInt(append(b, ".M"...), int64(now.Nanosecond()/1000), 10)
	b = strconv.AppendInt(append(b, 'P'), int64(n.pid), 10)
	b = strconv.AppendUint(append(b, 'Q'), n.count.Add(1), 10)
	b = append(append(b, 'R'), n.random...)
	return string(append(append(b, '.'), n.host...))
}

// WithSizes completes a unique name to a base name: ",S=<bytes on disk>,W=<bytes with CRLF>".
func WithSizes(unique string, disk, wire int64) string {
	return string(AppendSizes(append(make([]byte, 0, len(unique)+32), unique...), disk, wire))
}

// AppendSizes appends what WithSizes adds to a name.
func AppendSizes(name []byte, disk, wire int64) []byte {
	name = strconv.AppendInt(append(name, ",S="...), disk, 10)
	return strconv.AppendInt(append(name, ",W="...), wire, 10)
}
