// Command scenarios runs the acceptance scenarios S1 to S50 as one suite and prints what
// each has measured beside its bound.
//
//	go run ./bench/scenarios [-specified] [-only S13,S15]
//
// A scenario is one or several Go tests, which go through the real program (most are in
// cmd/gridflow, docs/concurrency.md lists them). This program runs them, reads what they
// print with `figure`, and fails where one of them fails, or where a scenario has no test
// that has run, or told no figure: a suite that has lost a part of itself must not look well.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scenarios is the number of the last one; they are numbered from 1.
const scenarios = 50

// A batch is one run of go test.
type batch struct {
	dir  string
	args []string
	only int // the one scenario that it belongs to; 0 where the pattern says which
}

// others are the tests of scenarios whose names do not say so.
var others = map[string]int{"TestReferences": 50, "TestEachAlertFires": 50, "TestNoAlertWhileWell": 50}

func batches(specified bool, pattern string) []batch {
	own := []string{"-timeout=90m", "-run=" + pattern, "./cmd/gridflow"}
	if specified {
		own = append(own, "-specified")
	}
	all := []batch{
		{".", own, 0},
		{".", []string{"-run=" + pattern, "./internal/hub", "./internal/office"}, 0},
		{".", []string{"-run=^TestReferences$", "./internal/obs"}, 50},
		{"bench/observability", []string{"-timeout=20m", "-run=^(TestEachAlertFires|TestNoAlertWhileWell)$", "."}, 50},
	}
	if specified {
		all = append(all, batch{".", []string{"-timeout=60m", "-tags=lockcheck", "-run=^TestS45", "./cmd/gridflow", "-specified"}, 45})
	}
	return all
}

func main() {
	specified := flag.Bool("specified", false, "as many rounds as the scenarios are specified with; half an hour instead of minutes")
	only := flag.String("only", "", "scenarios to run, separated by commas (default all)")
	flag.Parse()
	if err := suite(*specified, *only, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scenarios:", err)
		os.Exit(1)
	}
}

func suite(specified bool, only string, out io.Writer) error {
	wanted, err := parseOnly(only)
	if err != nil {
		return err
	}
	results := newResults()
	for _, b := range batches(specified, pattern(wanted)) {
		if b.only != 0 && wanted != nil && !wanted[b.only] {
			continue
		}
		cmd := exec.Command("go", append([]string{"test", "-json", "-count=1"}, b.args...)...)
		cmd.Dir = b.dir
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := results.read(stdout); err != nil {
			return err
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			return err
		}
	}
	return results.print(out, wanted)
}

// parseOnly reads a list of scenarios; nil is all.
func parseOnly(text string) (map[int]bool, error) {
	if text == "" {
		return nil, nil
	}
	wanted := map[int]bool{}
	for name := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(name), "S"))
		if err != nil || n < 1 || n > scenarios {
			return nil, fmt.Errorf("%q is none of S1 to S%d", name, scenarios)
		}
		wanted[n] = true
	}
	return wanted, nil
}

// pattern gives what matches the tests of the scenarios that are wanted.
func pattern(wanted map[int]bool) string {
	if wanted == nil {
		return "^TestS[0-9]"
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(wanted)) {
		parts = append(parts, fmt.Sprintf("S%02d", n))
		if n == 19 || n == 20 { // one test goes through three
			parts = append(parts, "S18_S20")
		}
	}
	return "^Test(" + strings.Join(parts, "|") + ")"
}

// An event is one line of `go test -json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// A result is what became of one test.
type result struct {
	test    string
	outcome string // pass, fail, skip, or run where it has not ended
	took    time.Duration
	figures []string
	output  []string // all of it, for who wants to know why it failed
}

type results struct {
	byScenario map[int][]*result
	byTest     map[string]*result
}

func newResults() *results {
	return &results{byScenario: map[int][]*result{}, byTest: map[string]*result{}}
}

var named = regexp.MustCompile(`^TestS(\d+)(?:_S(\d+))?(?:_|$|[A-Z])`)

