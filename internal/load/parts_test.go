package load

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// TestArrivals: the moments of each kind are as many as were asked for, and spread as they should be.
func TestArrivals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	take := func(a *arrivals, n int) (at []time.Duration) {
		for range n {
			at = append(at, a.next())
		}
		return at
	}
	t.Run("constant", func(t *testing.T) {
		const clients, rate = 4, 10
		var all []time.Duration
		for i := range clients {
			all = append(all, take(newArrivals(Group{}, rate, i, clients, rng), 20)...)
		}
		slices.Sort(all)
		for i, at := range all {
			if want := time.Duration(i) * 25 * time.Millisecond; at != want {
				t.Fatalf("the call %d of all is due at %v, want %v", i, at, want)
			}
		}
	})
	t.Run("bursts", func(t *testing.T) {
		got := take(newArrivals(Group{Burst: 3}, 6, 2, 4, rng), 7)
		half := 500 * time.Millisecond
		if want := []time.Duration{0, 0, 0, half, half, half, 2 * half}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run("poisson", func(t *testing.T) {
		const n, rate = 50_000, 200.0
		at := take(newArrivals(Group{Arrivals: Poisson}, rate, 0, 1, rng), n)
		var sum, squares float64
		last := time.Duration(0)
		for _, moment := range at {
			gap := (moment - last).Seconds()
			last, sum, squares = moment, sum+gap, squares+gap*gap
		}
		mean := sum / n
		cv := math.Sqrt(squares/n-mean*mean) / mean
		if math.Abs(mean*rate-1) > 0.02 || math.Abs(cv-1) > 0.02 {
			t.Errorf("gaps have a mean of %v, want %v, and vary by %v of it, want 1", mean, 1/rate, cv)
		}
	})
	t.Run("rare", func(t *testing.T) {
		a := newArrivals(Group{}, 1e-30, 0, 1, rng)
		if first, second := a.next(), a.next(); first != 0 || second != math.MaxInt64 {
			t.Errorf("%v and %v", first, second)
		}
	})
}

// TestZipf: the k-th of n is drawn as often as 1/k^s says.
func TestZipf(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, draws, s = 5, 100_000, 1.2
	var got [n]float64
	w := zipf(n, s)
	for range draws {
		got[w.draw(rng)]++
	}
	total := 0.0
	for k := range n {
		total += math.Pow(float64(k+1), -s)
	}
	for k := range n {
		if want := draws * math.Pow(float64(k+1), -s) / total; math.Abs(got[k]-want) > 4*math.Sqrt(want) {
			t.Errorf("%d was drawn %v times, want %.0f", k, got[k], want)
		}
	}
	m := newMix(map[string]float64{"a": 3, "never": 0, "b": 1})
	counts := map[string]int{}
	for range 4000 {
		counts[m.draw(rng)]++
	}
	if counts["never"] != 0 || counts["b"] < 900 || counts["b"] > 1100 {
		t.Errorf("a mix of 3 to 1 drew %v", counts)
	}
}

// TestMerge: histograms that are put together, also by way of what a report holds, say
// what one of all values says.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(0, int64(2*latencyMax)), 0, 20), 1, 5).Draw(t, "parts")
		all, merged := newHistogram(3), newHistogram(3)
		for _, part := range parts {
			h := newHistogram(3)
			for _, v := range part {
				record(h, time.Duration(v))
				record(all, time.Duration(v))
			}
			text, err := json.Marshal(Report{histogram: h})
			if err != nil {
				t.Fatal(err)
			}
			var packed struct{ Histogram string }
			if err := json.Unmarshal(text, &packed); err != nil {
				t.Fatal(err)
			}
			back, err := hdrhistogram.Decode([]byte(packed.Histogram))
			if err != nil {
				t.Fatal(err)
			}
			if dropped := merged.Merge(back); dropped != 0 {
				t.Fatalf("%d values were lost", dropped)
			}
		}
		if got, want := latencyOf(merged), latencyOf(all); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

// TestOpsAreAll: the distribution of a report is that of its operations together.
func TestOpsAreAll(t *testing.T) {
	r := &groupRecord{began: time.Unix(0, 0), width: time.Second, limits: 10}
	for i := range 100 {
		op := []string{"read", "edit"}[i%2]
		due := time.Unix(0, 0).Add(time.Duration(i) * time.Millisecond)
		r.add(happening{op: op, outcome: ok, due: due, sent: due, answered: due.Add(time.Duration(1+i) * time.Millisecond)})
	}
	report := r.steps[0].report(Group{Name: "g"}, time.Unix(0, 0), 0)
	if report.Latency.N != 100 || len(report.Ops) != 2 || report.Ops[0].OK+report.Ops[1].OK != 100 || report.Latency.Max < 100*time.Millisecond {
		t.Errorf("%+v", report)
	}
	// The last came back 199 ms after the start, and the step may go on without calls.
	for _, c := range []struct {
		limit  int
		lasted time.Duration
		want   float64
	}{{0, 0, 100 / 0.199}, {0, 100 * time.Millisecond, 100 / 0.199}, {0, time.Second, 100}, {100, time.Second, 100 / 0.199}} {
		if got := r.steps[0].report(Group{Limit: c.limit}, time.Unix(0, 0), c.lasted).PerSecond; math.Abs(got-c.want) > 0.01 {
			t.Errorf("limit %d, in %v: %v answers a second, want %v", c.limit, c.lasted, got, c.want)
		}
	}
}

// TestDialect: variables are filled in as what they are, wherever they stand.
func TestDialect(t *testing.T) {
	d, err := ReadDialect(strings.NewReader(`
ops:
  read: {tool: get, args: {file: "/data/{book}.xlsx", from: "{row}", n: 7, s: "{row:text}", deep: [{at: "{cell}", "{book}": "{{row}"}]}}
  ask: {tool: ask}
make:
  copy: {tool: copy, args: {of: "{book}"}, take: 'id=(\w+)'}
refused: {BUSY: "(?i)too busy"}
`))
	if err != nil {
		t.Fatal(err)
	}
	call := d.Ops["read"].with(values{"book": "b", "row": 12, "cell": "C3"})
	want := map[string]any{"file": "/data/b.xlsx", "from": 12, "n": 7, "s": "12", "deep": []any{map[string]any{"at": "C3", "{book}": "{row}"}}}
	if !reflect.DeepEqual(call.Args, want) {
		t.Errorf("%#v", call.Args)
	}
	if again := d.Ops["read"].with(values{"book": "c"}); again.Args["file"] != "/data/c.xlsx" || again.Args["from"] != "{row}" {
		t.Errorf("the dialect was changed by its use: %v", again.Args)
	}
	if code, _, refused := d.outcome(t.Context(), result("We are Too Busy now", true), nil); code != "BUSY" || !refused {
		t.Errorf("%s, %v", code, refused)
	}
	if code, _, refused := d.outcome(t.Context(), nil, errors.New(`calling "tools/call": sending: Too Many Requests`)); code != "http 429" || !refused {
		t.Errorf("%s, %v", code, refused)
	}
	for text, message := range map[string]string{
		`ops: {read: {tool: x, args: {a: "{nobody}"}}}`: "there is no variable {nobody}",
		`ops: {read: {args: {a: 1}}}`:                   "names no tool",
		`make: {book: {tool: x, take: x}}`:              "a variable already",
		`make: {copy: {tool: x, take: "("}}`:            "take",
		`refused: {A: "("}`:                             "refused: A",
		`oops: {}`:                                      "oops",
		``:                                              "empty",
		"ops: {}\n---\nops: {}":                         "more than one",
		`ops: {read: {tool: x, args: {1: {2: 3}}}}`:     "",
	} {
		if _, err := ReadDialect(strings.NewReader(text)); err == nil && message != "" || err != nil && !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, want %q", text, err, message)
		}
	}
	if own := Gridflow(); own.Ops["edit"].uses() == nil {
		t.Error("gridflow's own dialect has no edit")
	}
}

