package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"bascule/internal/bench/client"
)

// Work is the generator's main function: it reads a Job, does it, and writes an Answer.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("bench: job: %w", err)
	}
	var a Answer
	s, err := work(ctx, job)
	if err != nil {
		a.Error = err.Error()
	} else {
		a.Sample = s
	}
	return json.NewEncoder(out).Encode(a)
}

func work(ctx context.Context, job Job) (Sample, error) {
	found, err := Find([]string{job.Load})
	if err != nil {
		return Sample{}, err
	}
	g := &Gen{Job: job, ctx: ctx}
	if job.Warm {
		return Sample{}, g.warm(found[0].Warm)
	}
	if err := found[0].Run(g); err != nil {
		return Sample{}, err
	}
	if !g.measured {
		return Sample{}, errors.New("bench: the load measured nothing")
	}
	return g.sample, nil
}

// warm opens every box once.
func (g *Gen) warm(with func(*Gen, *client.IMAP) error) error {
	if with == nil {
		with = warmList
	}
	const workers = 4
	_, err := g.Parallel(workers, func(k int) (int64, error) {
		for i := k; i < len(g.Target.Boxes); i += workers {
			if err := g.warmBox(i, with); err != nil {
				return 0, fmt.Errorf("prepare %s: %w", g.Box(i).Address(), err)
			}
		}
		return 0, nil
	})
	return err
}

func (g *Gen) warmBox(i int, with func(*Gen, *client.IMAP) error) error {
	if g.Box(i).SCRAM {
		return g.warmSCRAM(i)
	}
	c, err := g.IMAP(i)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := with(g, c); err != nil {
		return err
	}
	return c.Logout()
}

// warmSCRAM logs in by SCRAM, so that the account is open but its keys stay as they were stored.
func (g *Gen) warmSCRAM(i int) error {
	c, err := g.dialer("imap").IMAP(g.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.LoginSCRAM(&client.SCRAM{User: g.Box(i).Address(), Password: password}); err != nil {
		return err
	}
	return c.Logout()
}

// warmList does what a client does that opens the mailbox for the first time, short of the bodies.
func warmList(_ *Gen, c *client.IMAP) error {
	n, err := c.Select("SELECT", "INBOX")
	if err != nil || n == 0 {
		return err
	}
	return c.Do("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)", nil)
}
