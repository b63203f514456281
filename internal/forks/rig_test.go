package forks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/journal"
	"gridflow/internal/vfs"
	"gridflow/internal/vfs/crashfs"
	"gridflow/internal/workspace"
)

// failer is what a *testing.T and a *rapid.T have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
	Logf(string, ...any)
}

// rig is a store over a folder with workbooks, which can be closed and opened again. The
// journal lies on a file system in memory, the bases on that of the machine.
type rig struct {
	failer
	dir   string // has the workbooks; the bases lie beside it
	bases string
	fs    vfs.FS
	o     Options
	log   journal.Options
	cache int64 // bytes of the cache of workbooks; its default where 0
	ws    *workspace.Workspace
	store *Store
}

// newRig has the workbooks a.xlsx and b.xlsx, which differ.
func newRig(t testing.TB, o Options) *rig {
	t.Helper()
	r := &rig{failer: t, dir: t.TempDir(), bases: filepath.Join(t.TempDir(), "bases"), fs: crashfs.New(), o: o}
	r.put("a.xlsx", smallBook(t, 1))
	r.put("b.xlsx", smallBook(t, 2))
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *rig) put(name string, b []byte) {
	r.Helper()
	// In one step, as spreadsheet programs save: what is open stays what it was.
	temp := filepath.Join(r.dir, ".part")
	if err := os.WriteFile(temp, b, 0o644); err != nil {
		r.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(r.dir, name)); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) open() {
	r.Helper()
	ctx := context.Background()
	var err error
	if r.ws == nil {
		r.ws, err = workspace.Open(ctx, workspace.Options{Roots: []string{r.dir}, Bases: r.bases, CacheBytes: r.cache, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			r.Fatal(err)
		}
	}
	o := r.o
	o.CalcBudget = cmp.Or(o.CalcBudget, time.Hour) // how quick the machine is shows only where a test wants it to
	if o.Journal, err = journal.Open(r.fs, "journal", r.log); err != nil {
		r.Fatal(err)
	}
	o.Bases, o.Files = r.ws, r.ws
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if r.store, err = Open(ctx, o); err != nil {
		r.Fatal(err)
	}
}

// close ends store and workspace. That of a journal which has failed tells so again.
func (r *rig) close() {
	r.Helper()
	if r.store != nil {
		err := r.store.Close(context.Background())
		if err != nil && !errors.Is(err, journal.ErrPoisoned) && !errors.Is(err, crashfs.ErrStopped) {
			r.Errorf("close: %v", err)
		}
		// What was counted when a fork came into memory is taken off when it leaves.
		if n := r.store.liveBytes.Load(); n != 0 {
			r.Errorf("%d bytes of live forks when none lives", n)
		}
		r.store = nil
	}
	if r.ws != nil {
		r.ws.Shut()
		r.ws = nil
		r.nothingOpen()
	}
}

// nothingOpen fails where a kept base is open still, when all was closed that has a right to it: somebody has not released
// what he held. Only Linux tells.
func (r *rig) nothingOpen() {
	r.Helper()
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		if name, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(name, r.bases+"/") {
			r.Errorf("%s is open", name)
		}
	}
}

func (r *rig) restart() {
	r.Helper()
	r.close()
	r.open()
}

func (r *rig) create(from string) Info {
	r.Helper()
	i, err := r.store.Create(context.Background(), from, CreateOptions{})
	if err != nil {
		r.Fatalf("create of %s: %v", from, err)
	}
	return i
}

func (r *rig) edit(id string, e book.Edit) Result {
	r.Helper()
	res, err := r.store.Edit(context.Background(), id, e, Commit{Tool: "test"})
	if err != nil {
		r.Fatalf("edit of %s: %v", id, err)
	}
	return res
}

// number is the edit of one cell of the first sheet.
func number(a1 string, n float64) book.Edit {
	return set("Data", a1, book.CellEdit{Value: cell.NumberValue(n)})
}

func set(sheet, a1 string, c book.CellEdit) book.Edit {
	c.Ref, _ = cell.ParseRef(a1)
	return book.Edit{Ops: []book.Op{book.SetCells{Sheet: sheet, Cells: []book.CellEdit{c}}}}
}

