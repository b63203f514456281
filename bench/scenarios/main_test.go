package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhole: each scenario has a test in this repository.
func TestWhole(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	found := map[int]bool{}
	for _, pattern := range []string{"../../cmd/gridflow/*_test.go", "../../internal/*/*_test.go", "../observability/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files (%v)", pattern, len(files), err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				for _, n := range of(m[1]) {
					found[n] = true
				}
			}
		}
	}
	for n := 1; n <= scenarios; n++ {
		if !found[n] {
			t.Errorf("S%d has no test", n)
		}
	}
}

// TestResults: a run's events become figures beside bounds, and what failed, hung or is
// missing is an error.
func TestResults(t *testing.T) {
	events := `{"Action":"run","Package":"p","Test":"TestS18_S20_Office"}
not an event
{"Action":"output","Package":"p","Test":"TestS18_S20_Office","Output":"    x_test.go:7: figure: kills: 3 | 3\n"}
{"Action":"output","Package":"p","Test":"TestS13_FullQueue/2025","Output":"        y_test.go:9: figure: until a refusal: 2ms | 50ms\n"}
{"Action":"output","Package":"p","Test":"TestS13_FullQueue","Output":"=== PAUSE\n"}
{"Action":"pass","Package":"p","Test":"TestS13_FullQueue/2025","Elapsed":9}
{"Action":"pass","Package":"p","Test":"TestS13_FullQueue","Elapsed":1.25}
{"Action":"pass","Package":"p","Test":"TestS18_S20_Office","Elapsed":2}
{"Action":"pass","Package":"p","Test":"TestOther","Elapsed":2}
{"Action":"skip","Package":"p","Test":"TestS12_LibreOffice"}
`
	for _, c := range []struct {
		more, only string
		parts      []string
		err        string
	}{
		{"", "S13,S18,19,S20", []string{"S13  ok        1.2s  TestS13_FullQueue\n        2025: until a refusal: 2ms (bound: 50ms)\n", "S19  ok        2.0s", "        kills: 3 (bound: 3)\n", "4 passed, 0 failed, 0 skipped, 0 missing"}, ""},
		{"", "S12", []string{"1 skipped", "S12"}, ""},
		{"", "S1", []string{"S1   no test has run"}, "without a test that ran or a figure: S1"},
		{`{"Action":"fail","Package":"p","Test":"TestS13_FullQueue"}`, "S13", []string{"FAIL", "=== p TestS13_FullQueue\n"}, "failed: S13"},
		{`{"Action":"pass","Package":"p","Test":"TestS07"}`, "S7", []string{"S7   has told no figure"}, "a figure: S7"},
		{`{"Action":"run","Package":"p","Test":"TestS48_Soak"}`, "S48", []string{"HUNG"}, "failed: S48"},
	} {
		r := newResults()
		if err := r.read(strings.NewReader(events + c.more)); err != nil {
			t.Fatal(err)
		}
		wanted, err := parseOnly(c.only)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		err = r.print(&out, wanted)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.only, err, c.err)
		}
		for _, part := range c.parts {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: no %q in\n%s", c.only, part, out.String())
			}
		}
	}
	if _, err := parseOnly("S51"); err == nil {
		t.Error("S51 is a scenario")
	}
	if p := pattern(map[int]bool{3: true, 19: true}); !regexp.MustCompile(p).MatchString("TestS18_S20_Office") || !regexp.MustCompile(p).MatchString("TestS03_DamagedFileHeals") || regexp.MustCompile(p).MatchString("TestS13_FullQueue") {
		t.Errorf("the pattern is %s", p)
	}
}
