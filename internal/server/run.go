package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"bascule/internal/config"
)

// closing is what of stop_timeout is kept for closing the store after the sessions.
const closing = 300 * time.Millisecond

// orNever turns the configuration's "0 is never" into the parts' "negative is never".
func orNever(d config.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d.D()
}

// Run serves until ctx ends, then drains: no new connections, BYE to IMAP, POP3 may finish its QUIT, at most stop_timeout. It closes
// everything. The error tells that sessions had to be cut; what they had acknowledged is safe all the same.
func (s *Server) Run(ctx context.Context) error {
	var serving sync.WaitGroup
	for _, f := range s.front {
		serving.Go(func() { f.Serve() })
	}
	for _, l := range s.lmtps {
		serving.Go(func() { s.lmtp.Serve(l) })
	}
	serving.Go(func() { s.keeper.run(s.stop) })
	if s.certs != nil {
		serving.Go(func() { s.certs.Watch(s.opt.Config.TLS.Reload.D(), s.stop) })
	}
	if s.issuer != nil {
		serving.Go(func() { s.issue(ctx) })
	}
	s.ready.Store(true)
	if s.web != nil {
		serving.Go(s.web.Serve)
	}
	<-ctx.Done()
	s.ready.Store(false)
	s.opt.Log.Info("stopping", "sessions", s.Gate.Count())
	limit := s.cfg.Load().StopTimeout.D()
	drain, cancel := context.WithTimeout(context.Background(), max(limit-closing, limit/2))
	defer cancel()
	err := s.drain(drain)
	close(s.stop)
	if s.web != nil {
		s.web.Close() // the last: what the end of the sessions was like can be read until then
	}
	serving.Wait()
	if e := s.close(); err == nil {
		err = e
	}
	s.opt.Log.Info("stopped")
	return err
}

// drain ends all front ends at the same time.
func (s *Server) drain(ctx context.Context) error {
	ends := []func(context.Context) error{}
	for _, f := range s.front {
		ends = append(ends, f.Shutdown)
	}
	if s.lmtp != nil {
		ends = append(ends, s.lmtp.Shutdown)
	}
	errs := make([]error, len(ends))
	var wg sync.WaitGroup
	for i, end := range ends {
		wg.Go(func() { errs[i] = end(ctx) })
	}
	wg.Wait()
	if errors.Is(errors.Join(errs...), context.DeadlineExceeded) {
		s.opt.Log.Warn("sessions did not end in time and were cut")
		return nil
	}
	return errors.Join(errs...)
}

// close is the end of a server, whether it ever ran or not.
func (s *Server) close() error {
	if s.admin != nil {
		s.admin.leave()
	}
	if s.web != nil {
		s.web.Close()
	}
	for _, l := range slices.Concat(s.lmtps, s.acmes) {
		l.Close()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, f := range s.front {
		f.Shutdown(ctx)
	}
	if s.Base == nil {
		return nil
	}
	return s.Base.Close()
}

// live are the keys that a reload changes without a restart.
var live = []string{"log.level", "accounts.protocols", "accounts.separator", "accounts.inbox_prefix", "accounts.refusal_text", "accounts.folders",
	"quota.bytes", "quota.messages", "quota.grace", "pop3.exclusive", "imap.lock_wait", "imap.search_index", "stop_timeout"}

// Reload takes up certificates and what can change of the configuration. The error says what did not work; the former values stay
// then. Changed keys that need a restart are logged.
func (s *Server) Reload(ctx context.Context) error {
	var errs []error
	if s.certs != nil {
		errs = append(errs, s.certs.Reload())
	}
	if s.opt.Reload == nil {
		return errors.Join(errs...)
	}
	next, err := s.opt.Reload()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if wait := restart(*s.cfg.Load(), next); len(wait) > 0 {
		s.opt.Log.Warn("changed keys need a restart", "keys", strings.Join(wait, " "))
	}
	merged := merge(*s.cfg.Load(), next)
	s.cfg.Store(&merged)
	if s.opt.Level != nil {
		setLevel(s.opt.Level, merged.Log)
	}
	s.Accounts.SetDefaults(defaults(merged))
	// A changed default acts on open sessions as a switch does.
	n, err := s.Gate.EvictNow(ctx, everybody, false)
	errs = append(errs, err)
	s.opt.Log.Info("configuration reloaded", "evicted", n)
	return errors.Join(errs...)
}

// restart lists the keys that differ and are not live.
func restart(old, next config.Config) []string {
	var keys []string
	values := map[string]string{}
	for _, k := range old.Keys() {
		values[k.Name] = strings.Join(k.Values(), "\x00")
	}
	for _, k := range next.Keys() {
		if !slices.Contains(live, k.Name) && values[k.Name] != strings.Join(k.Values(), "\x00") {
			keys = append(keys, k.Name)
		}
	}
	return keys
}

// merge takes the live keys of next.
func merge(old, next config.Config) config.Config {
	from := map[string]config.Key{}
	for _, k := range next.Keys() {
		from[k.Name] = k
	}
	for _, k := range old.Keys() {
		if slices.Contains(live, k.Name) {
			k.Copy(from[k.Name])
		}
	}
	return old
}
