package kernel

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var mutate = flag.Bool("mutants", false, "try whether the tests notice seeded faults; takes minutes")

// mutants are faults, each one a piece of source that occurs once and what stands there
// instead.
var mutants = []struct{ file, old, new string }{
	// Tags.
	{"dispatch.go", "p.charge(float64(t.charged))", "p.charge(float64(costMin))"},
	{"kernel.go", "p.charge(more)", "p.charge(max(more, 0))"},
	{"kernel.go", "c.tag = later(c.tag, more/float64(c.Weight))", "_ = c"},
	{"dispatch.go", "later(c.tag, float64(t.charged)/float64(c.Weight))", "later(c.tag, float64(t.charged))"},
	{"flow.go", "later(f.tag, over(ns, f.weight))", "later(f.tag, ns)"},
	{"flow.go", "return math.Nextafter(tag, math.Inf(1))", "return math.Min(tag, math.Inf(1))"},
	{"flow.go", "b.in.bunches.rekey(b.place, f.tag)", "_ = b.in"},
	{"dispatch.go", "c.vtime = max(c.vtime, f.tag)", "c.vtime = max(c.vtime, 0)"},
	{"class.go", "f.tag = max(f.tag, c.vtime)", "f.tag = max(f.tag, 0)"},
	{"class.go", "f.tag = max(f.tag, c.vtime)", "f.tag = c.vtime"},
	{"class.go", "f.period, f.tag = c.period, 0", "f.period = c.period"},
	{"class.go", "c.tag = max(c.tag, c.kernel.vtime)", "c.tag = max(c.tag, 0)"},
	{"dispatch.go", "o.tag = max(o.tag, c.tag)", "_ = o"},
	{"dispatch.go", "if !claimed {", "if true {"},
	{"dispatch.go", "f.tag = max(f.tag, c.vtime)", "f.tag = max(f.tag, 0)"},
	{"dispatch.go", "best == nil || c.tag < best.tag", "best == nil || c.tag > best.tag"},
	{"dispatch.go", "best == nil || c.tag < best.tag", "best == nil"},
	{"dispatch.go", "min(max(t.Cost, costMin), costMax)", "max(t.Cost, costMin)"},
	{"kernel.go", "float64(max(t.Weight, 1))", "1"},
	{"class.go", "\t\t\tf.seq = p.seq\n", "\t\t\tf.seq = f.key\n"},
	{"heap.go", "a.key < b.key || a.key == b.key && a.seq < b.seq", "a.key < b.key"},
	{"heap.go", "for c := first + 1; c < min(first+4, len(h.e)); c++ {", "for c := first + 1; c < min(first+3, len(h.e)); c++ {"},
	// Ageing and claims.
	{"dispatch.go", "back := now - c.servedAt", "back := 0 * c.servedAt"},
	{"dispatch.go", "back = max(back, now-c.passedAt)", "_ = now"},
	{"dispatch.go", "back >= c.AgeMax && back > longest", "back >= c.AgeMax && longest < 0"},
	{"dispatch.go", "if p := k.claim; p != nil && k.claimant == c && k.fits(c, p) {", "if p := k.claim; p != nil && k.claimant == c && false {"},
	{"dispatch.go", "k.claim = nil // what keeps it back now is the class's own bound", "_ = now"},
	{"dispatch.go", "\t\tc.kernel.claim = nil\n", "\t\tc.kernel.claimant = nil\n"},
	{"dispatch.go", "low.flow != started.flow && low != c.passed {", "low.flow != started.flow {"},
	// Resources.
	{"kernel.go", "k.free[r] += t.Need[r]", "k.free[r] += min(t.Need[r], 1)"},
	{"dispatch.go", "if n > k.available(c, p, r) {", "if n > k.available(c, p, r)+1 {"},
	{"buffer.go", "return free - k.spareBuffer(r)", "return free - buffer"},
	{"buffer.go", "k.now-k.bufferedAt < k.conf.BufferIdle", "k.now-k.bufferedAt <= 1000*k.conf.BufferIdle"},
	{"buffer.go", "k.buffered[r] -= t.Need[r]", "k.buffered[r] -= 0"},
	{"buffer.go", "min(k.spareBuffer(r), free+buffer)", "max(k.spareBuffer(r), min(0, buffer))"},
	{"buffer.go", "p.inFlight < c.kernel.bufferMin", "p.inFlight <= c.kernel.bufferMin"},
	{"buffer.go", "\t\t\tk.unbuffer(c, c.short.head)\n", "\t\t\tbreak\n"},
	{"buffer.go", "now-c.short.head.started >= c.ShortMax && !k.keptOut(c, now) {", "now-c.short.head.started >= c.ShortMax {"},
	{"buffer.go", "return !k.claimant.Buffered", "return true"},
	{"buffer.go", "return !k.claimant.Buffered", "return false"},
	{"buffer.go", "!o.Buffered && o.waiting > 0 && o.tag <= tag && o.open(now) && k.fits", "!o.Buffered && o.waiting > 0 && o.open(now) && k.fits"},
	{"buffer.go", "!o.Buffered && o.waiting > 0 && o.tag <= tag && o.open(now) && k.fits", "!o.Buffered && o.waiting > 0 && o.tag <= tag && k.fits"},
	{"buffer.go", "held[r] += t.Need[r]", "held[r] += 0"},
	{"dispatch.go", "if !k.outgrow(now) {", "if true {"},
	{"dispatch.go", "min(now-c.servedAt, retryMax)", "min(now-c.startedAt, retryMax)"},
	{"kernel.go", "\t\tif t > k.dispatched {\n", "\t\tif t > k.now {\n"},
	{"shape.go", "\tb.in = s\n\ts.bunches.push(b.flow.tag, b.flow.seq, b, &b.place)", "\tb.in = s\n\ts.bunches.push(b.flow.tag+1, b.flow.seq, b, &b.place)"},
	{"kernel.go", "\tif k.outgrow(now) {\n", "\tif k.outgrow(now) && false {\n"},
	{"class.go", "case wasHead && (p.in.in.mixed || p.in.in.need != p.head.Need):", "case wasHead && p.in.in.mixed:"},
	{"dispatch.go", "if best != nil && best.before(p) || !k.fits(c, p) {", "if best != nil || !k.fits(c, p) {"},
	// Bounds and waits.
	{"kernel.go", "v.fat[v.fattest].fattest().tail", "v.fat[v.fattest].fattest().head"},
	{"kernel.go", "if v == c && f.waiting+1 >= c.fattest {", "if v == c {"},
	{"kernel.go", "if by := float64(o.waiting) / float64(o.Weight); o != c && by > most {", "if by := float64(o.waiting); o != c && by > most {"},
	{"class.go", "return c.lost > lossShare*(c.decided+lossDoubt)", "return c.lost > lossShare*(c.decided+lossDoubt) && false"},
	{"class.go", "return c.lost > lossShare*(c.decided+lossDoubt)", "return c.lost > 0"},
	{"class.go", "\t\tc.fade(now)\n\t\tc.standing = c.tooManyLost()\n", ""},
	{"class.go", "\t\tc.lost *= keep\n", ""},
	{"kernel.go", "case t.StartBy > 0 && now >= t.StartBy:", "case t.StartBy > 0 && now > t.StartBy:"},
	{"kernel.go", "sooner(c.oldest.arrived + c.WaitMax)", "sooner(c.youngest.arrived + c.WaitMax)"},
	{"kernel.go", "t.StartBy <= now+c.WaitMax", "t.StartBy > now+c.WaitMax"},
	{"kernel.go", "\tk.conf, k.bufferMin = conf, conf.smallestBuffer()\n\tk.relevel()\n", "\tk.conf, k.bufferMin = conf, conf.smallestBuffer()\n"},
	{"kernel.go", "share < (levelFrom[k.level]-levelSlack)*k.conf.QueueMax", "share < levelFrom[k.level]*k.conf.QueueMax"},
	{"class.go", "now-c.startedAt >= c.Gap", "now-c.startedAt >= c.Gap/2"},
	{"flow.go", "f.tokens = min(burst, f.tokens+rate*(now-f.filled).Seconds())", "f.tokens += rate * (now - f.filled).Seconds()"},
	{"flow.go", "min(len(f.parts), rateParts)", "len(f.parts)"},
	{"flow.go", "min(parts-1, math.Floor(burst/2))", "min(parts-1, 0)"},
	{"flow.go", "if missing < tokenEps {", "if false {"},
	{"kernel.go", "\tp.took = now\n", ""},
	{"flow.go", "its = min(its, max(any, turn))", "_ = turn"},
	// Flows that come and go.
	{"flow.go", "f.period == c.period && f.tag > c.vtime || !f.full", "!f.full"},
	{"flow.go", " || !f.full(now, c.Rate, c.Burst)", ""},
	{"flow.go", "if best == nil || f.waiting < best.waiting {", "if best == nil {"},
	{"table.go", ">= (j-i)&mask", "> (j-i)&mask"},
	{"table.go", "if s.flow != nil {\n\t\t\t\tt.put(s)", "if s.flow == nil {\n\t\t\t\tt.put(s)"},
	{"retry.go", "l.started != c.stats.Started || l.done != c.stats.Done || ", ""},
	{"retry.go", " || now-l.at >= retryStep/8", ""},
	{"kernel.go", "\t\tc.period++\n", ""},
	{"kernel.go", "\t\tk.vtime = 0\n", ""},
	// Parts.
	{"part.go", "later(p.tag, over(ns, p.weight))", "later(p.tag, ns)"},
	{"part.go", "p.in.parts.rekey(p.place, p.tag)", "_ = p.in"},
	{"class.go", "p.tag = max(p.tag, f.vtime)", "p.tag = max(p.tag, 0)"},
	{"class.go", "p.tag = max(p.tag, f.vtime)", "p.tag = f.vtime"},
	{"class.go", "p.busy, p.tag = f.busy, 0", "p.busy = f.busy"},
	{"kernel.go", "\t\tf.busy++\n", ""},
	{"dispatch.go", "f.vtime = max(f.vtime, p.tag)", "f.vtime = max(f.vtime, 0)"},
	{"part.go", "return f.tag < g.tag || f.tag == g.tag && f.seq < g.seq", "return p.tag < q.tag || p.tag == q.tag && f.seq < g.seq"},
	{"dispatch.go", "c.starved, c.starvedAt = low, f.passedAt", "_ = low"},
	{"dispatch.go", "\t\tc.starved = nil\n", "\t\t_ = p\n"},
	{"buffer.go", "l == flowHeavy && c.flows.len() > 1", "false"},
	{"buffer.go", "l == flowHeavy && c.flows.len() > 1", "l == flowHeavy"},
	{"kernel.go", "p != nil && waiting+1 < p.waiting", "p != nil && waiting < p.waiting"},
	{"kernel.go", "p != nil && waiting+1 < p.waiting", "false"},
	{"part.go", "len(f.parts) < c.kernel.conf.PartsMax && ", ""},
	{"part.go", " && c.parts < c.kernel.conf.FlowsMax", ""},
	{"part.go", "p.busy == f.busy && p.tag > f.vtime", "false"},
	{"part.go", "\t\tkey = client\n\t}\n\tc.forget", "\t\tkey = 0\n\t}\n\tc.forget"},
	{"part.go", "\t\tkey = client\n\t} else", "\t\tkey = 0\n\t} else"},
	{"flow.go", "\t\tc.parts -= len(f.parts)\n", ""},
	{"shape.go", "if b.flow.bunchIn(s) != nil {", "if false {"},
	// Riders.
	{"kernel.go", "o == Started && p.flow.riding+p.flow.waiting >= c.FlowQueueMax", "o == Started && p.flow.riding >= c.FlowQueueMax"},
	{"kernel.go", "\tp.flow.riding--\n", ""},
	{"flow.go", "f.inFlight > 0 || f.riding > 0", "f.inFlight > 0"},
	{"part.go", "p.inFlight > 0 || p.riding > 0", "p.inFlight > 0"},
	// Work left behind.
	{"kernel.go", " && k.room(c, p, &to.Need) && k.besideBuffer(&to.Need)", " && k.besideBuffer(&to.Need)"},
	{"kernel.go", "fits := (from.Class == to.Class || c.open(now)) && k.room", "fits := k.room"},
	{"kernel.go", "k.room(c, p, &to.Need) && k.besideBuffer(&to.Need)", "k.room(c, p, &to.Need)"},
	{"kernel.go", "\tk.lend(from, 1)\n", ""},
	{"kernel.go", "\tk.lend(from, -1)\n", ""},
	{"kernel.go", "\t\tif t.buffered {\n\t\t\tk.buffered[r] -= by * t.Need[r]\n\t\t}\n", ""},
	{"kernel.go", "\tk.end(from, now)\n", "\tk.end(from, now)\n\tout = k.dispatch(now, out)\n"},
	{"kernel.go", "\tif c.waiting > 0 {\n\t\tc.vtime = vtime\n\t}\n", "\t_ = vtime\n"},
	{"kernel.go", "\tif f.waiting > 0 {\n\t\tf.vtime = within\n\t}\n", "\t_ = within\n"},
	// Decisions.
	{"kernel.go", "\tc.stats.Cancelled++\n\treturn k.dispatch(now, out), true\n", "\tc.stats.Cancelled++\n\treturn out, true\n"},
	{"kernel.go", "\tif k.inFlight == 0 && k.waiting == 0 {\n", "\tif k.inFlight == 0 {\n"},
	{"class.go", "c.ns.waiting += float64(c.waiting) * dt", "c.ns.waiting += float64(c.waiting+1) * dt"},
}

