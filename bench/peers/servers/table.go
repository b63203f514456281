package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridflow/internal/load"
)

// A figure is one cell of the table.
type figure struct {
	value float64 // less is better; 0: it is no number
	text  string
	err   error
}

func (f figure) show(base figure) string {
	switch {
	case errors.Is(f.err, errNone):
		return "–"
	case errors.Is(f.err, context.DeadlineExceeded):
		return "given up"
	case f.err != nil:
		return strings.ReplaceAll(fmt.Sprintf("failed: %.60v", f.err), "|", "/")
	case f.value > 0 && base.err == nil && base.value > 0 && base.text != f.text:
		return fmt.Sprintf("%s (×%.3g)", f.text, f.value/base.value)
	}
	return f.text
}

func took(d time.Duration) figure {
	text := ""
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms >= 999.5:
		text = fmt.Sprintf("%.3g s", ms/1000)
	case ms >= 0.1:
		text = fmt.Sprintf("%.3g ms", ms)
	default:
		text = fmt.Sprintf("%.3g µs", ms*1000)
	}
	return figure{value: float64(d), text: text}
}

func bytes(n int64) figure {
	return figure{value: float64(n), text: fmt.Sprintf("%.0f MB", float64(n)/1e6)}
}

type table struct {
	options options
	peers   peers
}

// A row is one thing that is compared.
type row struct {
	key, title string
	server     func(*table, context.Context, *server) figure
	script     func(*table, context.Context, *script) figure
}

// rows are in the order of issue and report. Those of the warm session come from one
// session, and are measured together.
var rows = []row{
	{"start", "start to the answer of initialize", (*table).startUp, nil},
	{"rest", "memory at rest", (*table).atRest, nil},
	{"own", "of it no pages of files, such as the program's", (*table).ownAtRest, nil},
	{"cold", "cold open: W1 (1 M cells), rows 1 to 20, first answer", cold(mixed, "read"), scripted(mixed, "cold")},
	{"page", "first page of W2 (10 M cells), cold", cold(large, "page"), scripted(large, "page")},
	{"reads", "a warm read of 20 × 10 cells of W1, mean of 1 000, one client", warm("reads"), scriptedEach(mixed, "reads", 1000)},
	{"reads32", "the same of W5, 32 clients at once, wall time by read", (*table).reads32, nil},
	{"find", "find a value in W1, warm", warm("find"), scripted(mixed, "find")},
	{"edit", "edit a cell of W1 and read it back, warm", warm("edit"), scripted(mixed, "edit")},
	{"save", "save W1 after one edit", warm("save"), scripted(mixed, "save")},
	{"peak", "peak memory after these, W1", warm("peak"), scriptedPeak(mixed, "save")},
	{"recalc", "edit a cell of W4 (100 000 formulas) and calculate all", (*table).recalc, nil},
	{"overload", "overload: 2 000 reads of W1 at 200 a second, patience 10 s", (*table).overload, nil},
	{"kill", "kill -9 behind an acknowledged edit of W5", (*table).kill, nil},
	{"killsave", "kill -9 in the midst of five saves: files damaged", (*table).killSave, nil},
	{"fidelity", "W5 after a one-cell edit: parts lost, parts changed, of those there were", (*table).fidelity, (*table).fidelityScript},
}

func (t *table) measure(ctx context.Context) {
	var head, rule []string
	for _, s := range t.peers.Servers {
		head, rule = append(head, s.Name), append(rule, "--:")
	}
	for _, s := range t.peers.Scripts {
		head, rule = append(head, s.Name), append(rule, "--:")
	}
	fmt.Printf("| | %s |\n|---|%s|\n", strings.Join(head, " | "), strings.Join(rule, "|"))
	for _, r := range rows {
		if t.options.rows != "" && !slices.Contains(strings.Split(t.options.rows, ","), r.key) || ctx.Err() != nil {
			continue
		}
		var cells []string
		base := figure{err: errNone}
		within := func(do func(ctx context.Context) figure) figure {
			ctx, stop := context.WithTimeout(ctx, t.options.each)
			defer stop()
			f := do(ctx)
			if f.err != nil && ctx.Err() != nil {
				f.err = ctx.Err()
			}
			return f
		}
		for i, s := range t.peers.Servers {
			f := within(func(ctx context.Context) figure { return r.server(t, ctx, s) })
			if i == 0 {
				base = f
			}
			cells = append(cells, f.show(base))
		}
		for _, s := range t.peers.Scripts {
			f := figure{err: errNone}
			if r.script != nil {
				f = within(func(ctx context.Context) figure { return r.script(t, ctx, s) })
			}
			cells = append(cells, f.show(base))
		}
		fmt.Printf("| %s | %s |\n", r.title, strings.Join(cells, " | "))
	}
}

