package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"bascule/internal/bench/mailgen"
)

// Options of Run.
type Options struct {
	Bascule   string   // our program
	Dir       string   // where to work; empty: a new directory below /var/tmp
	Loads     []string // names; empty: all
	Size      string   // "small", "medium", "large" or a number; empty: all three
	Short     bool     // tiny sizes, one pair: only the answers count
	Pairs     int
	Seconds   float64       // of loads that have no end of their own
	Settle    time.Duration // rest after filling and after wiping
	Only      string        // "bascule" or "dovecot"; empty: both
	Sysctl    bool          // may raise limits of the kernel while it runs
	DovecotIn string        // file with further configuration for Dovecot
	Generator []string      // command line of the generator
	Progress  io.Writer
}

// Run measures. The report has a row for everything that was asked for; what could not be measured has errors.
func Run(ctx context.Context, o Options) (Report, error) {
	loads, err := Find(o.Loads)
	if err != nil {
		return Report{}, err
	}
	servers, err := o.servers()
	if err != nil {
		return Report{}, err
	}
	dir, err := workDir(o.Dir)
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(dir)
	undo, warning := raiseInotify(o.Sysctl)
	defer undo()
	if warning != "" && !o.Short {
		fmt.Fprintln(o.Progress, "warning:", warning)
	}
	r := Report{Machine: thisMachine(dir), Versions: map[string]string{}, Pairs: o.Pairs, Seconds: o.Seconds}
	for _, s := range servers {
		r.Versions[s.Name()] = s.Version()
	}
	templates := mailgen.Templates{Dir: filepath.Join(dir, "templates"), Own: sharedOwner}
	for _, l := range loads {
		lr := LoadReport{Name: l.Name, What: l.What, Unit: l.Unit, Per: l.Per, Lower: l.Lower, Aim: l.Aim, When: time.Now().UTC().Truncate(time.Second)}
		sizes, err := o.sizes(l)
		if err != nil {
			return r, err
		}
		for _, size := range sizes {
			c := cell{o: o, load: l, size: size, dir: filepath.Join(dir, "run"), servers: servers, templates: templates}
			row := c.measure(ctx)
			if err := ctx.Err(); err != nil {
				return r, err
			}
			lr.Rows = append(lr.Rows, row)
			o.progress(lr, row)
		}
		r.Loads = append(r.Loads, lr)
	}
	if r.failed() {
		return r, errFailed
	}
	return r, nil
}

// errFailed: the report says what.
var errFailed = fmt.Errorf("bench: not everything could be measured")

func (o Options) servers() ([]server, error) {
	var all []server
	if o.Only != "dovecot" {
		program, err := filepath.Abs(o.Bascule)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("bench: our program (make build): %w", err)
		}
		all = append(all, &basculeServer{program: program})
	}
	if o.Only != "bascule" {
		d, err := newDovecot(o.DovecotIn)
		switch {
		case err != nil:
			return nil, err
		case d != nil:
			all = append(all, d)
		case o.Only == "dovecot":
			return nil, fmt.Errorf("bench: no Dovecot 2.3 is installed")
		default:
			fmt.Fprintln(o.Progress, "no Dovecot 2.3 is installed: measuring ours alone")
		}
	}
	return all, nil
}

// workDir makes a directory on a disk (/tmp may be memory, where fsync is free), with a path short enough for Unix sockets.
func workDir(in string) (string, error) {
	if in == "" {
		if in = "/var/tmp"; !isDir(in) {
			in = os.TempDir()
		}
	}
	dir, err := os.MkdirTemp(in, "bb")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "templates"), 0o755); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// sizes says at which sizes a load is run.
func (o Options) sizes(l Load) ([]int, error) {
	all := l.Sizes
	if o.Short {
		all = l.Short
	}
	switch o.Size {
	case "":
		if o.Short {
			return all[2:], nil
		}
		return all[:], nil
	case "small":
		return all[:1], nil
	case "medium":
		return all[1:2], nil
	case "large":
		return all[2:], nil
	}
	n, err := strconv.Atoi(o.Size)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("bench: size %q: small, medium, large or a number", o.Size)
	}
	return []int{n}, nil
}

func (o Options) progress(l LoadReport, row Row) {
	c := cells(l, row)
	fmt.Fprintf(o.Progress, "%s  %-16s %7d  %12s  %12s %-12s ratio %s (%s)\n", time.Now().Format("15:04:05"), l.Name, row.Size, c.ours, c.theirs, l.Unit, c.ratio, c.spread)
	for server, e := range row.Errors {
		fmt.Fprintf(o.Progress, "  %s: %s\n", server, e)
	}
}
