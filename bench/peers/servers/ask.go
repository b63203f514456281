package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/load"
)

// errNone says that a peer has no such operation.
var errNone = errors.New("–")

// An asker is one client of a server, over stdio, with the server as its process.
type asker struct {
	server  *server
	cmd     *exec.Cmd
	session *mcp.ClientSession
	made    map[string]any
	n       int
}

// named gives how a book is named to the server: {id} is what spreadsheet-mcp makes of its
// path, ten letters for the first 50 bits of the path's SHA-256.
func (s *server) named(b book) string {
	const letters = "23456789abcdefghijkmnpqrstuvwxyz"
	sum := sha256.Sum256([]byte(filepath.Join(s.root, b.name+".xlsx")))
	bits, id := binary.BigEndian.Uint64(sum[:8]), []byte("wb-")
	for i := range 10 {
		id = append(id, letters[bits>>(59-5*i)&31])
	}
	return s.vars.Replace(strings.NewReplacer("{name}", b.name, "{id}", string(id)).Replace(s.Book))
}

func (s *server) line(of []string) []string {
	line := make([]string, len(of))
	for i, part := range of {
		line[i] = s.vars.Replace(part)
	}
	return line
}

// start starts the server and shakes hands; took is how long that was.
func (s *server) start(ctx context.Context) (a *asker, took time.Duration, err error) {
	line := s.line(s.Stdio)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	a = &asker{server: s, cmd: cmd, made: map[string]any{}}
	client := mcp.NewClient(&mcp.Implementation{Name: "peers", Version: "1"}, nil)
	a.session, err = client.Connect(ctx, &mcp.IOTransport{Reader: stdout, Writer: stdin, MaxLineLength: -1},
		&mcp.ClientSessionOptions{ProtocolVersion: "2025-06-18"})
	if err != nil {
		a.kill()
		return nil, 0, err
	}
	return a, time.Since(began), nil
}

// kill ends the server at once, as a crash would.
func (a *asker) kill() {
	_ = syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL)
	_ = a.cmd.Wait()
}

// close ends the conversation, and the server with it.
func (a *asker) close() {
	done := make(chan struct{})
	go func() { a.session.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
	}
	a.kill()
}

// ask does an operation on a book; took is how long the call was, without what has to be
// made for it once.
func (a *asker) ask(ctx context.Context, op string, b book, value int) (text string, took time.Duration, err error) {
	a.n++
	vars := map[string]any{
		"book": a.server.named(b), "sheet": b.sheet,
		"rows": b.rows, "columns": b.columns, "row": 1, "last": 20, "column": string(rune('A' + b.columns - 1)),
		"cell": b.cell, "value": value, "n": a.n, "client": 0, "principal": "peers", "group": "peers",
	}
	if op == "read" && value > 0 { // somewhere
		row := 1 + value*7919%(b.rows-20)
		vars["row"], vars["last"] = row, row+19
	}
	for name, making := range a.server.dialect.Make {
		key := name + " " + b.name
		if _, done := a.made[key]; !done && needs(a.server.dialect, op, name) {
			res, err := a.session.CallTool(ctx, making.MakeParams(vars))
			if err != nil {
				return "", 0, err
			}
			value, ok := making.Found(textOf(res))
			if res.IsError || !ok {
				return "", 0, fmt.Errorf("%s: %.200s", making.Tool, textOf(res))
			}
			a.made[key] = value
		}
		vars[name] = a.made[key]
	}
	params, ok := a.server.dialect.Params(op, vars)
	if !ok {
		return "", 0, errNone
	}
	began := time.Now()
	res, err := a.session.CallTool(ctx, params)
	took = time.Since(began)
	if err != nil {
		return "", took, err
	}
	if text = textOf(res); res.IsError {
		return text, took, fmt.Errorf("%s: %.200s", params.Name, text)
	}
	return text, took, nil
}

// needs tells whether an operation names a variable that has to be made.
func needs(d *load.Dialect, op, name string) bool {
	return strings.Contains(fmt.Sprint(d.Ops[op].Args), "{"+name+"}")
}

func textOf(res *mcp.CallToolResult) string {
	var text []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			text = append(text, c.Text)
		}
	}
	return strings.Join(text, "\n")
}

// memory gives what the server and what it has started have resident now, what of that is their
// own and no page of a file that any number of processes share (and that the system can drop),
// and the sum of their peaks, in bytes.
func (a *asker) memory() (now, own, peak int64) {
	for _, pid := range group(a.cmd.Process.Pid) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		now += kib(string(status), "VmRSS:")
		own += kib(string(status), "RssAnon:")
		peak += kib(string(status), "VmHWM:")
	}
	return now, own, peak
}

func kib(status, name string) int64 {
	_, rest, ok := strings.Cut(status, name)
	if !ok {
		return 0
	}
	n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return n << 10
}

// group gives the processes of a process group.
func group(leader int) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(leader) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// freePort gives a port that nobody listens at now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// run does an operation with a script: ms is what it says that it took, the second what the
// whole process took.
func (s *script) run(ctx context.Context, op string, b book) (ms, whole time.Duration, peak int64, err error) {
	line := make([]string, len(s.Command))
	for i, part := range s.Command {
		line[i] = s.vars.Replace(part)
	}
	file := filepath.Join(s.root, b.name+".xlsx")
	cmd := exec.CommandContext(ctx, line[0], append(line[1:], op, file, b.sheet, b.cell)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err = cmd.Run()
	whole = time.Since(began)
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 3 { // it has no such operation
		return 0, 0, 0, errNone
	}
	if ctx.Err() != nil {
		return 0, whole, 0, ctx.Err()
	}
	if err != nil {
		return 0, whole, 0, fmt.Errorf("%w: %.200s", err, cmp.Or(errs.String(), out.String()))
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss << 10
	}
	_, rest, ok := strings.Cut(out.String(), "ms=")
	if !ok {
		return 0, whole, peak, fmt.Errorf("it printed %.100q", out.String())
	}
	n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return time.Duration(n * float64(time.Millisecond)), whole, peak, err
}