// of gives the scenarios that a test goes through.
func of(test string) (all []int) {
	if n, ok := others[test]; ok {
		return []int{n}
	}
	m := named.FindStringSubmatch(test)
	if m == nil {
		return nil
	}
	first, _ := strconv.Atoi(m[1])
	last, _ := strconv.Atoi(cmp.Or(m[2], m[1]))
	for n := first; n <= last && n <= scenarios; n++ {
		all = append(all, n)
	}
	return all
}

// said is a line that a test has logged.
var said = regexp.MustCompile(`^\s+\w+_test\.go:\d+: (.*)$`)

// read takes in the events of a run.
func (r *results) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) == nil {
			r.take(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *results) take(e event) {
	test, sub, _ := strings.Cut(e.Test, "/")
	numbers := of(test)
	if numbers == nil {
		return
	}
	key := e.Package + " " + test
	t := r.byTest[key]
	if t == nil {
		t = &result{test: test, outcome: "run"}
		r.byTest[key] = t
		for _, n := range numbers {
			r.byScenario[n] = append(r.byScenario[n], t)
		}
	}
	switch e.Action {
	case "pass", "fail", "skip":
		if sub == "" {
			t.outcome, t.took = e.Action, seconds(e.Elapsed)
		}
	case "output":
		t.output = append(t.output, e.Output)
		if m := said.FindStringSubmatch(strings.TrimRight(e.Output, "\n")); m != nil {
			text := m[1]
			if figure, ok := strings.CutPrefix(text, "figure: "); ok {
				got, bound, _ := strings.Cut(figure, " | ")
				text = fmt.Sprintf("%s (bound: %s)", got, bound)
			}
			if sub != "" {
				text = sub + ": " + text
			}
			t.figures = append(t.figures, text)
		}
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// print writes the table, and gives an error where the suite is not whole and well.
func (r *results) print(out io.Writer, wanted map[int]bool) error {
	var failed, missing, skipped []string
	passed := 0
	for n := 1; n <= scenarios; n++ {
		if wanted != nil && !wanted[n] {
			continue
		}
		name := fmt.Sprint("S", n)
		tests, ran, measured := r.byScenario[n], false, false
		bad := false
		for _, t := range tests {
			fmt.Fprintf(out, "%-4s %-5s %7.1fs  %s\n", name, word(t.outcome), t.took.Seconds(), t.test)
			for _, f := range t.figures {
				fmt.Fprintf(out, "        %s\n", f)
			}
			measured = measured || slices.ContainsFunc(t.figures, func(f string) bool { return strings.Contains(f, "bound") })
			ran = ran || t.outcome == "pass"
			bad = bad || t.outcome == "fail" || t.outcome == "run"
		}
		switch {
		case bad:
			failed = append(failed, name)
		case ran && !measured:
			fmt.Fprintf(out, "%-4s has told no figure beside its bound\n", name)
			missing = append(missing, name)
		case ran:
			passed++
		case len(tests) > 0:
			skipped = append(skipped, name)
		default:
			fmt.Fprintf(out, "%-4s no test has run\n", name)
			missing = append(missing, name)
		}
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped, %d missing\n", passed, len(failed), len(skipped), len(missing))
	if len(skipped) > 0 {
		fmt.Fprintf(out, "skipped, because what they need is not here: %s\n", strings.Join(skipped, ", "))
	}
	if len(failed)+len(missing) == 0 {
		return nil
	}
	for key, t := range r.byTest {
		if t.outcome == "fail" || t.outcome == "run" {
			fmt.Fprintf(out, "\n=== %s\n%s", key, strings.Join(t.output[max(0, len(t.output)-60):], ""))
		}
	}
	return fmt.Errorf("failed: %s; without a test that ran or a figure: %s", cmp.Or(strings.Join(failed, ", "), "none"), cmp.Or(strings.Join(missing, ", "), "none"))
}

func word(outcome string) string {
	return map[string]string{"pass": "ok", "fail": "FAIL", "skip": "skip", "run": "HUNG"}[outcome]
}
