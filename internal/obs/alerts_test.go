package obs

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whether the expressions are PromQL, and whether each alert fires when what it is for
// happens, is tested with Prometheus's own code in bench/observability, because that is
// ten times as much code as gridflow. Here is tested, at every change of a metric, that they
// name nothing that there is not.

const shipped = "../../docs/observability"

// TestShipped (S50): what is shipped is what the tables say.
func TestShipped(t *testing.T) {
	for file, write := range map[string]func(io.Writer) error{"rules.yml": Recordings, "alerts.yml": Alerts, "dashboard.json": Dashboard} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join(shipped, file), b.Bytes())
	}
}

// seen gives what the golden test has seen in /metrics: by series its labels, and the bounds
// of its buckets.
func seen(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	series := make(map[string]map[string][]string)
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		labels := make(map[string][]string)
		for l := range strings.SplitSeq(strings.Trim(f[2], "{}"), ",") {
			if l != "" {
				labels[l] = nil
			}
		}
		if f[1] != "histogram" {
			series[f[0]] = labels
			continue
		}
		series[f[0]+"_count"], series[f[0]+"_sum"] = labels, labels
		buckets := maps.Clone(labels)
		buckets["le"] = strings.Fields(f[3])
		series[f[0]+"_bucket"] = buckets
	}
	return series
}

var (
	seriesRef  = regexp.MustCompile(`\b(gridflow[a-zA-Z0-9_:]*)(\{[^}]*\})?`)
	matcherRef = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	groupRef   = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	labelRef   = regexp.MustCompile(`\$labels\.(\w+)`)
)

// check finds what an expression, and the texts that go with it, refer to that there is
// not. recorded are the recordings that there are, with their labels.
func check(expr string, texts []string, series map[string]map[string][]string, recorded map[string][]string) (wrong []string) {
	labels := map[string]bool{"job": true, "instance": true}
	named := 0
	for _, m := range seriesRef.FindAllStringSubmatch(expr, -1) {
		named++
		has, ok := series[m[1]]
		if r, isRecorded := recorded[m[1]]; isRecorded {
			has, ok = make(map[string][]string), true
			for _, l := range r {
				has[l] = nil
			}
		}
		if !ok {
			wrong = append(wrong, m[1])
			continue
		}
		for l := range has {
			labels[l] = true
		}
		for _, l := range matcherRef.FindAllStringSubmatch(m[2], -1) {
			bounds, ok := has[l[1]]
			if !ok && l[1] != "job" && l[1] != "instance" || l[1] == "le" && !slices.Contains(bounds, l[3]) {
				wrong = append(wrong, m[1]+" "+l[0])
			}
		}
	}
	if named == 0 {
		wrong = append(wrong, "no series")
	}
	for _, m := range groupRef.FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			if !labels[strings.TrimSpace(l)] {
				wrong = append(wrong, "group by "+l)
			}
		}
	}
	for _, text := range texts {
		for _, m := range labelRef.FindAllStringSubmatch(text, -1) {
			if !labels[m[1]] {
				wrong = append(wrong, "text with "+m[1])
			}
		}
	}
	return wrong
}

