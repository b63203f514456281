package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// A Server is one that was started for a run, and serves HTTP.
type Server struct {
	URL string
	PID int

	cmd  *exec.Cmd
	said *lastWords
	done chan struct{}
	err  error // how it ended; to be read when done is closed
}

// startMax is how long a server may take until it can be reached.
const startMax = time.Minute

// endpoint finds the URL in what gridflow says when it begins to serve.
var endpoint = regexp.MustCompile(`serving MCP.*?(https?://[^\s"]+)`)

// Start starts a server. Where at is empty the URL is the one that it says on standard
// error when it is ready, as gridflow does; else it is at, and the server is ready when
// something listens there. Whoever starts it stops it.
func Start(ctx context.Context, program Program, at string) (*Server, error) {
	s := &Server{URL: at, said: new(lastWords), done: make(chan struct{}), cmd: program.command()}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stdout = s.said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.PID = s.cmd.Process.Pid
	found := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		b := bufio.NewReader(stderr)
		for {
			text, err := b.ReadString('\n')
			s.said.Write([]byte(text))
			if m := endpoint.FindStringSubmatch(text); m != nil {
				select {
				case found <- m[1]:
				default:
				}
			}
			if err != nil {
				io.Copy(s.said, stderr) // nobody waits for it, but it must be able to write
				return
			}
		}
	})
	go func() {
		reading.Wait()
		s.err = s.cmd.Wait()
		close(s.done)
	}()

	ctx, cancel := context.WithTimeoutCause(ctx, startMax, fmt.Errorf("it cannot be reached after %v", startMax))
	defer cancel()
	if at != "" {
		found = nil
		go func() {
			if awaitListener(ctx, at) {
				cancel()
			}
		}()
	}
	for {
		select {
		case s.URL = <-found:
			return s, nil
		case <-s.done:
			return nil, fmt.Errorf("%s ended before it could be reached: %v; it said: %s", program.Line[0], s.err, s.said)
		case <-ctx.Done():
			if at != "" && errors.Is(context.Cause(ctx), context.Canceled) && reachable(at) {
				return s, nil
			}
			s.Stop(0)
			return nil, fmt.Errorf("%s: %w; it said: %s", program.Line[0], context.Cause(ctx), s.said)
		}
	}
}

// awaitListener waits until something listens at a URL, and tells whether that came.
func awaitListener(ctx context.Context, at string) bool {
	for !reachable(at) {
		if !sleepUntil(ctx, time.Now().Add(20*time.Millisecond)) {
			return false
		}
	}
	return true
}

func reachable(at string) bool {
	u, err := url.Parse(at)
	if err != nil {
		return false
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), map[string]string{"https": "443"}[u.Scheme])
	}
	conn, err := net.DialTimeout("tcp", host, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Stop tells the server to end, and ends it with all that it has started when it has not
// within the given time. It gives how the server ended; nil is exit code 0.
func (s *Server) Stop(within time.Duration) error {
	if within > 0 {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		timer := time.NewTimer(within)
		defer timer.Stop()
		select {
		case <-s.done:
			killGroup(s.cmd)
			return s.err
		case <-timer.C:
		}
	}
	killGroup(s.cmd)
	<-s.done
	return s.err
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
	killGroup(s.cmd)
}
