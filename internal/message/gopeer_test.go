package message

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// go-imap's own server computes BODYSTRUCTURE with another parser, which must see the same in well-formed messages.
func TestAgainstGoIMAP(t *testing.T) {
	compare := func(msg string) {
		t.Helper()
		p := ParseBytes([]byte(msg), Limits{})
		compareStructure(t, p.Root, imapserver.ExtractBodyStructure(strings.NewReader(msg)))
	}
	for _, s := range samples {
		if s.wellFormed {
			compare(s.msg)
		}
	}
	compare(string(typicalMessage()))
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		msg := crlf(randomMessage(r, 4))
		// It does not know the default of multipart/digest.
		if strings.Contains(msg, "multipart/digest") {
			continue
		}
		compare(msg)
		if t.Failed() {
			t.Fatalf("message:\n%s", msg)
		}
	}
}

func compareStructure(t *testing.T, p *Part, peer imap.BodyStructure) {
	t.Helper()
	if got := strings.ToLower(p.Type + "/" + p.Subtype); got != strings.ToLower(peer.MediaType()) {
		t.Errorf("type %s, peer %s", got, peer.MediaType())
		return
	}
	switch peer := peer.(type) {
	case *imap.BodyStructureMultiPart:
		if len(p.Children) != len(peer.Children) {
			t.Errorf("%d parts, peer %d", len(p.Children), len(peer.Children))
			return
		}
		compareParams(t, p.Params, peer.Extended.Params)
		for i, c := range p.Children {
			compareStructure(t, c, peer.Children[i])
		}
	case *imap.BodyStructureSinglePart:
		compareParams(t, p.Params, peer.Params)
		if p.Size() != int64(peer.Size) || p.ID != peer.ID || p.Description != peer.Description || peer.Encoding != "" && p.Encoding != peer.Encoding {
			t.Errorf("part %+v, peer %+v", p, peer)
		}
		if peer.Text != nil && p.Lines != peer.Text.NumLines {
			t.Errorf("%d lines, peer %d", p.Lines, peer.Text.NumLines)
		}
		if d := peer.Extended.Disposition; d != nil {
			if p.Disposition != d.Value {
				t.Errorf("disposition %s, peer %s", p.Disposition, d.Value)
			}
			compareParams(t, p.DispositionParams, d.Params)
		}
		if m := peer.MessageRFC822; m != nil {
			if p.Message() == nil || p.Envelope.Subject != m.Envelope.Subject || p.Lines != m.NumLines {
				t.Errorf("message %+v, peer %+v", p, m)
				return
			}
			compareStructure(t, p.Message(), m.BodyStructure)
		}
	}
}

func compareParams(t *testing.T, params []Param, peer map[string]string) {
	t.Helper()
	for k, want := range peer {
		if got := rawParam(params, k); got != want {
			t.Errorf("parameter %s is %q, peer %q", k, got, want)
		}
	}
}
