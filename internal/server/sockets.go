package server

import (
	"maps"
	"net"
	"slices"
	"strings"
)

// passed gives the sockets of a listener that were open before this process began; they are taken then.
func (s *Server) passed(key string) []net.Listener {
	sockets := s.opt.Sockets[key]
	delete(s.opt.Sockets, key)
	return sockets
}

// unwanted complains of sockets that nothing here serves: clients would connect to them and hear nothing.
func (s *Server) unwanted() error {
	if len(s.opt.Sockets) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(s.opt.Sockets))
	for _, name := range names {
		for _, l := range s.passed(name) {
			l.Close()
		}
	}
	return &Problem{"sockets were passed for " + strings.Join(names, ", ") + ", of which nothing is served here",
		"give each the name of a listener (FileDescriptorName=imaps), or serve that front end", nil}
}
