package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bascule/internal/metrics"
)

// Options are what a Server needs.
type Options struct {
	Metrics *metrics.Registry
	// Ready says why the process cannot do its work now, or nil.
	Ready func(context.Context) error
	Log   *slog.Logger // nil: slog.Default
}

const (
	// requestTimeout bounds reading a request, and probing.
	requestTimeout = 5 * time.Second
	writeTimeout   = 15 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 8 << 10
	// atOnce bounds how many scrapes run: each one walks all numbers.
	atOnce = 4
)

// Server answers on any number of listeners.
type Server struct {
	http      http.Server
	listeners []net.Listener
}

// New makes a server. It opens nothing.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	errorLog := slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn)
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(o.Metrics), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: errorLog, MaxRequestsInFlight: atOnce, Timeout: writeTimeout}))
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "live") })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		if err := o.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "/metrics\n/live\n/ready") })
	return &Server{http: http.Server{
		Handler: mux, ReadTimeout: requestTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: errorLog,
	}}
}

// answer writes one line of text that nobody may keep.
func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
}

// Listen adds a listener, before Serve.
func (s *Server) Listen(l net.Listener) { s.listeners = append(s.listeners, l) }

// Addrs are the addresses listened at.
func (s *Server) Addrs() []net.Addr {
	var out []net.Addr
	for _, l := range s.listeners {
		out = append(out, l.Addr())
	}
	return out
}

// Serve answers until Close.
func (s *Server) Serve() {
	var wg sync.WaitGroup
	for _, l := range s.listeners {
		wg.Go(func() { s.http.Serve(l) }) // its error only says that it was closed
	}
	wg.Wait()
}

// Close ends everything at once, whether Serve was called or not; it may be called twice.
func (s *Server) Close() {
	s.http.Close()
	for _, l := range s.listeners {
		l.Close()
	}
}
