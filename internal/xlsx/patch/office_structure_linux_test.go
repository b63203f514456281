package patch

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/xml"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
)

var officeCorpus = flag.Bool("office-corpus", false, "compare structure changes with LibreOffice over the corpus, which takes many minutes")

//go:embed testdata/office/structure.bas
var officeMacro string

// officeRun is LibreOffice with a profile of its own, in which a macro makes the same changes.
type officeRun struct {
	t       *testing.T
	soffice string
	dir     string
	jobs    []officeJob
}

// officeJob are the lines of the jobs file about one workbook, whose cells go to a file of that name.
type officeJob struct{ name, lines string }

func newOfficeRun(t *testing.T) *officeRun {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to make the same structure changes")
	}
	o := &officeRun{t: t, soffice: soffice, dir: t.TempDir()}
	if err := o.start("--terminate_after_init"); err != nil { // which makes the profile
		t.Fatal(err)
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(strings.ReplaceAll(officeMacro, "JOBS", o.url("jobs.txt")))); err != nil {
		t.Fatal(err)
	}
	module := `<?xml version="1.0" encoding="UTF-8"?>` +
		`<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">` +
		`<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">` + escaped.String() + `</script:module>`
	o.write("profile/user/basic/Standard/Module1.xba", []byte(module))
	return o
}

func (o *officeRun) url(name string) string { return "file://" + filepath.Join(o.dir, name) }

