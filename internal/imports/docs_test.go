package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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
	there := map[string]bool{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
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
}