// TestReferences (S50): what the shipped files refer to, be it a series, a label, the bound
// of a bucket or another rule, is in /metrics as the golden test has it, or shipped too.
func TestReferences(t *testing.T) {
	series := seen(t)
	recorded := make(map[string][]string)
	read := func(file string, into any, decode func([]byte, any) error) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(shipped, file))
		if err == nil {
			err = decode(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	type rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Record, Alert, Expr, For string
				Labels, Annotations      map[string]string
			}
		}
	}
	names := make(map[string]bool)
	for _, file := range []string{"rules.yml", "alerts.yml"} {
		var r rules
		read(file, &r, yaml.Unmarshal)
		for _, g := range r.Groups {
			if len(g.Rules) == 0 || names[g.Name] {
				t.Errorf("%s: group %q", file, g.Name)
			}
			names[g.Name] = true
			for _, r := range g.Rules {
				name := r.Record + r.Alert
				if name == "" || names[name] || r.Alert != "" && (r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "") {
					t.Errorf("%s: rule %+v", file, r)
				}
				names[name] = true
				for _, w := range check(r.Expr, slices.Collect(maps.Values(r.Annotations)), series, recorded) {
					t.Errorf("%s: %s refers to what there is not: %s", file, name, w)
				}
				if r.Record != "" {
					recorded[r.Record] = []string{"class", "outcome"} // those that any of them keeps
				}
			}
		}
	}
	if len(recorded) != len(recordings) || len(names) != len(recordings)+len(alerts)+2 {
		t.Errorf("%d rules in the files", len(names))
	}

	type panel struct {
		Title, Type string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ RefID, Expr, LegendFormat string }
		Panels      []panel
	}
	var board struct{ Panels []panel }
	read("dashboard.json", &board, json.Unmarshal)
	shown := ""
	var walk func(list []panel)
	walk = func(list []panel) {
		taken := make(map[[2]int]string)
		for _, p := range list {
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if taken[at] != "" || at[0] >= 24 {
						t.Errorf("%q stands on %q", p.Title, taken[at])
					}
					taken[at] = p.Title
				}
			}
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%q shows nothing", p.Title)
			}
			for _, target := range p.Targets {
				shown += target.Expr + "\n"
				for _, w := range check(target.Expr, nil, series, recorded) {
					t.Errorf("panel %q refers to what there is not: %s", p.Title, w)
				}
			}
			walk(p.Panels)
		}
	}
	walk(board.Panels)
	for _, m := range table {
		if !regexp.MustCompile(`\b` + m.name + `(_bucket)?\b`).MatchString(shown) {
			t.Errorf("%s is on no panel", m.name)
		}
	}
	for name := range recorded {
		if used := strings.Count(shown, name) + strings.Count(exprs(), name); used == 0 {
			t.Errorf("%s is recorded for nobody", name)
		}
	}
}

// exprs gives the expressions of all alerts.
func exprs() (all string) {
	for _, a := range alerts {
		all += a.expr + "\n"
	}
	return all
}

// TestReferencesAreFound: what is wrong in an expression is found, or TestReferences would
// say nothing.
func TestReferencesAreFound(t *testing.T) {
	series := seen(t)
	for expr, want := range map[string]int{
		`gridflow_queue_depth / gridflow_queue_capacity`:                                       0,
		`gridflow_queue_dept > 1`:                                                              1,
		`gridflow_queue_depth{clas="fast"}`:                                                    1,
		`gridflow_exec_seconds_bucket{le="0.1"}`:                                               0,
		`gridflow_exec_seconds_bucket{le="0.2"}`:                                               1,
		`gridflow_exec_seconds{class="fast"}`:                                                  1, // a histogram has no series of its own name
		`sum by (client) (gridflow_inflight)`:                                                  1,
		`sum by (class) (gridflow_inflight)`:                                                   0,
		`gridflow:unknown:rate5m`:                                                              1,
		`gridflow:requests:rate5m{outcome="ok"}`:                                               0,
		`gridflow_andon_level{class="fast"} + sum without (tool) (gridflow_exec_seconds_sumX)`: 3,
		`up == 0`: 1,
	} {
		recorded := map[string][]string{"gridflow:requests:rate5m": {"outcome"}}
		if got := check(expr, nil, series, recorded); len(got) != want {
			t.Errorf("%s: %v, want %d", expr, got, want)
		}
	}
	if got := check("gridflow_andon_level", []string{"{{ $labels.class }}"}, series, nil); len(got) != 1 {
		t.Errorf("of a text: %v", got)
	}
	if _, err := expand("$queue_dept > 1"); err == nil {
		t.Error("a row that there is not has been expanded")
	}
	if got, err := expand("rate($exec_seconds_bucket[5m]) > $andon_level"); err != nil || got != "rate(gridflow_exec_seconds_bucket[5m]) > gridflow_andon_level" {
		t.Errorf("%s, %v", got, err)
	}
	if got := quoted("it's"); got != "'it''s'" {
		t.Errorf("%s", got)
	}
}
