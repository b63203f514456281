package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gridflow/internal/server"
	"gridflow/internal/tools"
)

const (
	// joinPatience is how long a process looks for whoever has the lock of the state folder:
	// it may be opening the journal, or closing it, or be a `gridflow call` that takes its
	// time.
	joinPatience = 30 * time.Second
	// helloPatience is how long a connection may take until it has said its hello.
	helloPatience = 10 * time.Second
	// joinPause is how long it is until the next look at first; it doubles up to joinPauseMax.
	joinPause    = 2 * time.Millisecond
	joinPauseMax = 100 * time.Millisecond
)

// hello gives the settings that two processes on one state folder must share. How much is
// done at once, how long and with how much memory is decided by the one that has the folder.
func (c *config) hello(rows []tools.Tool) server.Hello {
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].Name
	}
	slices.Sort(names)
	roots := make([]string, len(c.roots))
	for i, root := range c.roots {
		roots[i] = root
		if abs, err := filepath.Abs(root); err == nil {
			roots[i] = abs
		}
		if real, err := filepath.EvalSymlinks(roots[i]); err == nil {
			roots[i] = real
		}
	}
	return server.Hello{Settings: map[string]string{
		settingVersion:       version(),
		settingTools:         strings.Join(names, ","),
		"root":               strings.Join(roots, string(filepath.ListSeparator)),
		"output-profile":     c.profile,
		"link-targets":       c.linkTargets,
		"max-cells":          strconv.Itoa(c.maxCells),
		"max-payload-bytes":  strconv.Itoa(c.maxPayloadBytes),
		"max-items":          strconv.Itoa(c.maxItems),
		"max-response-bytes": strconv.Itoa(c.maxResponseBytes),
	}}
}

// What a hello has beside settings of the same name.
const (
	settingVersion = "version"
	settingTools   = "tools"
)

// A joiner brings a process and a state folder together: as the one that has it, as a client
// of the one that has it, or, where neither can be, as one that reads only.
type joiner struct {
	c    *config
	log  *slog.Logger
	mine server.Hello
	open func(ctx context.Context) error // opens the workspace
	// ignore tells whether it does not matter that a setting differs; nil: each matters.
	ignore func(name string, theirs server.Hello) bool
}

// join opens the workspace, or gives a connection to the process that has.
func (j *joiner) join(ctx context.Context) (server.Backend, error) {
	j.c.joins = true
	wait, giveUp := joinPause, time.NewTimer(joinPatience)
	defer giveUp.Stop()
	for {
		var used *inUseError
		if err := j.open(ctx); !errors.As(err, &used) {
			return nil, err
		}
		b, theirs, err := dial(ctx, used.state)
		if err == nil && theirs.Full {
			b.Close()
			used.why = "another gridflow process uses the state folder, and serves as many others as it may"
			used.hint = "Start this one again when one of them has ended, or with a --state-dir of its own"
			return nil, j.readOnly(ctx, used)
		}
		if err == nil {
			differ := j.mine.Differing(theirs)
			if j.ignore != nil {
				differ = slices.DeleteFunc(differ, func(name string) bool { return j.ignore(name, theirs) })
			}
			if len(differ) == 0 {
				return b, nil
			}
			b.Close()
			return nil, j.readOnly(ctx, differs(used.state, differ, j.mine, theirs))
		}
		var strange *server.HelloError
		if errors.As(err, &strange) {
			used.why = "another gridflow process uses the state folder, and is of another version (" + err.Error() + ")"
			used.hint = "Use one version for both, or start this one with a --state-dir of its own"
			return nil, j.readOnly(ctx, used)
		}
		// Nobody listens yet, or any more. The lock tells nobody when it is free, and so it is
		// tried now and then.
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-giveUp.C:
			return nil, j.readOnly(ctx, used)
		case <-time.After(wait):
			wait = min(2*wait, joinPauseMax)
		}
	}
}

// readOnly opens the workspace without forks.
func (j *joiner) readOnly(ctx context.Context, why *inUseError) error {
	j.log.Warn("this process reads workbooks and edits nothing: "+why.why, "state-dir", why.state)
	j.c.alone = why.forCallers()
	return j.open(ctx)
}

