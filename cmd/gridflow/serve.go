package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/access"
	"gridflow/internal/lock"
	"gridflow/internal/obs"
	"gridflow/internal/server"
	"gridflow/internal/tools"
)

// stdio serves one client over the standard streams: by itself, or where another process has
// the state folder, by way of that one.
func (p *program) stdio(ctx context.Context, args []string) error {
	if p.stdout == os.Stdout {
		// The protocol owns standard output; whatever else is printed goes to standard
		// error. A client that is gone is an error of writing, not a deadly signal.
		os.Stdout = os.Stderr
		signal.Ignore(syscall.SIGPIPE)
	}
	u, err := p.setUp("stdio", args)
	if err != nil {
		return err
	}
	defer u.closeLog()
	ctx, stop := untilSignal(ctx)
	defer stop()
	m := u.member()
	switch b, err := m.join(ctx); {
	case err != nil && ctx.Err() != nil:
		return nil // stopped before it began
	case err != nil:
		return err
	case b != nil:
		return m.pipe(ctx, b)
	}
	return m.own.serve(func(s *server.Server) error {
		u.log.Info("serving MCP on standard input and output", "version", version())
		return s.ServeStdio(ctx, p.stdin, p.stdout, u.c.drainTimeout)
	})
}

// http serves many clients over streamable HTTP.
func (p *program) http(ctx context.Context, args []string) error {
	u, err := p.setUp("http", args)
	if err != nil {
		return err
	}
	defer u.closeLog()
	ctx, stop := untilSignal(ctx)
	defer stop()
	h, err := u.host(ctx)
	if err != nil {
		return err
	}
	return h.serve(func(s *server.Server) error { return h.serveHTTP(ctx, s) })
}

func (h *host) serveHTTP(ctx context.Context, s *server.Server) error {
	u, c := h.setup, h.setup.c
	l, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	o := c.httpOptions()
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		o.Loopback = addr.IP.IsLoopback()
	}
	if host, _, err := net.SplitHostPort(c.listen); err == nil && host != "" && net.ParseIP(host) == nil {
		o.AllowedHosts = append(o.AllowedHosts[:len(o.AllowedHosts):len(o.AllowedHosts)], host)
	}
	end, err := h.access(ctx, &o)
	defer end()
	if err != nil {
		l.Close()
		return err
	}
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	u.log.Info("serving MCP", "url", scheme+"://"+l.Addr().String()+c.path, "version", version())
	if !o.Loopback && o.Guard == nil && c.tlsClientCA == "" {
		u.log.Warn("the server can be reached from other machines and asks nobody who they are", "listen", c.listen)
	}
	return s.ServeHTTP(ctx, l, o, c.drainTimeout)
}

// httpOptions gives what the settings say of how the server is reached.
func (c *config) httpOptions() server.HTTPOptions {
	return server.HTTPOptions{Path: c.path, AllowedOrigins: c.allowedOrigins, AllowedHosts: c.allowedHosts, TrustedProxies: c.trustedProxies,
		MaxConnections: c.maxConnections, MaxBodyBytes: c.maxRequestBytes, Metrics: c.metrics}
}

// A setup is what a server is made from: settings, tools and log.
type setup struct {
	*program
	cmd  string
	args []string

	c        *config
	rows     []tools.Tool
	log      *slog.Logger
	closeLog func() error
}

// setUp reads the settings of a subcommand that serves.
func (p *program) setUp(cmd string, args []string) (*setup, error) {
	c, rest, err := configure(cmd, args, p.lookupEnv)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, usagef("%s takes no arguments, got %q; workbooks are named by --root DIR", cmd, rest[0])
	}
	rows, err := p.selection(c)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, usagef("no tool is left to offer; see --toolsets, --tools, --exclude-tools and --read-only")
	}
	log, logCloser, err := p.logger(c)
	if err != nil {
		return nil, err
	}
	for _, stray := range strayVariables(p.environ) {
		log.Warn(stray)
	}
	c.fitMemory(log)
	return &setup{program: p, cmd: cmd, args: args, c: c, rows: rows, log: log, closeLog: logCloser.Close}, nil
}

// A host is a server over an open workspace. Whoever has one calls serve or close.
type host struct {
	setup   *setup
	server  *server.Server
	opened  *opened
	metrics *obs.Metrics
	issuer  atomic.Pointer[access.Issuer] // of access tokens; nil: there is none
	beside  []func()                      // ends what runs beside it
}

