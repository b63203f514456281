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
)

var officeCorpus = flag.Bool("office-corpus", false, "compare structure changes with LibreOffice over the corpus, which takes many minutes")

//go:embed testdata/office/structure.bas
var officeMacro string

// officeRun is LibreOffice with a profile of its own, in which a macro makes the same changes.
type officeRun struct {
	t       *testing.T
	soffice string
	dir     string
	jobs    strings.Builder
}

func newOfficeRun(t *testing.T) *officeRun {
	t.Helper()
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to make the same structure changes")
	}
	o := &officeRun{t: t, soffice: soffice, dir: t.TempDir()}
	o.soffice1("--terminate_after_init") // which makes the profile
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

// soffice1 runs LibreOffice, and ends all its processes whatever comes.
func (o *officeRun) soffice1(args ...string) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // so that it does not hang for ever
	defer cancel()
	cmd := exec.CommandContext(ctx, o.soffice, append([]string{"--headless", "--norestore", "-env:UserInstallation=" + o.url("profile")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if err != nil {
		o.t.Fatalf("LibreOffice: %v: %s", err, out)
	}
}

// job notes what is to be done with a file: the changes, and then its cells are written down.
func (o *officeRun) job(name string, file []byte, changes []structure.Change) {
	o.t.Helper()
	o.write(name+".xlsx", file)
	fmt.Fprintf(&o.jobs, "open\t%s\n", o.url(name+".xlsx"))
	for _, c := range changes {
		switch _, _, lines := c.Lines(); {
		case lines:
			fmt.Fprintf(&o.jobs, "%s\t%s\t%d\t%d\n", c.Kind, c.Sheet, c.At, c.Count)
		case c.Kind == structure.MoveCells:
			fmt.Fprintf(&o.jobs, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\n", c.Kind, c.Sheet, c.Range.First.Row, c.Range.First.Col, c.Range.Last.Row, c.Range.Last.Col, c.Target(), c.To.Row, c.To.Col)
		case c.Kind == structure.RenameSheet:
			fmt.Fprintf(&o.jobs, "%s\t%s\t%s\n", c.Kind, c.Sheet, c.Name)
		case c.Kind == structure.DeleteSheet:
			fmt.Fprintf(&o.jobs, "%s\t%s\n", c.Kind, c.Sheet)
		default:
			fmt.Fprintf(&o.jobs, "%s\t%s\t%d\n", c.Kind, c.Sheet, c.Position)
		}
	}
	fmt.Fprintf(&o.jobs, "dump\t%s\nclose\n", o.url(name+".txt"))
}

// run has all jobs done that were noted.
func (o *officeRun) run() {
	o.t.Helper()
	o.write("jobs.txt", []byte(o.jobs.String()))
	o.jobs.Reset()
	o.soffice1("macro:///Standard.Module1.Main")
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

// generated makes a workbook of four sheets that refer to one another. In three of them the first three columns are numbers and the others formulas,
// which only refer to numbers, so that none goes round in a circle; the fourth has only numbers.
func generated(t *testing.T, rnd *rand.Rand) []byte {
	names := []string{"Data", "Other", "Q1 '26", "Numbers"}
	all := sheetList(names)
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	dollar := func() string { return pick("", "", "$") }
	prefixes := []string{"", "", "", "Data!", "Other!", "'Q1 ''26'!", "Numbers!"}
	ref := func() string {
		switch rnd.IntN(9) {
		case 0:
			return pick(prefixes...) + pick("$B:$C", "A:A", "B:$C")
		case 1:
			return "Numbers!" + pick("3:5", "$2:$2", "1:9")
		case 2, 3, 4:
			a, b := 1+rnd.IntN(9), 1+rnd.IntN(9)
			c := rnd.IntN(3)
			return fmt.Sprintf("%s%s%s%s%d:%s%s%s%d", pick(prefixes...), dollar(), cell.ColumnName(rnd.IntN(c+1)), dollar(), a, dollar(), cell.ColumnName(c), dollar(), a+b)
		}
		return fmt.Sprintf("%s%s%s%s%d", pick(prefixes...), dollar(), cell.ColumnName(rnd.IntN(3)), dollar(), 1+rnd.IntN(14))
	}
	function := func() string {
		out := pick("SUM", "COUNT", "MAX", "SUMSQ") + "(" + ref()
		for range rnd.IntN(3) {
			out += "," + ref()
		}
		return out + ")" + pick("", "*2", "+First", "+ROWS(Table)", "-1")
	}
	escape := func(s string) string {
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for i := range names {
		var b strings.Builder
		b.WriteString(`<worksheet ` + main + `><sheetData>`)
		shared := pick("A1*$B$4", "SUM(A$1:A1)", "Data!A1*2", "Other!B5+A1", "SUM(A1:C1)", "SUM($A$2:$B$7)-Numbers!A3")
		for row := 1; row <= 12; row++ {
			fmt.Fprintf(&b, `<row r="%d">`, row)
			for col := range 6 {
				at := cell.Ref{Row: row - 1, Col: col}
				switch {
				case col < 3 || i == 3:
					if rnd.IntN(7) > 0 {
						fmt.Fprintf(&b, `<c r="%s"><v>%d</v></c>`, at, rnd.IntN(100))
					}
				case col == 3 && row == 1:
					fmt.Fprintf(&b, `<c r="%s"><f t="shared" ref="D1:D12" si="0">%s</f></c>`, at, escape(shared))
				case col == 3:
					fmt.Fprintf(&b, `<c r="%s"><f t="shared" si="0"/></c>`, at)
				case rnd.IntN(3) > 0:
					fmt.Fprintf(&b, `<c r="%s"><f>%s</f></c>`, at, escape(function()))
				}
			}
			b.WriteString(`</row>`)
		}
		b.WriteString(`</sheetData></worksheet>`)
		all[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = b.String()
	}
	all["xl/workbook.xml"] = strings.Replace(all["xl/workbook.xml"], "</workbook>", `<definedNames><definedName name="First">Data!$A$3</definedName><definedName name="Table">'Q1 ''26'!$B$2:$C$7</definedName></definedNames></workbook>`, 1)
	return book(t, all)
}

// officeBook is a workbook with changes that both make.
type officeBook struct {
	name    string
	changes []structure.Change
}

// TestLibreOfficeStructure has LibreOffice make the same changes as we do in generated workbooks, and compares formulas and values. Where it
// has other rules than Excel (explained) we keep to Excel's.
func TestLibreOfficeStructure(t *testing.T) {
	o := newOfficeRun(t)
	books := 40
	if testing.Short() {
		books = 8
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
		list = append(list, officeBook{name, changes})
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
	for _, path := range corpus(t) {
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
		if list = append(list, officeBook{name, changes}); len(list)%40 == 0 {
			o.run() // one that it does not survive takes only these along
		}
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
		for at, w := range own {
			if rule := explain(b.changes, w[0], ours[at][0]); rule != "" {
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

// area is a range in LibreOffice's notation.
var area = regexp.MustCompile(`\$?\w+:\$?\w+`)

// explain says by which rule LibreOffice 7.4 has another formula than Excel, "" where by none.
func explain(changes []structure.Change, own, ours string) string {
	if own == ours {
		return ""
	}
	moves, again := false, false
	deleted := map[string]bool{}
	for _, c := range changes {
		moves = moves || c.Kind == structure.MoveCells
		if rows, deletes, lines := c.Lines(); lines {
			axis := fmt.Sprint(c.Sheet, rows)
			again = again || !deletes && deleted[axis]
			deleted[axis] = deleted[axis] || deletes
		}
	}
	more := strings.Count(ours, "#REF!") > strings.Count(own, "#REF!")
	switch {
	case moves && more:
		return "a reference to cells that others were moved over is #REF! in Excel"
	case moves && area.ReplaceAllString(own, "") == area.ReplaceAllString(ours, ""):
		return "the edge of a range moves with its cells in Excel"
	case again && more:
		return "a deleted reference comes back in LibreOffice when lines are inserted"
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