// differs says in what the settings of two processes are not the same.
func differs(state string, names []string, mine, theirs server.Hello) *inUseError {
	first := names[0]
	if slices.Contains(names, "root") { // what people mean by another set of files
		first = "root"
	}
	what := fmt.Sprintf("%q there, %q here", short(theirs.Settings[first]), short(mine.Settings[first]))
	if first == settingTools { // of two long lists what only one has is all that is wanted
		what = onlyOne(theirs.Settings[first], mine.Settings[first])
	}
	e := &inUseError{
		state: state,
		why:   fmt.Sprintf("another gridflow process uses the state folder with other settings (%s: %s", first, what),
		hint:  "Start both with the same settings, or this one with a --state-dir of its own",
	}
	if rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == first }); len(rest) > 0 {
		e.why += "; also " + strings.Join(rest, ", ")
	}
	e.why += ")"
	return e
}

// onlyOne says which tools are on offer in one of two processes alone.
func onlyOne(theirs, mine string) string {
	there, here := strings.Split(theirs, ","), strings.Split(mine, ",")
	less := func(a, b []string) string {
		return short(strings.Join(slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) }), ", "))
	}
	if missing := less(here, there); missing != "" {
		return "not on offer there: " + missing
	}
	return "not on offer here: " + less(there, here)
}

func short(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// dial connects to whoever has the lock of a state folder, and reads its hello.
func dial(ctx context.Context, state string) (server.Backend, server.Hello, error) {
	path, err := socketAddress(state)
	if err != nil {
		return nil, server.Hello{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, server.Hello{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	r := bufio.NewReader(c)
	h, err := server.ReadHello(r)
	if err != nil {
		c.Close()
		return nil, server.Hello{}, err
	}
	return &greeted{UnixConn: c.(*net.UnixConn), r: r}, h, nil
}

// greeted is a connection whose hello was read.
type greeted struct {
	*net.UnixConn
	r *bufio.Reader
}

func (g *greeted) Read(b []byte) (int, error) { return g.r.Read(b) }

// A member serves one client on a state folder, whoever has that.
type member struct {
	*setup
	joiner
	own *host // once this process has opened the workspace
}

func (u *setup) member() *member {
	m := &member{setup: u}
	m.joiner = joiner{c: u.c, log: u.log, mine: u.c.hello(u.rows), open: func(ctx context.Context) (err error) {
		m.own, err = u.host(ctx)
		return err
	}}
	return m
}

// pipe serves the client by way of a server that is connected to, and of those after it, of
// which the last may be this process.
func (m *member) pipe(ctx context.Context, first server.Backend) error {
	log := m.setup.log
	log.Info("another process has the state folder; calls go to it", "version", version())
	var ownErr error
	var serving sync.WaitGroup
	stopping, stop := context.WithCancel(context.Background())
	defer stop()
	p := &server.Pipe{
		In: m.stdin, Out: m.stdout, Log: log, ReadOnly: readOnlyTool(m.rows), Stopping: stop,
		Connect: func(ctx context.Context) (server.Backend, error) {
			if b := first; b != nil {
				first = nil
				return b, nil
			}
			if m.own != nil {
				return nil, errors.New("the server of this process has ended")
			}
			if b, err := m.join(ctx); err != nil || b != nil {
				return b, err
			}
			if state := m.own.opened.state; state != "" {
				log.Info("this process has the state folder now", "state-dir", state)
			}
			self := make(chan server.Backend, 1)
			serving.Go(func() {
				ownErr = m.own.serve(func(s *server.Server) error {
					defer context.AfterFunc(stopping, s.Stop)()
					return s.ServeSelf(func(b server.Backend) { self <- b }, m.setup.c.drainTimeout)
				})
			})
			return <-self, nil
		},
	}
	err := p.Run(ctx, m.setup.c.drainTimeout)
	stop()
	if errors.Is(err, server.ErrCut) {
		return err
	}
	serving.Wait()
	return errors.Join(err, ownErr)
}

// readOnlyTool tells which tools change nothing.
func readOnlyTool(rows []tools.Tool) func(string) bool {
	byName := make(map[string]bool)
	for i := range rows {
		byName[rows[i].Name] = rows[i].ReadOnly
	}
	return func(name string) bool { return byName[name] }
}
