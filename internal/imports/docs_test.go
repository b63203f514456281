package imports

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const top = "../.."

// pages gives the Markdown files of the repository by their paths from its top.
func pages(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "bench/*.md", "examples/*.md", "flow/prove/*.md"} {
		paths, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(top, path)
			if err != nil {
				t.Fatal(err)
			}
			list[filepath.ToSlash(name)] = string(text)
		}
	}
	if len(list) < 15 {
		t.Fatalf("%d pages only", len(list))
	}
	return list
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor = regexp.MustCompile(`[^\pL\pN_ -]`)
)

// anchors gives what a link may name of a page behind #, as GitHub and its kin make it of headings.
func anchors(page string) map[string]bool {
	list := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		list[strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return list
}

// TestLinks: what the pages link to in the repository is there, and so is the heading that a link names.
func TestLinks(t *testing.T) {
	all, links := pages(t), 0
	for name, page := range all {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, ":") {
				continue // elsewhere
			}
			links++
			to := name
			if path != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
			}
			if _, err := os.Stat(filepath.Join(top, to)); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			} else if anchor != "" && !anchors(all[to])[anchor] {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("%d links only", links)
	}
}

var (
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	named    = regexp.MustCompile(`(-run )?\b((?:Test|Benchmark|Fuzz)[A-Z]\w*)(…)?`)
)

// TestNamedTestsExist: each test that a page names is there; of those that a command or "…" cuts short, one.
func TestNamedTestsExist(t *testing.T) {
	there, in := map[string]bool{}, map[string][]string{} // by name, its folders
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
			in[string(m[1])] = append(in[string(m[1])], filepath.ToSlash(filepath.Dir(path)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	begins := func(prefix string) bool {
		for name := range there {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	names := 0
	for page, text := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			names++
			if short := m[1] != "" || m[3] != ""; !there[m[2]] && !(short && begins(m[2])) {
				t.Errorf("%s names %s, which there is not", page, m[2])
			}
		}
	}
	if names < 300 {
		t.Errorf("the pages name %d tests only", names)
	}
	placed := 0
	for page, text := range pages(t) {
		for _, m := range ofPackage.FindAllStringSubmatch(text, -1) {
			_, script := os.Stat(filepath.Join(top, "internal/server/testdata", m[2]+".txtar"))
			if folders, found := in[m[1]]; found && script != nil { // a script of it may stand there, too
				placed++
				if !slices.ContainsFunc(folders, func(folder string) bool { return strings.HasSuffix(folder, "/"+m[2]) }) {
					t.Errorf("%s has %s in %s, and it is in %v", page, m[1], m[2], folders)
				}
			}
		}
	}
	if placed < 100 {
		t.Errorf("the pages say of %d tests only where they are", placed)
	}
}

var (
	command   = regexp.MustCompile("(?:cd (\\S+) && )?go test [^`|]*")
	benchFlag = regexp.MustCompile(`-bench (?:'([^']+)'|([^\s'$]+))`)
	folder    = regexp.MustCompile(`\./[\w/]+`)
	benchmark = regexp.MustCompile(`(?m)^func Benchmark(\w*)\(`)
)

// TestNamedBenchmarksExist: a command of a page that runs benchmarks of a package finds one there.
func TestNamedBenchmarksExist(t *testing.T) {
	looked := 0
	for page, text := range pages(t) {
		for _, cmd := range command.FindAllStringSubmatch(text, -1) {
			for _, m := range benchFlag.FindAllStringSubmatch(cmd[0], -1) {
				want, err := regexp.Compile(strings.Split(m[1]+m[2], "/")[0])
				if err != nil {
					t.Errorf("%s: %s: %v", page, cmd[0], err)
					continue
				}
				for _, dir := range folder.FindAllString(cmd[0], -1) {
					looked++
					files, err := filepath.Glob(filepath.Join(top, cmd[1], dir, "*_test.go"))
					found := false
					for _, file := range files {
						source, rerr := os.ReadFile(file)
						if rerr != nil {
							t.Fatal(rerr)
						}
						for _, name := range benchmark.FindAllSubmatch(source, -1) {
							found = found || want.MatchString("Benchmark"+string(name[1]))
						}
					}
					if err != nil || !found {
						t.Errorf("%s: %q finds no benchmark in %s", page, cmd[0], dir)
					}
				}
			}
		}
	}
	if looked < 20 {
		t.Errorf("the pages have %d such commands only", looked)
	}
}

// ofPackage is a test with its package behind it, as in "TestWire (server)".
var ofPackage = regexp.MustCompile(`((?:Test|Fuzz)[A-Z]\w*) \(([a-z]+(?:/[a-z]+)*)[);:,]`)

var (
	rowOf  = regexp.MustCompile(`(?m)^\| ([BDS]?\d[^|]*) \|`)
	number = regexp.MustCompile(`([BDS]?)(\d+)(?:–[BDS]?(\d+))?`)
	series = regexp.MustCompile("`((?:[a-z]+_)+[a-z]+)`")
)

// TestConcurrencyPage: the page has each row of the guide, each fault of its code and of the server that it is about, and each
// scenario, and the metrics that it names as their numbers are exported.
func TestConcurrencyPage(t *testing.T) {
	all := pages(t)
	page := all["docs/concurrency.md"]
	found := map[string]bool{}
	for _, row := range rowOf.FindAllStringSubmatch(page, -1) {
		for _, m := range number.FindAllStringSubmatch(row[1], -1) {
			first, _ := strconv.Atoi(m[2])
			last := first
			if m[3] != "" {
				last, _ = strconv.Atoi(m[3])
			}
			for n := first; n <= last; n++ {
				found[fmt.Sprint(m[1], n)] = true
			}
		}
	}
	for kind, last := range map[string]int{"": 140, "B": 52, "D": 50, "S": 50} {
		for n := 1; n <= last; n++ {
			if !found[fmt.Sprint(kind, n)] {
				t.Errorf("there is no row %s%d", kind, n)
			}
		}
	}
	named := 0
	for line := range strings.Lines(page[strings.Index(page, "## The rows"):]) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		for _, m := range series.FindAllStringSubmatch(cells[4], -1) {
			named++
			name := m[1]
			ours := strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "go_") || name == "server_status"
			if !ours && !strings.Contains(all["docs/metrics.md"], "`gridflow_"+name+"`") {
				t.Errorf("row %s: there is no metric %s", strings.TrimSpace(cells[1]), name)
			}
		}
	}
	if named < 50 {
		t.Errorf("%d metrics only are named", named)
	}
}

