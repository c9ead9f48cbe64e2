package server

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"bascule/internal/config"
)

// Logger makes the logger that the configuration asks for, and the level by which a reload changes it.
func Logger(cfg config.Log, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	setLevel(level, cfg)
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), level
	}
	return slog.New(slog.NewTextHandler(w, opts)), level
}

func setLevel(level *slog.LevelVar, cfg config.Log) {
	var l slog.Level
	if l.UnmarshalText([]byte(cfg.Level)) == nil {
		level.Set(l)
	}
}

// ProcessName names this process for people: what it serves, its number, and the host (or container).
func ProcessName(role string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s/%d@%s", role, os.Getpid(), host)
}
