// Package conventions has no code, only tests of how the project is kept: which package
// may import which, that each says what it is for, that files stay readable in one
// sitting, and that what the documents name exists.
package conventions