// lineOf is a line of a table: the numbers of its row, and its other cells.
var lineOf = regexp.MustCompile(`(?m)^\| ([BDS]?\d[^|]*) \|(.*)\|$`)

// TestConcurrencyPageIsWhole: each row of the page says where it is done, which number shows it and
// which test, unless it is said to be as another row; and each scenario has all the tests of its name.
func TestConcurrencyPageIsWhole(t *testing.T) {
	page := pages(t)["docs/concurrency.md"]
	others := regexp.MustCompile(`\bas \d|\(\d+[,–\d ]*\)`)
	rows, of := 0, map[string]string{}
	for _, row := range lineOf.FindAllStringSubmatch(page, -1) {
		rows++
		for _, m := range number.FindAllStringSubmatch(row[1], -1) {
			first, _ := strconv.Atoi(m[2])
			for n := first; n <= max(first, atoi(m[3])); n++ {
				of[fmt.Sprintf("%s%02d", m[1], n)] = row[2]
			}
		}
		cells := strings.Split(row[2], "|")
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "" && !others.MatchString(cells[0]) {
				t.Errorf("row %s: cell %d is empty", row[1], i+2)
			}
		}
	}
	if rows < 200 {
		t.Errorf("there are %d rows only", rows)
	}
	scenario := regexp.MustCompile(`(?m)^func (Test(S\d\d)\w*)\(`)
	tests := 0
	for _, dir := range []string{"cmd/gridflow", "internal/hub", "internal/office"} {
		files, err := filepath.Glob(filepath.Join(top, dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range scenario.FindAllSubmatch(source, -1) {
				if tests++; !regexp.MustCompile(`\b` + string(m[1]) + `\b`).MatchString(of[string(m[2])]) {
					t.Errorf("%s is not in the row of %s", m[1], m[2])
				}
			}
		}
	}
	if tests < 50 {
		t.Errorf("there are %d tests of scenarios only", tests)
	}
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