// TestReadTokens: a file of tokens has one a line; what is wrong with one is said without it.
func TestReadTokens(t *testing.T) {
	got, err := ReadTokens(strings.NewReader("# of all\n\nalice  tok-1\n\tbob\ttok-2\r\ntok-3\n"))
	if want := map[string]string{"alice": "tok-1", "bob": "tok-2", "": "tok-3"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for text, message := range map[string]string{
		"": "no token", "# nothing": "no token", "a b secret": "line 1 has 3 words", "x\nsecret": `line 2: "" has`, "a secret\na secret": `line 2: "a" has`, "a sécret": "no token",
	} {
		if _, err := ReadTokens(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), message) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, message)
		}
	}
}

// TestGroupLine: a group in one line says what one in a file does.
func TestGroupLine(t *testing.T) {
	got, err := ParseGroup(` name=victim clients=2 principals=2 as=alice,bob rate=1.5 arrivals=poisson burst=3 fixed=true within=1s timeout=2s leave=0.5 leave-after=3ms life=9 read-bytes=100 mix=read:3,edit `)
	want := Group{Name: "victim", Clients: 2, Principals: 2, As: []string{"alice", "bob"}, Rate: 1.5, Arrivals: Poisson, Burst: 3, Fixed: true, Within: time.Second, Timeout: 2 * time.Second,
		Leave: 0.5, LeaveAfter: 3 * time.Millisecond, Life: 9, ReadBytes: 100, Mix: map[string]float64{"read": 3, "edit": 1}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	s, err := ReadScenario(strings.NewReader(`
groups:
  - {name: victim, clients: 2, principals: 2, as: [alice, bob], rate: 1.5, arrivals: poisson, burst: 3, fixed: true, within: 1s, timeout: 2s, leave: 0.5, leave-after: 3ms, life: 9, read-bytes: 100, mix: {read: 3, edit: 1}}
`))
	if err != nil || !reflect.DeepEqual(s.Groups[0], want) {
		t.Errorf("%+v, %v", s, err)
	}
	got, err = ParseGroup(`tool=range_values parallel=2 think=1ms limit=5 args={"id": 12345678901234567890, "a b": ["x"]}`)
	if text, _ := json.Marshal(got.Calls); err != nil || string(text) != `[{"tool":"range_values","args":{"a b":["x"],"id":12345678901234567890}}]` || got.Parallel != 2 || got.Limit != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	for line, message := range map[string]string{
		"tool": "no key=value", "clients=2": "which calls", "clients=0 tool=x": "at least 1", "rate=-1 tool=x": "no rate", "rate=x tool=x": "rate=x",
		"as=a,,b tool=x": "a name is empty", "colour=red": "no such key", "args={}": "belong to a tool", "tool=x args={": "args={", "tool=x args={} {}": "more than one", "mix=read:x": "no weight", "mix=:1": "no name",
		"leave=1.5 tool=x": "not between", "think=5 tool=x": "think=5",
	} {
		if _, err := ParseGroup(line); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, want %q", line, err, message)
		}
	}
	book, err := ParseBook(`C:\books\a.xlsx:Data:100:5`)
	if want := (Book{`C:\books\a.xlsx`, "Data", 100, 5}); err != nil || book != want {
		t.Errorf("%+v, %v", book, err)
	}
	for _, text := range []string{"", ":Data", "a:b:x", "a:b:0"} {
		if book, err := ParseBook(text); err == nil {
			t.Errorf("%q is %+v", text, book)
		}
	}
	if steps, err := ParseSteps("1, 2x,0.5"); err != nil || !slices.Equal(steps, []float64{1, 2, 0.5}) {
		t.Errorf("%v, %v", steps, err)
	}
	if _, err := ParseSteps("1,0"); err == nil {
		t.Error("0 is a step")
	}
}

