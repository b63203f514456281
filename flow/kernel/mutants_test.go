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
)

var mutate = flag.Bool("mutants", false, "try whether the tests notice seeded faults; takes minutes")

// mutants are faults, each one a piece of source that occurs once and what stands there
// instead.
var mutants = []struct{ file, old, new string }{
	// Tags.
	{"dispatch.go", "f.charge(float64(t.charged))", "f.charge(float64(costMin))"},
	{"kernel.go", "f.charge(more)", "f.charge(max(more, 0))"},
	{"kernel.go", "c.tag = later(c.tag, more/float64(c.Weight))", "_ = c"},
	{"dispatch.go", "later(c.tag, float64(t.charged)/float64(c.Weight))", "later(c.tag, float64(t.charged))"},
	{"flow.go", "later(f.tag, ns/f.weight)", "later(f.tag, ns)"},
	{"flow.go", "return math.Nextafter(tag, math.Inf(1))", "return math.Min(tag, math.Inf(1))"},
	{"flow.go", "f.in.flows.rekey(f.place, f.tag)", "_ = f.in"},
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
	{"class.go", "\t\tf.seq = c.kernel.seq\n", "\t\tf.seq = f.key\n"},
	{"heap.go", "a.key < b.key || a.key == b.key && a.seq < b.seq", "a.key < b.key"},
	{"heap.go", "for c := first + 1; c < min(first+4, len(h.e)); c++ {", "for c := first + 1; c < min(first+3, len(h.e)); c++ {"},
	// Ageing and claims.
	{"dispatch.go", "back := now - c.servedAt", "back := 0 * c.servedAt"},
	{"dispatch.go", "back = max(back, now-c.passedAt)", "_ = now"},
	{"dispatch.go", "back >= c.AgeMax && back > longest", "back >= c.AgeMax && longest < 0"},
	{"dispatch.go", "if f := k.claim; f != nil && k.claimant == c && k.fits(c, f) {", "if f := k.claim; f != nil && k.claimant == c && false {"},
	{"dispatch.go", "k.claim = nil // what keeps it back now is the class's own bound", "_ = now"},
	{"class.go", "\t\t\tc.kernel.claim = nil\n", "\t\t\tc.kernel.claimant = nil\n"},
	{"dispatch.go", "if low := c.lowest(); low != started && low != c.passed {", "if low := c.lowest(); low != started {"},
	// Resources.
	{"kernel.go", "k.free[r] += t.Need[r]", "k.free[r] += min(t.Need[r], 1)"},
	{"dispatch.go", "if n > k.available(c, f, r) {", "if n > k.available(c, f, r)+1 {"},
	{"buffer.go", "return free - k.spareBuffer(r)", "return free - buffer"},
	{"buffer.go", "k.now-k.bufferedAt < k.conf.BufferIdle", "k.now-k.bufferedAt <= 1000*k.conf.BufferIdle"},
	{"buffer.go", "k.buffered[r] -= t.Need[r]", "k.buffered[r] -= 0"},
	{"buffer.go", "min(k.spareBuffer(r), free+buffer)", "k.spareBuffer(r)"},
	{"buffer.go", "f.inFlight >= c.kernel.bufferMin", "f.inFlight > c.kernel.bufferMin"},
	{"buffer.go", "\t\t\tk.unbuffer(c, c.short.head)\n", "\t\t\tbreak\n"},
	{"class.go", "\t\tf.leave()\n\t\tc.enter(f)\n\t}\n}\n\n// leave", "\t\tf.leave()\n\t\tc.enter(f)\n\t\tf.tag++\n\t}\n}\n\n// leave"},
	{"kernel.go", "\tif k.outgrow(now) {\n", "\tif k.outgrow(now) && false {\n"},
	{"class.go", "case wasHead && (f.in.mixed || f.in.need != f.head.Need):", "case wasHead && f.in.mixed:"},
	{"dispatch.go", "if best != nil && best.before(f) || !k.fits(c, f) {", "if best != nil || !k.fits(c, f) {"},
	// Bounds and waits.
	{"kernel.go", "v.fat[v.fattest].tail", "v.fat[v.fattest].head"},
	{"kernel.go", "if v == c && f.waiting+1 >= c.fattest {", "if v == c {"},
	{"kernel.go", "if by := float64(o.waiting) / float64(o.Weight); o != c && by > most {", "if by := float64(o.waiting); o != c && by > most {"},
	{"class.go", "c.lost > lossShare*(c.decided+lossDoubt)", "c.lost > lossShare*(c.decided+lossDoubt) && false"},
	{"class.go", "c.lost > lossShare*(c.decided+lossDoubt)", "c.lost > 0"},
	{"class.go", "\t\tc.lost *= keep\n", ""},
	{"kernel.go", "case t.StartBy > 0 && now >= t.StartBy:", "case t.StartBy > 0 && now > t.StartBy:"},
	{"kernel.go", "sooner(max(c.oldest.arrived+c.WaitMax, k.now+1))", "sooner(max(c.youngest.arrived+c.WaitMax, k.now+1))"},
	{"kernel.go", "t.StartBy <= now+c.WaitMax", "t.StartBy > now+c.WaitMax"},
	{"kernel.go", "\tk.conf, k.bufferMin = conf, conf.smallestBuffer()\n\tk.relevel()\n", "\tk.conf, k.bufferMin = conf, conf.smallestBuffer()\n"},
	{"kernel.go", "share < (levelFrom[k.level]-levelSlack)*k.conf.QueueMax", "share < levelFrom[k.level]*k.conf.QueueMax"},
	{"class.go", "now-c.startedAt >= c.Gap", "now-c.startedAt >= c.Gap/2"},
	{"flow.go", "f.tokens = min(burst, f.tokens+rate*(now-f.filled).Seconds())", "f.tokens += rate * (now - f.filled).Seconds()"},
	// Flows that come and go.
	{"flow.go", "f.period == c.period && f.tag > c.vtime || !f.full", "!f.full"},
	{"flow.go", " || !f.full(now, c.Rate, c.Burst)", ""},
	{"flow.go", "if best == nil || f.waiting < best.waiting {", "if best == nil {"},
	{"kernel.go", "\t\tc.period++\n", ""},
	{"kernel.go", "\t\tk.vtime = 0\n", ""},
	// Work left behind.
	{"kernel.go", " && k.room(c, f, &to.Need) && k.besideBuffer(&to.Need)", " && k.besideBuffer(&to.Need)"},
	{"kernel.go", "fits := (from.Class == to.Class || c.open(now)) && k.room", "fits := k.room"},
	{"kernel.go", "k.room(c, f, &to.Need) && k.besideBuffer(&to.Need)", "k.room(c, f, &to.Need)"},
	{"kernel.go", "\tk.lend(from, 1)\n", ""},
	{"kernel.go", "\tk.lend(from, -1)\n", ""},
	{"kernel.go", "\t\tif t.buffered {\n\t\t\tk.buffered[r] -= by * t.Need[r]\n\t\t}\n", ""},
	{"kernel.go", "\tk.end(from, now)\n\tf.inFlight--\n", "\tk.end(from, now)\n\tf.inFlight--\n\tout = k.dispatch(now, out)\n"},
	{"kernel.go", "\tif c.waiting > 0 {\n\t\tc.vtime = vtime\n\t}\n", "\t_ = vtime\n"},
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
// them. A fault that makes them run for ever is noticed too.
func TestMutants(t *testing.T) {
	if !*mutate {
		t.Skip("only with -mutants")
	}
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
				out, err := run("test", "-failfast", "-count=1", "-timeout=120s", pkg)
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
