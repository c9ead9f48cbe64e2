package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bascule/internal/accounts"
	"bascule/internal/config"
	"bascule/internal/gate"
	"bascule/internal/peers"
	"bascule/locking"
)

// The processes of a store are asked through sockets in run/admin (mode 0600, so whoever may read the mail may ask). A question and an answer are
// one JSON object each.

// Question is what a process is asked.
type Question struct {
	Op      string             `json:"op"` // ping, health, sessions, kick, evict, flush, reload, locks, break
	Scope   string             `json:"scope,omitempty"`
	Session string             `json:"session,omitempty"`
	Remote  string             `json:"remote,omitempty"`
	Proto   string             `json:"protocol,omitempty"`
	Text    string             `json:"text,omitempty"`
	Now     bool               `json:"now,omitempty"`
	Until   time.Time          `json:"until,omitzero"` // of a trace
	Key     string             `json:"key,omitempty"`
	Value   accounts.Protocols `json:"value,omitempty"`
}

// Answer is what it says.
type Answer struct {
	Process  string           `json:"process"`
	Version  string           `json:"version,omitempty"`
	Error    string           `json:"error,omitempty"`
	Count    int              `json:"count,omitempty"`
	Sessions []SessionInfo    `json:"sessions,omitempty"`
	Traces   []TraceInfo      `json:"traces,omitempty"`
	Locks    []locking.Status `json:"locks,omitempty"`
	Addrs    []Addr           `json:"addresses,omitempty"`
}

// SessionInfo is an open session.
type SessionInfo struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Protocol string    `json:"protocol"`
	Since    time.Time `json:"since"`
	Active   time.Time `json:"active"`
	Remote   string    `json:"remote"`
	TLS      bool      `json:"tls"`
	Client   string    `json:"client,omitempty"`
	Mailbox  string    `json:"mailbox,omitempty"`
	Ending   string    `json:"ending,omitempty"`
	Process  string    `json:"process"`
}

// TraceInfo is an account whose sessions are traced by a process.
type TraceInfo struct {
	Account  string    `json:"account"`
	Until    time.Time `json:"until"`
	Sessions int       `json:"sessions"` // open now
	Process  string    `json:"process"`
}

// everybody is the scope of all accounts.
var everybody accounts.Scope

type admin struct {
	post *peers.Post
	roll roll
}

func adminDir(cfg config.Config) string { return filepath.Join(cfg.Run(), "admin") }

// joinAdmin makes this process one that answers.
func joinAdmin(cfg config.Config, process string, log *slog.Logger, answer func(Question) Answer) (*admin, error) {
	post, err := peers.Join(adminDir(cfg), peers.Options{Receive: func([]byte) {}, Log: log, Answer: func(q []byte) []byte {
		var question Question
		var a Answer
		if err := json.Unmarshal(q, &question); err != nil {
			a.Error = "not a question"
		} else {
			a = answer(question)
		}
		a.Process = process
		data, err := json.Marshal(a)
		if err != nil {
			log.Error("an answer cannot be written", "op", question.Op, "err", err)
		}
		return data
	}})
	if err != nil {
		return nil, err
	}
	a := &admin{post: post, roll: newRoll(cfg)}
	if err := a.roll.enter(post.Name(), process); err != nil {
		post.Close()
		return nil, err
	}
	return a, nil
}

func (a *admin) leave() {
	a.roll.strike(a.post.Name())
	a.post.Close()
}

