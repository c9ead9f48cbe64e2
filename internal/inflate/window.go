package inflate

const (
	maxWindow   = 32 << 10 // octets that a distance can reach back (RFC 1951 §2)
	firstWindow = 256
)

// window is the history: a ring whose size is a power of two and grows with what is put in.
type window struct {
	ring  []byte
	total int64
}

// put takes one octet.
func (w *window) put(b byte) {
	if w.total >= int64(len(w.ring)) && len(w.ring) < maxWindow {
		w.grow()
	}
	w.ring[w.total&int64(len(w.ring)-1)] = b
	w.total++
}

// grow doubles the ring. It is called when it is exactly full, before anything was overwritten.
func (w *window) grow() {
	ring := make([]byte, max(firstWindow, 2*len(w.ring)))
	copy(ring, w.ring)
	w.ring = ring
}

// back returns the octet that was put in distance octets ago; false if nothing was.
func (w *window) back(distance int) (byte, bool) {
	if distance > maxWindow || int64(distance) > w.total {
		return 0, false
	}
	return w.ring[(w.total-int64(distance))&int64(len(w.ring)-1)], true
}
