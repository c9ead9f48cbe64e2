// Package systemd speaks what systemd and its like speak with the services they start: listening sockets that are passed by number and name
// (sd_listen_fds_with_names(3)), and news of a service's state (sd_notify(3)). Without such a starter all of it does nothing.
package systemd
