package conventions

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The image's program is built as the Makefile builds it: with the same tags, and the same switches for SQLite.
func TestImageIsBuiltAlike(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(filepath.Join("..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	makefile, image := read("Makefile"), read("packaging/docker/compile")
	want := regexp.MustCompile(`(?m)^TAGS +:= (\S+)$|\) (-D\S+)$`).FindAllStringSubmatch(makefile, -1)
	if len(want) != 2 {
		t.Fatalf("found in the Makefile: %q", want)
	}
	for _, m := range want {
		if w := m[1] + m[2]; !strings.Contains(image, w) {
			t.Errorf("packaging/docker/compile lacks %s", w)
		}
	}
}
