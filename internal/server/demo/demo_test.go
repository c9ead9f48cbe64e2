package demo

import (
	"bytes"
	"testing"

	"bascule/internal/message"
)

func TestSamplesAreManyAndStable(t *testing.T) {
	first, second := Messages(), Messages()
	if len(first) < 36 {
		t.Errorf("%d samples are not a few dozen", len(first))
	}
	names := map[string]bool{}
	for i, m := range first {
		if !bytes.Equal(m.Bytes, second[i].Bytes) || !m.At.Equal(second[i].At) {
			t.Errorf("%s: differs from call to call", m.Name)
		}
		if names[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		names[m.Name] = true
		if i > 0 && !m.At.After(first[i-1].At) {
			t.Errorf("%s is not newer than the one before", m.Name)
		}
	}
}

// TestSamplesParse: none is refused, and the nested ones have their depth.
func TestSamplesParse(t *testing.T) {
	for _, m := range Messages() {
		p := message.ParseBytes(m.Bytes, message.DefaultLimits)
		if p == nil || p.Root == nil {
			t.Errorf("%s: not parsed", m.Name)
			continue
		}
		if m.Name == "related inside alternative inside mixed" && depth(p.Root) < 4 {
			t.Errorf("%s: %d levels", m.Name, depth(p.Root))
		}
	}
}

func depth(p *message.Part) int {
	d := 0
	for _, c := range p.Children {
		d = max(d, depth(c))
	}
	return d + 1
}
