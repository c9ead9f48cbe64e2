// Package dockertest tries the deployment on a Docker engine: the image and the Compose files as an operator uses them, with real clients. "make
// docker-test" (.ci/docker-test) builds the images first and names them by BASCULE_TAG.
//
// Most tests share one deployment and have accounts of their own in it, since starting three containers takes longer than a test. At
// the end "mailbox check --all" must find nothing, and containers, volumes and networks are removed.
//
// Files: stack_test.go (the deployment), clients_test.go, then one file per claim.
package dockertest