// median measures something several times, each from anew.
func (t *table) median(do func() (time.Duration, error)) figure {
	var all []time.Duration
	for range t.options.runs {
		d, err := do()
		if err != nil {
			return figure{err: err}
		}
		all = append(all, d)
	}
	slices.Sort(all)
	return took(all[len(all)/2])
}

func (t *table) startUp(ctx context.Context, s *server) figure {
	return t.median(func() (time.Duration, error) {
		a, d, err := s.start(ctx)
		if err == nil {
			a.close()
		}
		return d, err
	})
}

func (t *table) atRest(ctx context.Context, s *server) figure {
	return resting(ctx, s, func(a *asker) int64 { now, _, _ := a.memory(); return now })
}

func (t *table) ownAtRest(ctx context.Context, s *server) figure {
	return resting(ctx, s, func(a *asker) int64 { _, own, _ := a.memory(); return own })
}

// resting measures a new process that has been asked for nothing yet.
func resting(ctx context.Context, s *server, size func(*asker) int64) figure {
	a, _, err := s.start(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer a.close()
	return bytes(size(a))
}

// cold asks a new process for something in a book that it has not seen.
func cold(b book, op string) func(*table, context.Context, *server) figure {
	return func(t *table, ctx context.Context, s *server) figure {
		return t.median(func() (time.Duration, error) {
			a, _, err := s.start(ctx)
			if err != nil {
				return 0, err
			}
			defer a.close()
			_, d, err := a.ask(ctx, op, b, 0)
			return d, err
		})
	}
}

// warm measures several things in one session, in which W1 has been read before.
func warm(key string) func(*table, context.Context, *server) figure {
	return func(t *table, ctx context.Context, s *server) figure {
		a, _, err := s.start(ctx)
		if err != nil {
			return figure{err: err}
		}
		defer a.close()
		ask := func(op string, value int) (string, time.Duration, error) { return a.ask(ctx, op, mixed, value) }
		if _, _, err := ask("read", 1); err != nil {
			return figure{err: err}
		}
		switch key {
		case "reads":
			n, total := 0, time.Duration(0)
			for n < 1000 && total < t.options.each*2/3 {
				_, d, err := ask("read", n+2)
				if err != nil {
					return figure{err: err}
				}
				n, total = n+1, total+d
			}
			f := took(total / time.Duration(n))
			if n < 1000 {
				f.text += fmt.Sprintf(", of %d", n)
			}
			return f
		case "find":
			_, d, err := ask("find", 424242)
			return result(d, err)
		case "edit":
			if s.Edits == "" { // the fork is made before
				if _, _, err := ask("readback", 1); err != nil {
					return figure{err: err}
				}
			}
			_, d, err := ask("edit", 515151)
			if err != nil {
				return figure{err: err}
			}
			text, more, err := ask("readback", 1)
			if err == nil && !strings.Contains(text, "515151") {
				err = fmt.Errorf("it reads %.60q", text)
			}
			return result(d+more, err)
		case "save":
			_, d, err := ask("edit", 616161)
			if err != nil || s.Edits == "file" {
				return result(d, err)
			}
			_, d, err = ask("save", 1)
			return result(d, err)
		default:
			for _, op := range []string{"read", "find", "edit", "save"} {
				if _, _, err := ask(op, 717171); err != nil && !errors.Is(err, errNone) {
					return figure{err: err}
				}
			}
			_, _, peak := a.memory()
			return bytes(peak)
		}
	}
}

func result(d time.Duration, err error) figure {
	if err != nil {
		return figure{err: err}
	}
	return took(d)
}

// target is the server as a load is put on it: over HTTP where it has that.
func (s *server) target(ctx context.Context) (load.Target, func(), error) {
	t := load.Target{Era: "2025-06-18", Dialect: s.dialect}
	if len(s.HTTP) == 0 {
		t.Program = load.Program{Line: s.line(s.Stdio)}
		return t, func() {}, nil
	}
	port, err := freePort()
	if err != nil {
		return t, nil, err
	}
	line := s.line(s.HTTP)
	for i := range line {
		line[i] = strings.ReplaceAll(line[i], "{port}", port)
	}
	server, err := load.Start(ctx, load.Program{Line: line}, "http://127.0.0.1:"+port+"/mcp")
	if err != nil {
		return t, nil, err
	}
	t.URL, t.PID = server.URL, server.PID
	return t, func() { server.Stop(5 * time.Second) }, nil
}

func (s *server) book(b book) load.Book {
	return load.Book{Name: s.named(b), Sheet: b.sheet, Rows: b.rows, Columns: b.columns}
}

func (t *table) reads32(ctx context.Context, s *server) figure {
	target, stop, err := s.target(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer stop()
	res, err := load.Run(ctx, target, load.Scenario{For: t.options.each / 2, Books: []load.Book{s.book(small)},
		Groups: []load.Group{{Name: "readers", Clients: 32, Limit: 32, Mix: map[string]float64{"read": 1}}}})
	if err != nil {
		return figure{err: err}
	}
	g := res.Steps[0].Groups[0]
	if g.OK() == 0 {
		return figure{err: fmt.Errorf("no read succeeded: %v %v", g.Counts, g.Texts)}
	}
	f := took(time.Duration(float64(time.Second) / g.PerSecond))
	if len(s.HTTP) == 0 {
		f.text += ", 32 processes"
	}
	if g.OK() < g.Due {
		f.text += fmt.Sprintf(", %d of %d", g.OK(), g.Due)
	}
	return f
}

func (t *table) recalc(ctx context.Context, s *server) figure {
	a, _, err := s.start(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer a.close()
	if _, ok := s.dialect.Ops["recalculate"]; !ok {
		return figure{err: errNone}
	}
	if _, _, err := a.ask(ctx, "readback", calc, 0); err != nil {
		return figure{err: err}
	}
	_, edit, err := a.ask(ctx, "edit", calc, 424242)
	if err != nil {
		return figure{err: err}
	}
	_, all, err := a.ask(ctx, "recalculate", calc, 0)
	return result(edit+all, err)
}

// overload sends ten seconds of reads, faster than a server that reads W1 anew each time
// can answer, and looks whether it answers afterwards.
func (t *table) overload(ctx context.Context, s *server) figure {
	if len(s.HTTP) == 0 {
		return figure{err: errNone}
	}
	target, stop, err := s.target(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer stop()
	res, err := load.Run(ctx, target, load.Scenario{For: 10 * time.Second, Books: []load.Book{s.book(mixed)},
		Groups: []load.Group{{Name: "flood", Clients: 8, Rate: 25, Arrivals: load.Poisson, Timeout: 10 * time.Second, Mix: map[string]float64{"read": 1}}}})
	if err != nil {
		return figure{err: err}
	}
	g := res.Steps[0].Groups[0]
	text := fmt.Sprintf("%d of %d answered, p99 %v", g.OK(), g.Due, g.Latency.P99.Round(time.Millisecond))
	if n := g.RefusedN(); n > 0 {
		text += fmt.Sprintf(", %d refused", n)
	}
	if res.Server != nil {
		text += fmt.Sprintf(", %.0f MB", float64(res.Server.PeakBytes)/1e6)
	}
	after, err := load.Run(ctx, target, load.Scenario{For: 30 * time.Second, Books: []load.Book{s.book(mixed)},
		Groups: []load.Group{{Limit: 1, Timeout: 30 * time.Second, Mix: map[string]float64{"read": 1}}}})
	switch {
	case err != nil:
		text += "; then no session"
	case after.Steps[0].Groups[0].OK() == 1:
		text += fmt.Sprintf("; then %v", after.Steps[0].Groups[0].Latency.Max.Round(time.Millisecond))
	default:
		text += "; then no answer in 30 s"
	}
	return figure{text: text}
}

// kill ends a server behind an edit that it has acknowledged, and asks the next one for it.
func (t *table) kill(ctx context.Context, s *server) figure {
	a, _, err := s.start(ctx)
	if err != nil {
		return figure{err: err}
	}
	restore := keep(filepath.Join(s.root, small.name+".xlsx"))
	defer restore()
	_, _, err = a.ask(ctx, "edit", small, 424242)
	a.kill()
	if err != nil {
		return figure{err: err}
	}
	next, _, err := s.start(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer next.close()
	next.made = a.made
	text, _, err := next.ask(ctx, "readback", small, 0)
	switch {
	case err == nil && strings.Contains(text, "424242"):
		return figure{text: "kept"}
	case err != nil:
		return figure{text: strings.ReplaceAll(fmt.Sprintf("lost (%.40v)", err), "|", "/")}
	}
	return figure{text: "lost"}
}

// keep reads a file, and gives what writes it again as it was.
func keep(name string) (restore func()) {
	was, err := os.ReadFile(name)
	if err != nil {
		return func() {}
	}
	return func() { os.WriteFile(name, was, 0o666) }
}

// killSave ends servers while they write W1, at five moments, and looks at what they leave.
func (t *table) killSave(ctx context.Context, s *server) figure {
	const tries = 5
	damaged, written := 0, 0
	file := filepath.Join(s.root, mixed.name+".xlsx")
	good, err := os.ReadFile(file)
	if err != nil {
		return figure{err: err}
	}
	defer os.WriteFile(file, good, 0o666)
	for i := range tries {
		a, _, err := s.start(ctx)
		if err != nil {
			return figure{err: err}
		}
		if _, _, err := a.ask(ctx, "read", mixed, 1); err != nil {
			a.kill()
			return figure{err: err}
		}
		op := "save"
		if s.Edits == "file" {
			op = "edit"
		} else if _, _, err := a.ask(ctx, "edit", mixed, 800+i); err != nil {
			a.kill()
			return figure{err: err}
		}
		before := stamps(s.root)
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.ask(ctx, op, mixed, 900+i)
		}()
		// Once something is being written it is killed, each time a little later.
		for changed := false; !changed && ctx.Err() == nil; {
			select {
			case <-done:
				changed = true
			case <-time.After(time.Millisecond):
				changed = !same(before, stamps(s.root))
			}
		}
		time.Sleep(time.Duration(i) * 4 * time.Millisecond)
		a.kill()
		<-done
		for name := range stamps(s.root) {
			if !strings.HasSuffix(name, ".xlsx") || strings.HasPrefix(filepath.Base(name), ".") || filepath.Base(name)[0] == 'W' && filepath.Base(name) != "W1.xlsx" {
				continue
			}
			written++
			if err := readable(name); err != nil {
				damaged++
				os.WriteFile(file, good, 0o666)
			}
			if name != file {
				os.Remove(name)
			}
		}
		if ctx.Err() != nil {
			return figure{err: ctx.Err()}
		}
	}
	return figure{text: fmt.Sprintf("%d of %d", damaged, tries)}
}

// stamps gives the files of a folder with what changes when they are written.
func stamps(root string) map[string]string {
	out := map[string]string{}
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			out[filepath.Join(root, e.Name())] = fmt.Sprint(info.Size(), info.ModTime())
		}
	}
	return out
}

func same(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func scripted(b book, op string) func(*table, context.Context, *script) figure {
	return scriptedEach(b, op, 1)
}

// scriptedEach gives the time of one of n that a script does.
func scriptedEach(b book, op string, n int) func(*table, context.Context, *script) figure {
	return func(t *table, ctx context.Context, s *script) figure {
		ms, _, _, err := s.run(ctx, op, b)
		return result(ms/time.Duration(n), err)
	}
}

func scriptedPeak(b book, op string) func(*table, context.Context, *script) figure {
	return func(t *table, ctx context.Context, s *script) figure {
		_, _, peak, err := s.run(ctx, op, b)
		if err != nil {
			return figure{err: err}
		}
		return bytes(peak)
	}
}
