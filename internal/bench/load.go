package bench

import (
	"fmt"
	"strings"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// Load is one kind of work.
type Load struct {
	Name string
	What string // in a few words, for the table
	Unit string // of a sample's value, such as "messages/s"
	Per  string // what Sizes count, such as "messages"

	Sizes [3]int // how the cost grows is as interesting as the cost
	Short [3]int // for the smoke test

	Aim   float64 // the ratio to Dovecot that we want, at the largest size
	Lower bool    // less is better

	// Boxes are the accounts of a run and their mail. Every run of a Fresh load gets boxes of its own, which nobody changed before.
	Boxes func(size int) []Box
	Fresh bool
	// Cold: the server is started anew before each run.
	Cold bool
	// Untouched: no box is opened before it is measured.
	Untouched bool
	// Warm is done once with each box (an IMAP session that is logged in), before anything is measured; nil: warmList.
	Warm func(g *Gen, c *client.IMAP) error

	Run func(g *Gen) error
}

// Box is an account with mail in its INBOX.
type Box struct {
	Name  string // the local part
	Kind  mailgen.Kind
	Count int
	SCRAM bool // the password is stored as SCRAM keys instead of in clear
	// SearchIndex is ours alone: "on" or "off"; empty: as it is by default, where a search of many messages begins one.
	SearchIndex string `json:",omitempty"`
}

// Address is the account's.
func (b Box) Address() string { return b.Name + "@bench.test" }

// boxes are n accounts with count messages each.
func boxes(n int, kind mailgen.Kind, count int) []Box {
	all := make([]Box, n)
	for i := range all {
		all[i] = Box{Name: fmt.Sprintf("box%d", i), Kind: kind, Count: count}
	}
	return all
}

// one is a single account, with as many mixed messages as the load's size says.
func one(size int) []Box { return boxes(1, mailgen.Mixed, size) }

// Loads is the table, in the order in which it is run and printed.
var Loads = concat(
	mixedLoads, pollLoads, retrLoads, fetchLoads, openLoads, selectLoads, resyncLoads, storeLoads, transferLoads, appendLoads, lmtpLoads, noticeLoads,
	idleLoads, loginLoads, searchLoads,
)

func concat(groups ...[]Load) (all []Load) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// Find gives the loads with these names; a name that is none means all that begin with it. All of them if there are no names.
func Find(names []string) ([]Load, error) {
	if len(names) == 0 {
		return Loads, nil
	}
	var found []Load
	for _, n := range names {
		before := len(found)
		for _, l := range Loads {
			if l.Name == n {
				found = append(found[:before], l)
				break
			}
			if strings.HasPrefix(l.Name, n) {
				found = append(found, l)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("bench: no load %q", n)
		}
	}
	return found, nil
}
