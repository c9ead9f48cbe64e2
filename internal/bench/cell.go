package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"bascule/internal/bench/mailgen"
)

// cell is one load at one size, for all servers.
type cell struct {
	o         Options
	load      Load
	size      int
	dir       string // made and removed
	servers   []server
	templates mailgen.Templates
}

// measure fills, warms up and runs in turns. An error of one server ends its part only.
func (c cell) measure(ctx context.Context) Row {
	row := Row{Size: c.size, By: map[string][]Sample{}, Errors: map[string]string{}}
	fail := func(s server, err error) {
		if row.Errors[s.Name()] == "" {
			row.Errors[s.Name()] = err.Error()
		}
		delete(row.By, s.Name())
	}
	defer c.wipe()
	for _, s := range c.servers {
		if err := c.prepare(ctx, s); err != nil {
			fail(s, err)
		}
		defer s.Stop()
	}
	c.settle()
	// Dovecot does not trust a directory that was changed shortly before it was read: until it is read again, each SELECT reads the list of
	// UIDs anew, which made SELECT of 20,000 messages a hundred times slower. Nobody's mailbox stays in that state.
	for _, s := range c.servers {
		if row.Errors[s.Name()] == "" {
			if err := c.warm(ctx, s); err != nil {
				fail(s, err)
			}
		}
	}
	c.settle()
	for pair := range c.o.Pairs {
		for _, s := range c.servers {
			if row.Errors[s.Name()] != "" || ctx.Err() != nil {
				continue
			}
			sample, err := c.run(ctx, s, pair)
			if err != nil {
				fail(s, fmt.Errorf("%w\n%s", err, s.Log()))
				continue
			}
			row.By[s.Name()] = append(row.By[s.Name()], sample)
		}
	}
	for _, s := range c.servers {
		if err := s.Stop(); err != nil {
			fail(s, err)
		}
	}
	return row
}

// boxesOf are the boxes of one pair of runs. A load that changes its mail has others for each.
func (c cell) boxesOf(pair int) []Box {
	all := c.load.Boxes(c.size)
	if c.load.Fresh {
		for i := range all {
			all[i].Name = fmt.Sprintf("%s-%d", all[i].Name, pair)
		}
	}
	return all
}

func (c cell) allBoxes() (all []Box) {
	pairs := 1
	if c.load.Fresh {
		pairs = c.o.Pairs
	}
	for p := range pairs {
		all = append(all, c.boxesOf(p)...)
	}
	return all
}

func (c cell) prepare(ctx context.Context, s server) error {
	dir := filepath.Join(c.dir, s.Name()[:1]) // short, for the sockets in it
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	all := c.allBoxes()
	if err := s.Prepare(ctx, dir, all); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for _, b := range all {
		if err := c.templates.Fill(s.Maildir(b), b.Kind, b.Count); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	return c.warm(ctx, s)
}

// warm opens all boxes once, unless the first opening is what is measured.
func (c cell) warm(ctx context.Context, s server) error {
	if c.load.Untouched {
		return nil
	}
	if _, err := c.generate(ctx, s, c.allBoxes(), true); err != nil {
		return fmt.Errorf("%w\n%s", err, s.Log())
	}
	if w, ok := s.(interface {
		Warmed(context.Context, []Box) error
	}); ok {
		return w.Warmed(ctx, c.allBoxes())
	}
	return nil
}

func (c cell) run(ctx context.Context, s server, pair int) (Sample, error) {
	if c.load.Cold {
		if err := s.Stop(); err != nil {
			return Sample{}, err
		}
		if err := s.Start(ctx); err != nil {
			return Sample{}, err
		}
	}
	return c.generate(ctx, s, c.boxesOf(pair), false)
}

// generate runs the generator.
func (c cell) generate(ctx context.Context, s server, boxes []Box, warm bool) (Sample, error) {
	t := Target{Name: s.Name(), PID: s.PID(), Addrs: s.Addrs()}
	for _, b := range boxes {
		t.Boxes = append(t.Boxes, TargetBox{Box: b, Maildir: s.Maildir(b), FactsFile: c.facts(b)})
	}
	job, err := json.Marshal(Job{Load: c.load.Name, Size: c.size, Warm: warm, Seconds: c.o.Seconds, Target: t})
	if err != nil {
		return Sample{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, generatorTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.o.Generator[0], c.o.Generator[1:]...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(job), c.o.Progress
	out, err := cmd.Output()
	if err != nil {
		return Sample{}, fmt.Errorf("generator: %w", err)
	}
	var a Answer
	if err := json.Unmarshal(out, &a); err != nil {
		return Sample{}, fmt.Errorf("generator: %w", err)
	}
	if a.Error != "" {
		return Sample{}, errors.New(a.Error)
	}
	return a.Sample, nil
}

// generatorTimeout ends a run that hangs.
const generatorTimeout = 20 * time.Minute

func (c cell) facts(b Box) string {
	if b.Count == 0 {
		return ""
	}
	return c.templates.FactsPath(b.Kind)
}

// wipe removes the cell's mail. What deleting it costs must not fall into the next measurement.
func (c cell) wipe() {
	os.RemoveAll(c.dir)
	c.settle()
}

// manyFiles is from how many messages on the whole rest is taken.
const manyFiles = 20000

// settle lets the disk come to rest, the longer the more files were made or removed.
func (c cell) settle() {
	syscall.Sync()
	files := 0
	for _, b := range c.allBoxes() {
		files += len(c.servers) * b.Count
	}
	time.Sleep(c.o.Settle/10 + c.o.Settle*9/10*time.Duration(min(files, manyFiles))/manyFiles)
}
