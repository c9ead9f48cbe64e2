// Package clienttest lets real mail programs read mail from this server: curl, Python's poplib, fetchmail, getmail and mpop. It has tests
// only. They run when BASCULE_TEST_CLIENTS is set, each if its program is installed.
package clienttest