func (o *officeRun) write(name string, b []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), b, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// start runs LibreOffice, and ends all its processes whatever comes.
func (o *officeRun) start(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // so that it does not hang for ever
	defer cancel()
	cmd := exec.CommandContext(ctx, o.soffice, append([]string{"--headless", "--norestore", "-env:UserInstallation=" + o.url("profile")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("LibreOffice: %w: %s", err, out)
	}
	return nil
}

// job notes what is to be done with a file: the changes, and then its cells are written down.
func (o *officeRun) job(name string, file []byte, changes []structure.Change) {
	o.t.Helper()
	o.write(name+".xlsx", file)
	var b strings.Builder
	fmt.Fprintf(&b, "open\t%s\n", o.url(name+".xlsx"))
	for _, c := range changes {
		switch _, _, lines := c.Lines(); {
		case lines:
			fmt.Fprintf(&b, "%s\t%s\t%d\t%d\n", c.Kind, c.Sheet, c.At, c.Count)
		case c.Kind == structure.MoveCells:
			fmt.Fprintf(&b, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\n", c.Kind, c.Sheet, c.Range.First.Row, c.Range.First.Col, c.Range.Last.Row, c.Range.Last.Col, c.Target(), c.To.Row, c.To.Col)
		case c.Kind == structure.RenameSheet:
			fmt.Fprintf(&b, "%s\t%s\t%s\n", c.Kind, c.Sheet, c.Name)
		case c.Kind == structure.DeleteSheet:
			fmt.Fprintf(&b, "%s\t%s\n", c.Kind, c.Sheet)
		default:
			fmt.Fprintf(&b, "%s\t%s\t%d\n", c.Kind, c.Sheet, c.Position)
		}
	}
	fmt.Fprintf(&b, "dump\t%s\nclose\n", o.url(name+".txt"))
	o.jobs = append(o.jobs, officeJob{name, b.String()})
}

// run has all jobs done that were noted. A workbook that LibreOffice does not survive is left out, and the others go on in a new process.
func (o *officeRun) run() {
	o.t.Helper()
	for len(o.jobs) > 0 {
		var b strings.Builder
		for _, j := range o.jobs {
			b.WriteString(j.lines)
		}
		o.write("jobs.txt", []byte(b.String()))
		err := o.start("macro:///Standard.Module1.Main")
		done := slices.IndexFunc(o.jobs, func(j officeJob) bool {
			_, err := os.Stat(filepath.Join(o.dir, j.name+".txt"))
			return err != nil
		})
		if done < 0 {
			break
		}
		o.t.Logf("%s: %.80v", o.jobs[done].name, err)
		o.jobs = o.jobs[done+1:]
	}
	o.jobs = nil
}

// dump gives what LibreOffice wrote down: formulas and values, by sheet and cell or by name.
func (o *officeRun) dump(name string) (map[string][2]string, bool) {
	b, err := os.ReadFile(filepath.Join(o.dir, name+".txt"))
	if err != nil {
		return nil, false
	}
	out := map[string][2]string{}
	sheet := ""
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Split(line, "\t")
		switch f[0] {
		case "failed":
			return map[string][2]string{"failed": {line}}, false
		case "sheet":
			sheet = f[1]
			out["sheet "+sheet] = [2]string{}
		case "cell":
			out[sheet+"!"+rowCol(f[1], f[2])] = [2]string{normal(f[3]), f[4]}
		case "name":
			out["name "+f[1]] = [2]string{normal(f[2])}
		}
	}
	return out, true
}

func rowCol(row, col string) string {
	var r cell.Ref
	fmt.Sscan(row, &r.Row)
	fmt.Sscan(col, &r.Col)
	return r.String()
}

// deletedRef is how LibreOffice writes a reference of which something is gone: it says what, as #REF!.#REF!5 or $Data.#REF!#REF!:B5, and
// Excel's files do not. Data!#REF! of a file LibreOffice 7.4 takes for an unknown name, which it writes in lower case.
var deletedRef = regexp.MustCompile(`(?i)(?:\$?'(?:[^']|'')+'|[\w$.:#!])*#REF!(?:[\w$.:#!]|'(?:[^']|'')+')*`)

func normal(s string) string { return deletedRef.ReplaceAllString(s, "#REF!") }

// officeDiffers compares what LibreOffice made of its own changes with what it makes of ours.
func officeDiffers(own, ours map[string][2]string) []string {
	var out []string
	for at, w := range own {
		g := ours[at]
		if strings.Contains(w[0], "#REF!") {
			g[1] = w[1] // a deleted reference that it reads is a value to LibreOffice, which COUNT passes over
		}
		if g[0] != w[0] {
			out = append(out, fmt.Sprintf("%s: LibreOffice has %s, we %s", at, w[0], g[0]))
		} else if g[1] != w[1] {
			out = append(out, fmt.Sprintf("%s: LibreOffice has the value %s of %s, we %s", at, w[1], w[0], g[1]))
		}
	}
	for at, g := range ours {
		if _, ok := own[at]; !ok {
			out = append(out, fmt.Sprintf("%s: LibreOffice has nothing, we %s", at, g[0]))
		}
	}
	slices.Sort(out)
	return out
}

// officeBook is a workbook with changes that both make.
type officeBook struct {
	name    string
	changes []structure.Change
	pivots  []string // the sheets with pivot tables, which LibreOffice makes anew when it opens a file
}

// TestLibreOfficeStructure has LibreOffice make the same changes as we do in generated workbooks, and compares formulas and values. Where it
// has other rules than Excel (explained) we keep to Excel's.
func TestLibreOfficeStructure(t *testing.T) {
	o := newOfficeRun(t)
	books := 16
	if testing.Short() {
		books = 4
	}
	if *officeCorpus {
		books = 400
	}
	var list []officeBook
	rnd := rand.New(rand.NewPCG(3, 1))
	for len(list) < books {
		before := generated(t, rnd)
		f, err := openBytes(before)
		if err != nil {
			t.Fatal(err)
		}
		changes := randomChanges(rnd, f, 1+rnd.IntN(3))
		after, refused, err := restructureAndCompare(before, changes...)
		if err != nil {
			t.Fatalf("%+v: %v", changes, err)
		}
		if refused != nil || len(changes) == 0 {
			continue
		}
		name := fmt.Sprintf("book%d", len(list))
		o.job(name+"own", before, changes)
		o.job(name+"ours", after, nil)
		list = append(list, officeBook{name: name, changes: changes})
	}
	o.run()
	o.compare(list)
}

// TestLibreOfficeCorpus does so with the workbooks of the corpus.
func TestLibreOfficeCorpus(t *testing.T) {
	if !*officeCorpus {
		t.Skip("it takes many minutes: go test -run TestLibreOfficeCorpus -office-corpus, with GRIDFLOW_CORPUS")
	}
	o := newOfficeRun(t)
	var list []officeBook
	for _, path := range books(t) {
		before, err := os.ReadFile(path)
		if err != nil || len(before) > 150_000 {
			continue
		}
		f, err := openBytes(before)
		if err != nil {
			continue
		}
		rnd := rand.New(rand.NewPCG(uint64(len(before)), 11))
		changes := slices.DeleteFunc(randomChanges(rnd, f, 1+rnd.IntN(2)), func(c structure.Change) bool { return c.Kind == structure.MoveCells })
		after, refused, err := restructureAndCompare(before, changes...)
		if err != nil || refused != nil || len(changes) == 0 {
			continue
		}
		name := fmt.Sprintf("book%d", len(list))
		o.job(name+"own", before, changes)
		o.job(name+"ours", after, nil)
		list = append(list, officeBook{name, changes, pivotSheets(f, changes)})
	}
	o.run()
	o.compare(list)
}

// compare compares what both made of workbooks.
func (o *officeRun) compare(list []officeBook) {
	explained, cells, failed := map[string]int{}, 0, 0
	for _, b := range list {
		own, ok1 := o.dump(b.name + "own")
		ours, ok2 := o.dump(b.name + "ours")
		if !ok1 || !ok2 {
			if failed++; ok1 {
				o.t.Errorf("%s, %+v: LibreOffice does not open what was saved: %v", b.name, b.changes, ours)
			}
			continue
		}
		if slices.ContainsFunc(b.changes, func(c structure.Change) bool { return c.Kind == structure.MoveCells }) {
			moved(own)
			moved(ours)
		}
		cells += len(own)
		for at := range ours {
			if _, ok := own[at]; !ok {
				own[at] = [2]string{}
			}
		}
		for at, w := range own {
			if rule := explain(b, at, w, ours[at]); rule != "" {
				ours[at] = w
				explained[rule]++
			}
		}
		for _, d := range officeDiffers(own, ours) {
			o.t.Errorf("%s, %+v: %s", b.name, b.changes, d)
		}
	}
	o.t.Logf("%d workbooks with %d cells, of which LibreOffice itself failed at %d; where the rules differ: %v", len(list), cells, failed, explained)
}

// pivotSheets gives the sheets with pivot tables, by their names after changes.
func pivotSheets(f *xlsx.File, changes []structure.Change) []string {
	var names []string
	for _, info := range f.Workbook().Sheets {
		list, err := f.Package().Relationships(f.Package().Find(info.Part))
		if info.Part == "" || err != nil || !slices.ContainsFunc(list, func(r xlsx.Relationship) bool { return r.Kind == "pivotTable" }) {
			continue
		}
		name := info.Name
		for _, c := range changes {
			if c.Kind == structure.RenameSheet && c.Sheet == name {
				name = c.Name
			}
		}
		names = append(names, name)
	}
	return names
}

var (
	area     = regexp.MustCompile(`\$?\w+:\$?\w+`)                                 // a range in LibreOffice's notation
	threeD   = regexp.MustCompile(`[\w']\.[$\w]+:\$?[\w']+\.`)                     // one over several sheets
	volatile = regexp.MustCompile(`\b(NOW|TODAY|RAND|GETRANDBETWEEN|CELL|INFO)\(`) // what is another value each time
	column   = regexp.MustCompile(`^Column\d+$`)                                   // the header of a new column of a table
)

// explain says why LibreOffice 7.4 has another formula or value than we in a cell, "" where it has not, or for no known reason.
func explain(b officeBook, at string, own, ours [2]string) string {
	if own == ours {
		return ""
	}
	moves, again := false, false
	deleted := map[string]bool{}
	for _, c := range b.changes {
		moves = moves || c.Kind == structure.MoveCells
		if rows, deletes, lines := c.Lines(); lines {
			axis := fmt.Sprint(c.Sheet, rows)
			again = again || !deletes && deleted[axis]
			deleted[axis] = deleted[axis] || deletes
		}
	}
	more := strings.Count(ours[0], "#REF!") > strings.Count(own[0], "#REF!")
	switch {
	case moves && more:
		return "a reference to cells that others were moved over is #REF! in Excel"
	case moves && own[0] != ours[0] && area.ReplaceAllString(own[0], "") == area.ReplaceAllString(ours[0], ""):
		return "the edge of a range moves with its cells in Excel"
	case again && more:
		return "a deleted reference comes back in LibreOffice when lines are inserted"
	case volatile.MatchString(own[0]):
		return "volatile"
	case threeD.MatchString(own[0]):
		return "a reference to several sheets stays in Excel when the cells of one of them move"
	case strings.HasPrefix(own[0], "{=") || strings.HasPrefix(ours[0], "{="):
		return "a dynamic array fills as many cells as before, and LibreOffice knows only arrays that cannot be parted"
	case own[0] == "" && column.MatchString(ours[0]):
		return "a new column of a table has a name in Excel"
	case slices.ContainsFunc(b.pivots, func(name string) bool { return strings.HasPrefix(at, name+"!") }):
		return "a pivot table is made anew when LibreOffice opens the file"
	}
	return ""
}

// second is the sheet that LibreOffice writes before the last cell of a range too, once something was moved.
var second = regexp.MustCompile(`((?:'(?:[^']|'')+'|\w+)\.)(\w+):('(?:[^']|'')+'|\w+)\.`)

// moved forgets what in LibreOffice's notation depends on whether something was moved before.
func moved(dump map[string][2]string) {
	for at, d := range dump {
		if strings.HasPrefix(d[0], "=") {
			d[0] = second.ReplaceAllString(strings.ReplaceAll(d[0], "$", ""), "$1$2:")
			dump[at] = d
		}
	}
}
