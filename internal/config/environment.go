package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// reserved are variables of the program that are no keys.
var reserved = []string{"BASCULE_CONFIG", "BASCULE_VERSION"}

// Environment lays variables ("NAME=value") over c. BASCULE_POP3_LOCK_WAIT is pop3.lock_wait; BASCULE_POP3_LOCK_WAIT_FILE names a file
// that holds the value (for secrets mounted as files). Variables that are no key are warned of, not refused: Kubernetes makes
// BASCULE_SERVICE_HOST and the like for a service called bascule.
func (c *Config) Environment(environ []string) (warnings []string, err error) {
	keys := map[string]Key{}
	for _, k := range c.Keys() {
		keys[k.Env()] = k
	}
	set := map[string]bool{}
	var errs []error
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "BASCULE_") || slices.Contains(reserved, name) {
			continue
		}
		k, ok := keys[name]
		if plain, isFile := strings.CutSuffix(name, "_FILE"); !ok && isFile {
			if k, ok = keys[plain]; ok {
				data, rerr := readBounded(value)
				if rerr != nil {
					errs = append(errs, fmt.Errorf("%w: %s: %w", ErrInvalid, name, rerr))
					continue
				}
				value = strings.TrimRight(string(data), "\r\n")
			}
		}
		if !ok {
			warnings = append(warnings, name+" is no configuration key")
			continue
		}
		if set[k.Name] {
			errs = append(errs, fmt.Errorf("%w: %s is set twice, directly and by a file", ErrInvalid, k.Env()))
			continue
		}
		set[k.Name] = true
		if serr := k.set(value); serr != nil {
			errs = append(errs, fmt.Errorf("%w: %s: %w", ErrInvalid, name, serr))
		}
	}
	return warnings, errors.Join(errs...)
}