// TestMutantsFit: the faults can still be seeded, and are as many as the documentation says.
func TestMutantsFit(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "concurrency.md"))
	if err != nil {
		t.Fatal(err)
	}
	if row := fmt.Sprintf("\n| flow/kernel | %d |", len(mutants)); !strings.Contains(string(page), row) {
		t.Errorf("docs/concurrency.md does not have the row %q", strings.TrimSpace(row))
	}
	for _, m := range mutants {
		source, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s has %d times %q", m.file, n, m.old)
		}
	}
}

// TestMutants: the tests of this package and of the simulation fail with every one of
// them. A fault that makes them run for ever is noticed too: for ten times as long as they
// take without it, on the machine as it is.
func TestMutants(t *testing.T) {
	if !*mutate {
		t.Skip("only with -mutants")
	}
	began := time.Now()
	if out, err := exec.Command("go", "test", "-count=1", "-timeout=1h", ".", "../sim").CombinedOutput(); err != nil {
		t.Fatalf("without a fault: %v\n%s", err, out)
	}
	forEver := "-timeout=" + (10*time.Since(began) + time.Minute).String()
	for _, m := range mutants {
		t.Run(m.file+" "+m.new, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), m.old) != 1 {
				t.Fatal("it cannot be seeded any more")
			}
			dir := t.TempDir()
			mutant := filepath.Join(dir, m.file)
			if err := os.WriteFile(mutant, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			original, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o644); err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) (string, error) {
				out, err := exec.Command("go", append([]string{args[0], "-overlay", list}, args[1:]...)...).CombinedOutput()
				return string(out), err
			}
			if out, err := run("build", "."); err != nil {
				t.Fatalf("it does not compile:\n%s", out)
			}
			for _, pkg := range []string{".", "../sim"} {
				out, err := run("test", "-failfast", "-count=1", forEver, pkg)
				if err != nil {
					for _, line := range strings.Split(out, "\n") {
						if strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:") {
							t.Log(line)
						}
					}
					return
				}
			}
			t.Error("no test notices")
		})
	}
}
