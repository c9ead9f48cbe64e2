package inflate

// Bits writes blocks of the fixed code bit by bit, for tests that need a flush as zlib makes it and Go's library does not. The zero
// value is empty.
type Bits struct {
	octets []byte
	n      uint // bits in the last octet; 0: it is full
}

func (w *Bits) bit(b uint16) {
	if w.n == 0 {
		w.octets = append(w.octets, 0)
	}
	w.octets[len(w.octets)-1] |= byte(b&1) << w.n
	w.n = (w.n + 1) % 8
}

// code writes n bits, the highest first, as codes are.
func (w *Bits) code(v uint16, n int) {
	for n--; n >= 0; n-- {
		w.bit(v >> n)
	}
}

// Fixed writes a block that holds text, which must be ASCII.
func (w *Bits) Fixed(text string) {
	w.begin()
	for _, b := range []byte(text) {
		w.code(0x30+uint16(b), 8)
	}
	w.code(0, 7)
}

// begin writes that a block of the fixed code begins, and that it is not the last.
func (w *Bits) begin() {
	w.bit(0)
	w.bit(1)
	w.bit(0)
}

// PartialFlush writes an empty block, as zlib's Z_PARTIAL_FLUSH does: 10 bits, so that all before is in whole octets.
func (w *Bits) PartialFlush() {
	w.begin()
	w.code(0, 7)
}

// Rest returns the octets that are whole, and keeps the bits of the last one if it is not.
func (w *Bits) Rest() []byte {
	whole := len(w.octets)
	if w.n > 0 {
		whole--
	}
	out := w.octets[:whole:whole]
	w.octets = append([]byte(nil), w.octets[whole:]...)
	return out
}