// host opens the workspace and makes a server over it. ctx ends what runs beside it.
func (u *setup) host(ctx context.Context) (*host, error) {
	o, err := u.open(ctx, u.c, u.log)
	if err != nil {
		return nil, err
	}
	c, log := u.c, u.log
	conf, paces, err := c.flowConfig()
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	metrics := obs.NewMetrics(version(), conf.Classes)
	scheduler, err := c.schedule(conf, paces, o, metrics, log)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	if o.jobs != nil {
		o.jobs.Use(scheduler.Gate)
	}
	o.env.Status = metrics
	o.env.Absent = make(map[string]string)
	for _, t := range u.table {
		o.env.Absent[t.Name] = t.Toolset
	}
	for _, t := range u.rows {
		delete(o.env.Absent, t.Name)
	}
	s := server.New(server.Config{
		Version: version(), Tools: u.rows, Env: o.env, Resources: o.resources, Flow: scheduler,
		Metrics: metrics, ToolTimeout: c.toolTimeout, Log: log, LogContents: c.logWhole, Audit: o.audit,
	})
	h := &host{setup: u, server: s, opened: o, metrics: metrics}
	breakers := o.allBreakers()
	metrics.Connect(obs.Sources{
		Gate: scheduler.Gate, Costs: scheduler.Costs, Cache: o.cache, Drain: s.Drain, Breakers: func() []breaker.Stats { return h.allBreakers(breakers) }, Forks: o.forks, Office: o.officeStats(), Locks: lock.Waits,
		Events: func() (int, uint64) {
			sessions, lagged := s.Subscribers()
			if o.events != nil {
				lagged += o.events().Lagged
			}
			return sessions, lagged
		},
	})
	if o.office != nil {
		warm := time.AfterFunc(warmAfter, o.office.Warm)
		h.beside = append(h.beside, func() { warm.Stop() })
	}
	looking, stopLooking := context.WithCancel(ctx)
	var looked sync.WaitGroup
	looked.Go(func() { c.look(looking, scheduler.Gate, metrics) })
	h.beside = append(h.beside, func() { stopLooking(); looked.Wait() })
	if c.configFile != "" {
		again := func() (*config, error) {
			c, _, err := configure(u.cmd, u.args, u.lookupEnv)
			return c, err
		}
		apply := func(c *config) error {
			if o.office != nil {
				if err := o.office.Reconfigure(c.officeLimits()); err != nil {
					return err
				}
			}
			return c.applyFlow(scheduler)
		}
		h.beside = append(h.beside, followConfig(ctx, c.configFile, c, apply, again, metrics, log))
	}
	return h, nil
}

// allBreakers adds that of the issuer of access tokens.
func (h *host) allBreakers(others func() []breaker.Stats) (all []breaker.Stats) {
	if others != nil {
		all = others()
	}
	if i := h.issuer.Load(); i != nil {
		all = append(all, i.Breaker())
	}
	return all
}

// serve runs a transport, and serves the clients of other processes beside it where this one
// has the state folder.
func (h *host) serve(transport func(*server.Server) error) error {
	defer func() {
		for _, end := range slices.Backward(h.beside) {
			end()
		}
	}()
	wait := h.servePeers()
	err := transport(h.server)
	h.server.Stop()
	hangUp, peersErr := wait()
	defer hangUp() // by then the state folder is free for one of them
	if err = errors.Join(err, peersErr); errors.Is(err, server.ErrCut) {
		// What is cut off may still hold on to the workspace; it ends with the process.
		return err
	}
	return errors.Join(err, h.opened.close())
}

// servePeers begins to listen for other processes. wait is for after the server has stopped.
func (h *host) servePeers() (wait func() (hangUp func(), err error)) {
	none := func() (func(), error) { return func() {}, nil }
	state, log := h.opened.state, h.setup.log
	if state == "" {
		return none
	}
	l, err := listen(state)
	if err != nil {
		log.Warn("other processes on the state folder cannot edit, for nobody can connect to this one", "state-dir", state, "error", err)
		return none
	}
	var hangUp func()
	done := make(chan struct{})
	go func() {
		defer close(done)
		hangUp, err = h.server.ServePeers(l, h.setup.c.hello(h.setup.rows), h.setup.c.drainTimeout)
	}()
	return func() (func(), error) {
		<-done
		return hangUp, err
	}
}
