package site

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// program is the binary that Main built.
var program string

// Main builds the program, runs the tests and tidies up. It gives the exit code.
func Main(m *testing.M) int {
	goTool, err := exec.LookPath("go")
	if err != nil {
		fmt.Println("skipped: the go command, which builds the program under test, is not there")
		return 0
	}
	dir, err := os.MkdirTemp("", "bascule-site")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "bascule")
	args := append([]string{"build", "-o", program}, alike()...)
	build := exec.Command(goTool, append(args, "bascule/cmd/bascule")...)
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Println("build cmd/bascule:", err)
		return 1
	}
	return m.Run()
}

// alike gives the flags with which the go command built the test: the program under test is then the one that users get, with the same
// SQLite, and what it shares with the test, SQLite's C source before all, is not compiled once more.
func alike() (flags []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "-race", "-tags", "-trimpath":
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}
