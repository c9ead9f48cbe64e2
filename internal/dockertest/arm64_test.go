package dockertest

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bascule/internal/testkit/programs"
)

// TestARM64: the same Dockerfile gives a static program for the other processor, and SQLite works in it. It runs under qemu's emulation.
func TestARM64(t *testing.T) {
	programs.Docker(t, "qemu-aarch64-static")
	container := docker(t, "create", "bascule:"+tag()+"-arm64")
	defer docker(t, "rm", "-v", container)
	program := filepath.Join(t.TempDir(), "bascule")
	docker(t, "cp", container+":/usr/bin/bascule", program)
	f, err := elf.Open(program)
	must(t, err)
	defer f.Close()
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %v", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program wants a dynamic linker")
		}
	}
	dir := filepath.Join(t.TempDir(), "store")
	run := func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command("qemu-aarch64-static", append([]string{program}, args...)...)
		cmd.Env = append(cmd.Environ(), "BASCULE_DATA_DIR="+dir)
		out, err := output(cmd, stdin)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	run("", "init")
	run("", "account", "add", "anna@example.org", "--no-password")
	run(message("anna@example.org", "one"), "deliver", "anna@example.org")
	run("", "mailbox", "check", "--all")
	if out := run("", "mailbox", "list", "anna@example.org"); !strings.Contains(out, "INBOX") {
		t.Errorf("mailbox list: %s", out)
	}
}