// TestSVG: a drawing is XML with a curve for each group, whatever there is to draw.
func TestSVG(t *testing.T) {
	h := newHistogram(3)
	for i := range 1000 {
		record(h, time.Duration(i)*time.Millisecond)
	}
	report := Report{Group: "a<b", Counts: map[string]int{ok: 1000}, Latency: latencyOf(h), histogram: h}
	points := []Point{{Good: 5}, {At: time.Second, Good: 9, Refused: 2}}
	for name, r := range map[string]*Result{
		"one":     {Steps: []Step{{Times: 1, Groups: []Report{report}}}, Series: []Series{{"a<b", points}}},
		"several": {Steps: []Step{{Times: 1, Groups: []Report{report}}, {Times: 100, Groups: []Report{{Group: "a<b"}}}}, Series: []Series{{"a<b", points}}, Server: &Usage{Series: []UsagePoint{{}, {At: time.Second, Bytes: 5e6}}}},
		"nothing": {Steps: []Step{{Times: 1, Groups: []Report{{Group: "a<b"}}}}, Series: []Series{{"a<b", nil}}},
	} {
		svg := r.SVG()
		dec := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: a place that is no number", name)
		}
		if curves := strings.Count(svg, "<polyline"); (curves > 0) != (name != "nothing") {
			t.Errorf("%s: %d curves", name, curves)
		}
	}
}

// TestSVGTime: what came back is drawn as stairs, each stretch of time as long as it is, so
// that nothing rises before the step that made it rise; and the legend of many groups stays
// beside its panel.
func TestSVGTime(t *testing.T) {
	r := &Result{Bin: 2 * time.Second, Steps: []Step{{Times: 1}, {Times: 4, Start: 2 * time.Second}}}
	r.Series = []Series{{"g", []Point{{Good: 1}, {At: 2 * time.Second, Good: 4}}}}
	r.Series = append(r.Series, Series{"h", []Point{{Late: 2}, {At: 2 * time.Second, Refused: 3}}})
	var names []string
	for _, l := range r.timePanel().lines {
		names = append(names, l.name)
	}
	if want := []string{"g good", "h late", "h refused"}; !slices.Equal(names, want) {
		t.Errorf("drawn are %q, want %q", names, want)
	}
	l := r.timePanel().lines[0]
	if want := []float64{0, 2, 2, 4}; !slices.Equal(l.x, want) || !slices.Equal(l.y, []float64{1, 1, 4, 4}) {
		t.Errorf("drawn at %v: %v, want at %v", l.x, l.y, want)
	}
	p := panel{lines: make([]line, 30)}
	for i := range p.lines {
		p.lines[i].name = "group"
	}
	var b strings.Builder
	p.draw(&b, 0)
	for _, m := range regexp.MustCompile(`y="(\d+)">group<`).FindAllStringSubmatch(b.String(), -1) {
		if y, _ := strconv.Atoi(m[1]); y > panelHeight+panelGap-10 {
			t.Errorf("a name stands at %d, where the next panel is", y)
		}
	}
}

