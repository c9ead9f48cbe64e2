package testkit

import (
	"context"
)

func (s *Server) switchTo(ctx context.Context, words []string, _ string) (string, error) { return "", nil }
func (s *Server) kick(ctx context.Context, words []string, _ string) (string, error) { return "", nil }
func (s *Server) sessions() int { return 0 }
