// Package web is the HTTP listener for machines: metrics in Prometheus' format and the probes of an orchestrator. It is the one home of
// the Prometheus library; the numbers are package metrics'.
//
//	/metrics  the table of package metrics, and what Go's runtime and the kernel know of the process
//	/live     200 as long as the process answers at all
//	/ready    200 when it can do its work, else 503 with the reason
//
// There is nothing here about accounts, and nothing can be changed; even so the listener belongs on loopback or a private network.
// Requests and their number at a time are bounded.
//
// Files: server.go (listeners, handlers), collector.go (from package metrics to Prometheus).
package web