// TestSVGSharedTime: panels over time have one scale, also where the memory was looked at later or longer than calls came
// back, so that a moment is at the same place in all of them.
func TestSVGSharedTime(t *testing.T) {
	t.Parallel()
	r := &Result{Bin: time.Second, Steps: []Step{{Times: 1, Groups: []Report{{Group: "g"}}}, {Times: 4, Start: 2 * time.Second, Groups: []Report{{Group: "g"}}}}}
	r.Series = []Series{{"g", []Point{{Good: 1}, {At: time.Second, Good: 1}, {At: 2 * time.Second, Good: 4}}}}
	r.Server = &Usage{Series: []UsagePoint{{At: 10 * time.Millisecond, Bytes: 1e6}, {At: 5 * time.Second, Bytes: 5e6}}}
	places := regexp.MustCompile(`x1="([0-9.]+)"[^>]* stroke="#999"`).FindAllStringSubmatch(r.SVG(), -1)
	if len(places) != 4 {
		t.Fatalf("%d marks of steps, want 2 in each of 2 panels", len(places))
	}
	for i := range 2 {
		if places[i][1] != places[i+2][1] {
			t.Errorf("step %d begins at %s in one panel, at %s in the other", i, places[i][1], places[i+2][1])
		}
	}
	if zeros := strings.Count(r.SVG(), `text-anchor="middle" fill="#555">0<`); zeros != 2 {
		t.Errorf("%d panels begin at 0, want 2", zeros)
	}
}

// TestLatencyRank: no more than a hundredth of the calls took longer than the 99th
// percentile, however few there are.
func TestLatencyRank(t *testing.T) {
	for _, n := range []int{1, 2, 10, 49, 50, 51, 80, 99, 100, 101, 149, 150, 1000, 1449} {
		h := newHistogram(3)
		for i := range n {
			record(h, time.Duration(i+1)*time.Microsecond)
		}
		l := latencyOf(h)
		for _, c := range []struct {
			q   float64
			got time.Duration
		}{{0.5, l.P50}, {0.9, l.P90}, {0.99, l.P99}, {0.999, l.P999}} {
			if want := time.Duration(math.Ceil(c.q*float64(n))) * time.Microsecond; c.got != want {
				t.Errorf("%d calls: the quantile %v is %v, want %v", n, c.q, c.got, want)
			}
		}
	}
}

// TestUsage: a line of /proc/PID/stat is read whatever the name of the program is, and
// this process is found among those of the system.
func TestUsage(t *testing.T) {
	p, err := parseStat("42 (a ) b) S 7 42 42 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 12345 1000000 3 18446744073709551615")
	if want := (proc{parent: 7, resident: 3 * int64(os.Getpagesize()), cpu: 3 * time.Second}); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := parseStat("42 (x) S 7"); err == nil {
		t.Error("a short line was read")
	}
	all := processes()
	if len(all) == 0 {
		t.Skip("this system has no /proc")
	}
	if me := all[os.Getpid()]; me.resident < 1<<20 || me.parent != os.Getppid() {
		t.Errorf("this process is %+v", me)
	}
	if found := withChildren([]int{os.Getppid()}, all); !slices.Contains(found, os.Getpid()) {
		t.Errorf("the parent has no child: %v", found)
	}
}

// TestShipped: the scenarios and dialects that lie in bench can be read, and the scenarios
// ask for nothing that gridflow's dialect has not.
func TestShipped(t *testing.T) {
	scenarios, err := filepath.Glob("../../bench/load/*.yaml")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("%d scenarios, %v", len(scenarios), err)
	}
	for _, name := range scenarios {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadScenario(f)
		f.Close()
		if err == nil {
			err = (&run{scenario: s, dialect: Gridflow()}).understood()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	dialects, _ := filepath.Glob("../../bench/load/dialects/*.yaml")
	for _, name := range dialects {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadDialect(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
	}
}
