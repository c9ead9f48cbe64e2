// Package programs decides whether tests that need other programs run. It is the only place that knows the variables:
//
//	BASCULE_TEST_CLIENTS   real mail programs: curl, python3, fetchmail, getmail, mpop, neomutt, mbsync, offlineimap,
//	                       fail2ban-regex, haproxy and pebble
//	BASCULE_TEST_DOVECOT   Dovecot 2.3, against which dialogues and file formats are compared
//	BASCULE_TEST_SOURCES   PostgreSQL and OpenLDAP, from which accounts may come
//	BASCULE_TEST_DOCKER    a Docker engine and Compose, for the deployment (see .ci/docker-test)
//
// Unset, such tests are skipped: the project tests itself on a machine with Go and a C compiler. With "required" a program that is
// missing is a failure, so that a continuous run cannot skip it unnoticed. With any other value those tests run whose program is there.
package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Client needs real mail programs; the test is skipped or fails if it cannot run.
func Client(t testing.TB, names ...string) {
	t.Helper()
	need(t, "BASCULE_TEST_CLIENTS", func() error {
		var missing error
		for _, name := range names {
			if _, err := exec.LookPath(name); err != nil {
				missing = errors.Join(missing, fmt.Errorf("no %s here", name))
			}
		}
		return missing
	})
}

// dovecotPath is where packages put the program; it is not in everybody's PATH.
const dovecotPath = "/usr/sbin/dovecot"

// Dovecot needs Dovecot 2.3 and its tools.
func Dovecot(t testing.TB) {
	t.Helper()
	need(t, "BASCULE_TEST_DOVECOT", func() error {
		path, err := exec.LookPath("dovecot")
		if err != nil {
			path = dovecotPath
		}
		version, err := exec.Command(path, "--version").Output()
		if err != nil {
			return fmt.Errorf("no dovecot here: %w", err)
		}
		if !strings.HasPrefix(string(version), "2.3.") {
			return fmt.Errorf("the configuration is for Dovecot 2.3, this is %s", version)
		}
		_, err = exec.LookPath("doveadm")
		return err
	})
}

// Source needs the programs of a server from which accounts may come, by their paths.
func Source(t testing.TB, paths ...string) {
	t.Helper()
	need(t, "BASCULE_TEST_SOURCES", func() error {
		var missing error
		for _, path := range paths {
			if _, err := os.Stat(path); err != nil {
				missing = errors.Join(missing, err)
			}
		}
		return missing
	})
}

// Docker needs an engine that answers, Compose, and the other programs named.
func Docker(t testing.TB, names ...string) {
	t.Helper()
	need(t, "BASCULE_TEST_DOCKER", func() error {
		if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
			return fmt.Errorf("no Docker engine answers: %w\n%s", err, out)
		}
		var missing error
		for _, name := range names {
			if _, err := exec.LookPath(name); err != nil {
				missing = errors.Join(missing, fmt.Errorf("no %s here", name))
			}
		}
		return missing
	})
}

func need(t testing.TB, variable string, check func() error) {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skip(variable + " is not set")
		return
	}
	err := check()
	switch {
	case err != nil && value == "required":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
}
