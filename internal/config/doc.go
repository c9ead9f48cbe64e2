// Package config is the server's one configuration file.
//
// Invariants:
//
//   - Every key is a field of Config with a yaml name, a default (Default) and a documentation string (its doc tag). The commented
//     example and the table of keys in docs/operations.md are made from those, and a test keeps the files in step.
//   - An unknown key is an error that names the line; so is a value of the wrong kind. Nothing is silently ignored.
//   - The environment overrides the file: BASCULE_POP3_LOCK_WAIT is pop3.lock_wait, lists are separated by commas, and with _FILE
//     behind the name the value is read from the file named there.
//   - Load returns only what Validate accepts.
//
// Files: config.go (the keys), sources.go (those of account sources), values.go (durations, sizes, addresses, folders), secrets.go (what is not shown), load.go (file and errors), environment.go, validate.go,
// keys.go (walking the fields), example.go (the commented example, the table for the documentation).
package config
