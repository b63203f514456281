package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"gridflow/internal/obs"
	"gridflow/internal/server"
)

// stdio serves one client over the standard streams.
func (p *program) stdio(ctx context.Context, args []string) error {
	if p.stdout == os.Stdout {
		// The protocol owns standard output; whatever else is printed goes to standard
		// error. A client that is gone is an error of writing, not a deadly signal.
		os.Stdout = os.Stderr
		signal.Ignore(syscall.SIGPIPE)
	}
	return p.serve(ctx, "stdio", args, func(ctx context.Context, c *config, s *server.Server, log *slog.Logger) error {
		log.Info("serving MCP on standard input and output", "version", version())
		return s.ServeStdio(ctx, p.stdin, p.stdout, c.drainTimeout)
	})
}

// http serves many clients over streamable HTTP.
func (p *program) http(ctx context.Context, args []string) error {
	return p.serve(ctx, "http", args, func(ctx context.Context, c *config, s *server.Server, log *slog.Logger) error {
		l, err := net.Listen("tcp", c.listen)
		if err != nil {
			return fmt.Errorf("%w; choose another address with --listen", err)
		}
		o := server.HTTPOptions{Path: c.path, AllowedOrigins: c.allowedOrigins, AllowedHosts: c.allowedHosts, Metrics: c.metrics}
		if addr, ok := l.Addr().(*net.TCPAddr); ok {
			o.Loopback = addr.IP.IsLoopback()
		}
		if host, _, err := net.SplitHostPort(c.listen); err == nil && host != "" && net.ParseIP(host) == nil {
			o.AllowedHosts = append(o.AllowedHosts[:len(o.AllowedHosts):len(o.AllowedHosts)], host)
		}
		log.Info("serving MCP", "url", "http://"+l.Addr().String()+c.path, "version", version())
		if !o.Loopback {
			log.Warn("the server can be reached from other machines and asks nobody who they are", "listen", c.listen)
		}
		return s.ServeHTTP(ctx, l, o, c.drainTimeout)
	})
}

// serve does what both transports need around them: settings, log, workspace, signals.
func (p *program) serve(ctx context.Context, cmd string, args []string,
	transport func(context.Context, *config, *server.Server, *slog.Logger) error,
) (err error) {
	c, rest, err := configure(cmd, args, p.lookupEnv)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("%s takes no arguments, got %q; workbooks are named by --root DIR", cmd, rest[0])
	}
	rows, err := p.selection(c)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return usagef("no tool is left to offer; see --toolsets, --tools, --exclude-tools and --read-only")
	}
	log, logCloser, err := p.logger(c)
	if err != nil {
		return err
	}
	defer logCloser.Close()
	for _, stray := range strayVariables(p.environ) {
		log.Warn(stray)
	}
	server.TuneGC(c.memoryLimit, c.cacheBytes)

	ctx, stop := untilSignal(ctx)
	defer stop()
	o, err := p.open(ctx, c, log)
	if err != nil {
		return err
	}
	conf, paces, err := c.flowConfig()
	if err != nil {
		return errors.Join(err, o.close())
	}
	metrics := obs.NewMetrics(version(), conf.Classes)
	scheduler, err := c.schedule(conf, paces, o, metrics, log)
	if err != nil {
		return errors.Join(err, o.close())
	}
	o.env.Status = metrics
	s := server.New(server.Config{
		Version: version(), Tools: rows, Env: o.env, Resources: o.resources, Flow: scheduler,
		Metrics: metrics, ToolTimeout: c.toolTimeout, Log: log,
	})
	metrics.Connect(obs.Sources{Gate: scheduler.Gate, Costs: scheduler.Costs, Cache: o.cache, Drain: s.Drain, Breakers: o.breakers, Forks: o.forks})
	looking, stopLooking := context.WithCancel(ctx)
	var looked sync.WaitGroup
	looked.Go(func() { c.look(looking, scheduler.Gate, metrics) })
	defer func() { stopLooking(); looked.Wait() }()
	if c.configFile != "" {
		again := func() (*config, error) {
			c, _, err := configure(cmd, args, p.lookupEnv)
			return c, err
		}
		defer followConfig(ctx, c.configFile, scheduler, again, metrics, log)()
	}
	err = transport(ctx, c, s, log)
	if errors.Is(err, server.ErrCut) {
		// What is cut off may still hold on to the workspace; it ends with the process.
		return err
	}
	return errors.Join(err, o.close())
}
