package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"bascule/internal/accounts"
)

// readSecret gets a password from the terminal (twice, unseen) or the first line of standard input; never from the command line, where
// every user of the machine can read it. With hashed it is another server's hash.
func readSecret(hashed bool) (*accounts.Secret, error) {
	text, err := readPassword(hashed)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, usagef("an empty password")
	}
	if hashed {
		return accounts.Hashed(text), nil
	}
	return accounts.Clear(text), nil
}

func readPassword(hashed bool) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) || hashed {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := ask(fd, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask(fd, "Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

func ask(fd int, prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	text, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(text), nil
}
