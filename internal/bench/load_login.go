package bench

import (
	"crypto/tls"
	"errors"

	"bascule/internal/bench/client"
	"bascule/internal/bench/mailgen"
)

// A connection, a login, LOGOUT; the passwords are right and were right before.
var loginLoads = []Load{
	{
		Name: "login-plain", What: "IMAP logins, plain", Unit: "logins/s", Per: "clients",
		Sizes: [3]int{1, 8, 50}, Short: [3]int{1, 2, 3}, Aim: 3,
		Boxes: func(int) []Box { return boxes(50, mailgen.Mixed, 0) },
		Run: func(g *Gen) error {
			return logins(g, func(c *client.IMAP, i int) error { return c.Login(g.Box(i).Address(), password) }, "imap")
		},
	},
	{
		Name: "login-scram", What: "IMAP logins, SCRAM-SHA-256", Unit: "logins/s", Per: "clients",
		Sizes: [3]int{1, 8, 50}, Short: [3]int{1, 2, 3}, Aim: 3,
		Boxes: func(int) []Box {
			all := boxes(50, mailgen.Mixed, 0)
			for i := range all {
				all[i].SCRAM = true
			}
			return all
		},
		Run: func(g *Gen) error {
			keys := make([]*client.SCRAM, len(g.Target.Boxes))
			for i := range keys {
				keys[i] = &client.SCRAM{User: g.Box(i).Address(), Password: password}
			}
			// A client derives its key once and keeps it.
			for i := range min(g.Size, len(keys)) {
				c, err := g.dialer("imap").IMAP(g.ctx)
				if err != nil {
					return err
				}
				defer c.Close()
				if err := c.LoginSCRAM(keys[i]); err != nil {
					return err
				}
			}
			return logins(g, func(c *client.IMAP, i int) error { return c.LoginSCRAM(keys[i%len(keys)]) }, "imap")
		},
	},
	{
		Name: "login-tls", What: "IMAP logins, TLS with resumed sessions", Unit: "logins/s", Per: "clients",
		Sizes: [3]int{1, 8, 50}, Short: [3]int{1, 2, 3}, Aim: 3,
		Boxes: func(int) []Box { return boxes(50, mailgen.Mixed, 0) },
		Run: func(g *Gen) error {
			return logins(g, func(c *client.IMAP, i int) error { return c.Login(g.Box(i).Address(), password) }, "imaps")
		},
	},
}

func logins(g *Gen, login func(c *client.IMAP, i int) error, kind string) error {
	resumed := make([]int64, g.Size)
	if err := g.Measure(func() (int64, error) {
		return g.Parallel(g.Size, func(i int) (int64, error) {
			d := g.dialer(kind)
			if d.TLS != nil {
				d.TLS = &tls.Config{InsecureSkipVerify: true, ServerName: "bench.test", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			}
			return g.Loop(func() error {
				c, err := d.IMAP(g.ctx)
				if err != nil {
					return err
				}
				defer c.Close()
				if err := login(c, i); err != nil {
					return err
				}
				if c.Resumed() {
					resumed[i]++
				}
				return c.Logout()
			})
		})
	}); err != nil {
		return err
	}
	if kind != "imaps" {
		return nil
	}
	var all int64
	for _, n := range resumed {
		all += n
	}
	g.Detail("share of resumed sessions", float64(all)/float64(g.sample.Ops))
	if all == 0 && g.sample.Ops > int64(2*g.Size) {
		return errors.New("no TLS session was resumed")
	}
	return nil
}
