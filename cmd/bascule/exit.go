package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"bascule/internal/accounts"
	"bascule/internal/server"
)

// Exit codes; deliver has its own.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitSilent   = 3
	exitNotFound = 4
	exitExists   = 5
	exitProblems = 6
)

// usageError is a command that was called wrongly.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// codeError carries an exit code of its own; with an empty text everything has been said.
type codeError struct {
	code int
	text string
}

func (e codeError) Error() string { return e.text }

// report prints what went wrong, one line for each thing, and gives the exit code.
func report(cmd *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	var usage usageError
	var code codeError
	var silent *server.Silent
	exit := exitFailed
	switch {
	case errors.As(err, &code):
		exit = code.code
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		exit = exitUsage
	case errors.As(err, &silent):
		exit = exitSilent
	case errors.Is(err, accounts.ErrNotFound), errors.Is(err, accounts.ErrNoDomain):
		exit = exitNotFound
	case errors.Is(err, accounts.ErrExists), errors.Is(err, accounts.ErrNotEmpty):
		exit = exitExists
	case errors.Is(err, accounts.ErrBadAddress), errors.Is(err, accounts.ErrBadValue):
		exit = exitUsage
	}
	if text := err.Error(); text != "" {
		for line := range strings.Lines(text) {
			fmt.Fprintln(os.Stderr, "bascule: "+strings.TrimRight(line, "\n"))
		}
	}
	if exit == exitUsage && cmd != nil {
		fmt.Fprintf(os.Stderr, "Usage: %s (see %s --help)\n", cmd.UseLine(), cmd.CommandPath())
	}
	return exit
}
