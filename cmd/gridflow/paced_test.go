//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/forks"
	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

func init() {
	programs["gridflow-paced"] = func() { os.Exit(pacedProgram().run(context.Background(), os.Args[1:])) }
	programs["gridflow-soaked"] = func() {
		tellMemory()
		main()
	}
}

// "gridflow-paced" is the program as it ships with three more tools, whose calls take as
// long as a test says: what it schedules is known, and costs no processor time.
//
//	works    {"ms":20}            keeps its seat for so long, and says when it began
//	holds    {"key":"a"}          keeps its seat until it is let go
//	grips    {"key":"a"}          the same, for who wants another tool: what the calls of one
//	                              took is what the next are taken to cost
//	lets_go  {"key":"a","n":2}    lets so many go, and waits until they are
//
// Its disk is slow for files whose names begin with "slow": the first write to one waits, before its
// first byte and half-way, until somebody lets the key "disk" go.
func pacedProgram() *program {
	holders := &holders{byKey: make(map[string]chan struct{})}
	slow := func(w *workspace.Workspace) forks.Files { return slowDisk{w, holders.of("disk")} }
	open := func(ctx context.Context, c *config, log *slog.Logger) (*opened, error) {
		return openWith(ctx, c, log, slow)
	}
	p := &program{open: open, environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	p.table = append(append(p.table, tools.Table()...), pacedTools(holders)...)
	return p
}

// slowDisk is where saves go.
type slowDisk struct {
	forks.Files
	moves <-chan struct{}
}

func (d slowDisk) Write(ctx context.Context, t workspace.Target, o workspace.WriteOptions, fn func(io.Writer) error) (workspace.Entry, error) {
	if !strings.HasPrefix(t.Path, "slow") {
		return d.Files.Write(ctx, t, o, fn)
	}
	return d.Files.Write(ctx, t, o, func(w io.Writer) error { return fn(&slowFile{w: w, ctx: ctx, moves: d.moves}) })
}

// slowFile is a file on a slow disk.
type slowFile struct {
	w     io.Writer
	ctx   context.Context
	moves <-chan struct{}
	begun bool
}

func (f *slowFile) Write(p []byte) (n int, err error) {
	if f.begun {
		return f.w.Write(p)
	}
	f.begun = true
	for _, part := range [][]byte{p[:len(p)/2], p[len(p)/2:]} {
		select {
		case <-f.moves:
		case <-f.ctx.Done():
			return n, f.ctx.Err()
		}
		written, err := f.w.Write(part)
		if n += written; err != nil {
			return n, err
		}
	}
	return n, nil
}

func pacedTools(holders *holders) []tools.Tool {
	row := func(name string, reach tools.Reach, call func(context.Context, pacedArgs) (string, error)) tools.Tool {
		return tools.Tool{
			Name: name, Title: name, Description: name + ".", Toolset: "admin", Core: true, ReadOnly: true, Reach: reach,
			Schema: anyObject,
			Call: func(ctx context.Context, _ *tools.Env, args json.RawMessage) (*tools.Result, error) {
				var a pacedArgs
				if err := json.Unmarshal(args, &a); err != nil {
					return nil, err
				}
				text, err := call(ctx, a)
				if err != nil {
					return nil, err
				}
				return &tools.Result{Text: text}, nil
			},
		}
	}
	hold := func(ctx context.Context, a pacedArgs) (string, error) {
		select {
		case <-holders.of(a.Key):
			return "let go", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return []tools.Tool{
		row("works", tools.ReachPart, func(ctx context.Context, a pacedArgs) (string, error) {
			began := time.Now()
			select {
			case <-time.After(time.Duration(a.Ms) * time.Millisecond):
				return strconv.FormatInt(began.UnixNano(), 10), nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}),
		row("holds", tools.ReachPart, hold),
		row("grips", tools.ReachPart, hold),
		row("lets_go", tools.ReachNothing, func(ctx context.Context, a pacedArgs) (string, error) {
			for range a.N {
				select {
				case holders.of(a.Key) <- struct{}{}:
				case <-ctx.Done():
					return "", ctx.Err()
				}
			}
			return "done", nil
		}),
	}
}

type pacedArgs struct {
	Ms  int    `json:"ms"`
	Key string `json:"key"`
	N   int    `json:"n"`
}

// holders are the calls that hold their seats: each takes one value from the channel of
// its key.
type holders struct {
	mu    sync.Mutex
	byKey map[string]chan struct{}
}

func (h *holders) of(key string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byKey[key] == nil {
		h.byKey[key] = make(chan struct{})
	}
	return h.byKey[key]
}

// servingPaced is serving with the tools of gridflow-paced. Limits that follow what is
// measured are off unless asked for: they would bound what a test has to count.
func servingPaced(t *testing.T, root string, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return servingNamed(t, "gridflow-paced", self, root, append([]string{"--adaptive=false"}, args...)...)
}

// Calls under way.

// A batch is calls that have been sent, of which each is counted once by what comes back.
type batch struct {
	r    *running
	mu   sync.Mutex
	cond *sync.Cond
	sent int
	back map[string]int // by outcome: "ok", the code of an error, "transport"
	odd  []string       // what came back that no test expects
}

func (r *running) batch() *batch {
	b := &batch{r: r, back: make(map[string]int)}
	b.cond = sync.NewCond(&b.mu)
	return b
}

// atOnce is how many calls a slow machine reads before the first of them has waited for too long for that.
const atOnce = 100

// send begins n calls of a tool in a class, on the sessions in turn.
func (b *batch) send(ctx context.Context, n int, sessions []*mcp.ClientSession, class, tool, args string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range n {
		b.sent++
		s := sessions[i%len(sessions)]
		go func() {
			res, err := hinted(ctx, s, class, tool, args)
			b.mu.Lock()
			defer b.mu.Unlock()
			switch {
			case err != nil:
				b.back["transport"]++
				b.odd = append(b.odd, err.Error())
			case !res.IsError:
				b.back["ok"]++
			default:
				b.back[codeOf(textOf(res))]++
			}
			b.cond.Broadcast()
		}()
	}
}

// codeOf gives the code at the head of the text of an error.
func codeOf(text string) string {
	if m := regexp.MustCompile(`^[A-Z_]+`).FindString(text); m != "" {
		return m
	}
	return "no code: " + clipped(text)
}

// await waits until so many calls have come back with an outcome; "": with any.
func (b *batch) await(outcome string, n int) {
	b.r.t.Helper()
	b.until(func() bool { return b.countLocked(outcome) >= n })
}

// awaitOpen waits until at most n calls have not come back.
func (b *batch) awaitOpen(n int) {
	b.r.t.Helper()
	b.until(func() bool { return b.sent-b.countLocked("") <= n })
}

func (b *batch) until(good func() bool) {
	b.r.t.Helper()
	defer context.AfterFunc(b.r.ctx, b.cond.Broadcast)()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !good() {
		if b.r.ctx.Err() != nil {
			b.r.t.Fatalf("of %d calls only these came back: %v %q", b.sent, b.back, b.odd)
		}
		b.cond.Wait()
	}
}

func (b *batch) countLocked(outcome string) (n int) {
	if outcome != "" {
		return b.back[outcome]
	}
	for _, k := range b.back {
		n += k
	}
	return n
}

// count gives how many calls have come back with an outcome; "": with any.
func (b *batch) count(outcome string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.countLocked(outcome)
}

// open gives how many calls have not come back.
func (b *batch) open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent - b.countLocked("")
}

// letGo lets n calls go that hold their seats.
func (r *running) letGo(s *mcp.ClientSession, key string, n int) {
	r.t.Helper()
	mustCall(r.t, s, "lets_go", fmt.Sprintf(`{"key":%q,"n":%d}`, key, n))
}

// What the server counts.

// A scrape is /metrics at one moment.
type scrape string

func (r *running) scrape() scrape { r.t.Helper(); return scrape(metricsOf(r.t, r, 200)) }

// value gives a sample, 0 where there is none; name is what stands before the number.
func (s scrape) value(name string) float64 {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(string(s))
	if m == nil {
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	return v
}

// sum adds up the samples of a metric whose labels hold all of parts.
func (s scrape) sum(name string, parts ...string) (sum float64) {
	for _, m := range regexp.MustCompile(`(?m)^(`+regexp.QuoteMeta(name)+`\{[^}]*\}) (\S+)$`).FindAllStringSubmatch(string(s), -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil && containsAll(m[1], parts) {
			sum += v
		}
	}
	return sum
}

// untilMetrics waits until /metrics is as it should be.
func (r *running) untilMetrics(what string, good func(scrape) bool) scrape {
	r.t.Helper()
	for {
		s := r.scrape()
		if good(s) {
			return s
		}
		r.pause(what)
	}
}
