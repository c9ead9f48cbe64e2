package directorytest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"bascule/internal/accounts"
)

// Cost keeps hashes cheap; their shape is the same.
var Cost = accounts.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1, SCRAMIterations: 4096}

// OverSource opens a directory whose accounts come from a source, which it takes
// over. Two over one path are two processes.
func OverSource(t *testing.T, path string, source accounts.Source) *accounts.DB {
	t.Helper()
	db, err := accounts.Open(t.Context(), filepath.Join(path, "accounts.db"), accounts.Options{Cost: Cost, FlushEvery: time.Hour,
		Source: source, SourceTimeout: 5 * time.Second, SourceMemory: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// SCRAMHash is a password as a source may have it, good for SCRAM too.
func SCRAMHash(t *testing.T, password string) string {
	t.Helper()
	client, err := scram.SHA256.NewClientUnprepped("", password, "")
	if err != nil {
		t.Fatal(err)
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	c := client.GetStoredCredentials(scram.KeyFactors{Salt: string(salt), Iters: Cost.SCRAMIterations})
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("{SCRAM-SHA-256}%d,%s,%s,%s", c.Iters, b64(salt), b64(c.StoredKey), b64(c.ServerKey))
}
