package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"bascule/maildir"
)

// Deletions says what the log tells of messages that sessions remove for good.
type Deletions string

const (
	DeletionsOff      Deletions = "off"
	DeletionsIDs      Deletions = "ids"      // UID, size, and a hash of the Message-ID
	DeletionsSubjects Deletions = "subjects" // their subjects too
)

// removedPerLine is how many messages one line of the log names, so that a line stays readable and a thousand messages cost ten lines.
const removedPerLine = 100

// Removed logs what the session removed for good: who, from where, from which mailbox and by what (expunge, close, replace, quit, delete). Each message
// stands as UID:SIZE:HASH, where HASH begins the SHA-256 of its Message-ID without the angle brackets, "-" if that is not known.
func (s *Session) Removed(mailbox *maildir.Account, name, cause string, list []maildir.Removed) {
	if len(list) == 0 {
		return
	}
	s.gate.opts.Deleted(s.Protocol, len(list))
	if s.gate.opts.Deletions == DeletionsOff {
		return
	}
	s.mu.Lock()
	client := s.clientName
	s.mu.Unlock()
	log := s.gate.opts.Log.With("conn", s.Client.ConnID, "protocol", string(s.Protocol), "remote", s.Client.Remote.Addr().Unmap().String(),
		"account", string(s.Address), "session", s.ID, "client", client, "owner", mailbox.Address(), "mailbox", name, "cause", cause)
	for len(list) > 0 {
		part := list[:min(len(list), removedPerLine)]
		list = list[len(part):]
		var messages strings.Builder
		var octets int64
		var subjects []string
		for i, m := range part {
			if i > 0 {
				messages.WriteByte(' ')
			}
			fmt.Fprintf(&messages, "%d:%d:%s", m.UID, m.Size, idHash(m.MessageID))
			octets += m.Size
			subjects = append(subjects, oneLine(m.Subject, 100))
		}
		args := []any{"count", len(part), "octets", octets, "messages", messages.String()}
		if s.gate.opts.Deletions == DeletionsSubjects {
			args = append(args, slog.Any("subjects", subjects))
		}
		log.Info("messages deleted", args...)
	}
}

// idHash lets an operator look for a message whose Message-ID somebody tells him, and nobody read the ids in the log.
func idHash(id string) string {
	id = strings.Trim(strings.TrimSpace(id), "<>")
	if id == "" {
		return "-"
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}