// at reads one cell of the first sheet.
func (r *rig) at(id, a1 string) string {
	r.Helper()
	return r.read(id)["Data!"+a1].String()
}

func (r *rig) read(id string) (s contents) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) (err error) {
		s, err = contentsOf(snap)
		return err
	}); err != nil {
		r.Fatalf("reading %s: %v", id, err)
	}
	return s
}

// shows looks whether a fork or version has what is wanted in cells, by their addresses with the sheet.
func (r *rig) shows(id string, want map[string]string) {
	r.Helper()
	is := r.read(id)
	for at, want := range want {
		if got := is[at].String(); got != want {
			r.Errorf("%s of %s is %s, want %s", at, id, got, want)
		}
	}
}

// kept gives the number of bases in the folder.
func (r *rig) kept() int {
	r.Helper()
	list, err := r.ws.KeptBases()
	if err != nil {
		r.Fatal(err)
	}
	return len(list)
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var wrong *book.Error
	if errors.As(err, &wrong) {
		return string(wrong.Code)
	}
	return fmt.Sprint(err)
}

// The cells that tests look at: windowRows × windowCols of each sheet. What they edit is editRows of these; the others are
// room for rows and columns that are inserted.
const (
	windowRows = 8
	windowCols = 6
	editRows   = 5
)

var sheetNames = []string{"Data", "Sums"}

// smallBook is a workbook of two sheets with values, formats, formulas that have values, and
// a row with a format of its own.
func smallBook(t failer, seed int) []byte {
	t.Helper()
	b := &genbook.Book{}
	two := b.Style(genbook.Style{Format: "0.00"})
	bold := b.Style(genbook.Style{Bold: true})
	var data, sums genbook.Grid
	for row := 1; row <= 3; row++ {
		data.Set(fmt.Sprintf("A%d", row), two, float64(10*seed+row))
		data.Set(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("text %d", row))
		data.Formula(fmt.Sprintf("C%d", row), 0, fmt.Sprintf("A%d*2", row), float64(2*(10*seed+row)))
	}
	data.Set("D1", bold, true)
	data.Row(5, genbook.RowOptions{Style: two})
	sums.Formula("A1", two, "SUM(Data!A1:A3)", float64(30*seed+6))
	sums.Set("B2", 0, cell.ErrNA)
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
	b.AddSheet(sums.Fill(&genbook.Sheet{Name: "Sums"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// cellIs is all that can be seen of a cell.
type cellIs struct {
	value   cell.Value
	formula string // "" where it has none
	format  string
}

func (c cellIs) String() string {
	s := c.value.String()
	if c.formula != "" {
		s += "=" + c.formula
	}
	return s
}

// contents are the cells of the window, by "Sheet!A1".
type contents map[string]cellIs

func contentsOf(snap *book.Snapshot) (contents, error) {
	s := contents{}
	styles := snap.Workbook().Styles
	for i, info := range snap.Workbook().Sheets {
		sheet, err := snap.Sheet(context.Background(), i)
		if err != nil {
			return nil, err
		}
		for row := range windowRows {
			for col := range windowCols {
				ref := cell.Ref{Row: row, Col: col}
				is := cellIs{format: "General"}
				c, ok := sheet.At(ref)
				style := c.Style
				if r, there := sheet.Layout.Row(row); !ok && there && r.HasStyle {
					style = r.Style
				}
				if int(style) < len(styles.Xfs) {
					is.format = styles.Xfs[style].NumFmt
				}
				if ok {
					is.value, is.formula = c.Value, book.FormulaText(sheet, c)
				}
				s[info.Name+"!"+ref.String()] = is
			}
		}
	}
	return s, nil
}

// diff tells where two contents differ, "" where they do not.
func (s contents) diff(want contents) string {
	out := ""
	if len(s) != len(want) {
		out = fmt.Sprintf("%d cells of %v, want %d of %v\n", len(s), s.sheets(), len(want), want.sheets())
	}
	for k, w := range want {
		if g := s[k]; g != w {
			out += fmt.Sprintf("%s: %v (%s), want %v (%s)\n", k, g, g.format, w, w.format)
		}
	}
	return out
}