// answer is what this process says to a question.
func (s *Server) answer(q Question) Answer {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	a := Answer{Version: s.opt.Version}
	var err error
	switch q.Op {
	case "ping":
		a.Count = s.Gate.Count()
	case "health": // what it listens at; answering at all shows that it is no corpse
		a.Addrs = s.Addrs()
		_, err = s.Accounts.Changes(ctx)
	case "sessions", "kick":
		var f gate.Filter
		if f, err = q.filter(); err != nil {
			break
		}
		if q.Op == "kick" {
			a.Count = s.Gate.Kick(f, q.Text)
			break
		}
		for _, si := range s.Gate.Sessions(f) {
			a.Sessions = append(a.Sessions, SessionInfo{
				ID: si.ID, Account: si.Address.String(), Protocol: string(si.Protocol), Since: si.Since, Active: si.Active,
				Remote: si.Remote.String(), TLS: si.TLS, Client: si.ClientName, Mailbox: si.Mailbox, Ending: string(si.Evicting),
			})
		}
	case "evict":
		scope := everybody
		if q.Scope != "" {
			if scope, err = accounts.ParseScope(q.Scope); err != nil {
				break
			}
		}
		a.Count, err = s.Gate.EvictNow(ctx, scope, q.Now)
	case "trace":
		var address accounts.Address
		if address, err = accounts.ParseAddress(q.Scope); err == nil {
			a.Count, err = s.Gate.Trace(address, q.Until)
		}
	case "traces":
		for _, t := range s.Gate.Traces() {
			a.Traces = append(a.Traces, TraceInfo{Account: t.Address.String(), Until: t.Until, Sessions: t.Sessions})
		}
	case "flush": // what is gathered before it is written: last logins
		err = s.Accounts.Flush(ctx)
	case "reload":
		err = s.Reload(ctx)
	case "locks":
		a.Locks, err = s.Locks.List(ctx)
	case "break":
		if err = s.Locks.Break(ctx, locking.Key(q.Key)); err == nil {
			a.Count = 1
		} else if errors.Is(err, locking.ErrNotHeld) {
			err = nil
		}
	default:
		err = fmt.Errorf("%q is not known to this version", q.Op)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

func (q Question) filter() (f gate.Filter, err error) {
	f = gate.Filter{ID: q.Session, Protocol: gate.Protocol(q.Proto)}
	if q.Scope != "" {
		if f.Scope, err = accounts.ParseScope(q.Scope); err != nil {
			return f, err
		}
	}
	if q.Remote != "" {
		f.Remote, err = netip.ParseAddr(q.Remote)
	}
	return f, err
}

// Silent is the error of Ask when some process did not answer, or answered with an error.
type Silent struct {
	Processes []string // names, as far as they are known
	Reasons   []string // of those that answered with an error
}

func (e *Silent) Error() string {
	var parts []string
	if len(e.Processes) > 0 {
		parts = append(parts, "no answer from "+strings.Join(e.Processes, ", "))
	}
	return strings.Join(append(parts, e.Reasons...), "; ")
}

// Ask puts a question to every serving process of the store. The answers come sorted by process. The error is a *Silent when some did not
// answer, or could not do what was asked; the other answers are good nevertheless.
func Ask(ctx context.Context, cfg config.Config, q Question) ([]Answer, error) {
	post, err := peers.Join(adminDir(cfg), peers.Options{Receive: func([]byte) {}})
	if err != nil {
		return nil, Explain(err, cfg.Run())
	}
	defer post.Close()
	data, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("server: ask: %w", err)
	}
	names := post.Peers()
	raw, askErr := post.AskAll(ctx, data)
	silent := &Silent{}
	var answers []Answer
	for name, text := range raw {
		var a Answer
		if err := json.Unmarshal(text, &a); err != nil {
			silent.Processes = append(silent.Processes, newRoll(cfg).name(name))
			continue
		}
		for i := range a.Sessions {
			a.Sessions[i].Process = a.Process
		}
		for i := range a.Traces {
			a.Traces[i].Process = a.Process
		}
		if a.Error != "" {
			silent.Reasons = append(silent.Reasons, a.Process+": "+a.Error)
		}
		answers = append(answers, a)
	}
	if askErr != nil {
		for _, name := range names {
			if _, ok := raw[name]; !ok && strings.Contains(askErr.Error(), name) {
				silent.Processes = append(silent.Processes, newRoll(cfg).name(name))
			}
		}
		if len(silent.Processes) == 0 {
			silent.Reasons = append(silent.Reasons, askErr.Error())
		}
	}
	slices.SortFunc(answers, func(a, b Answer) int { return strings.Compare(a.Process, b.Process) })
	slices.Sort(silent.Processes)
	if len(silent.Processes)+len(silent.Reasons) > 0 {
		return answers, silent
	}
	return answers, nil
}
