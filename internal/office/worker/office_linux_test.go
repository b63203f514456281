package worker_test

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
)

// patience is how long a test waits for LibreOffice on a machine that has much else to do.
const patience = 3 * time.Minute

// An office is a worker with LibreOffice, and folders for jobs. After a job that it has not
// survived there is another worker.
type office struct {
	options worker.Options
	root    string // what is in it is the test's
	jobs    string
	p       *worker.Process
	n       int
}

// newOffice skips the test where LibreOffice is not installed.
func newOffice(t testing.TB, change func(o *worker.Options)) *office {
	t.Helper()
	if testing.Short() {
		t.Skip("LibreOffice takes a while to start")
	}
	if _, err := lok.Find(""); err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	o := &office{jobs: filepath.Join(root, "jobs")}
	if err := os.Mkdir(o.jobs, 0o700); err != nil {
		t.Fatal(err)
	}
	o.options = worker.Options{Dir: filepath.Join(root, "worker"), Jobs: o.jobs, DataLimit: 1 << 30}
	if change != nil {
		change(&o.options)
	}
	o.root = root
	o.ready(t)
	t.Cleanup(func() {
		o.p.Kill()
		<-o.p.Gone()
	})
	return o
}

// ready starts a worker where there is none.
func (o *office) ready(t testing.TB) {
	t.Helper()
	if o.p != nil {
		select {
		case <-o.p.Gone():
		default:
			return
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := worker.Start(ctx, o.options)
	if err != nil {
		if f := (*worker.StartError)(nil); errors.As(err, &f) && f.Exit != nil {
			t.Log(f.Exit.Printed)
		}
		t.Fatal(err)
	}
	o.p = p
}

// folder makes the folder of a job, with a document in it.
func (o *office) folder(t testing.TB, name string, content []byte) (in, dir string) {
	t.Helper()
	o.n++
	dir = filepath.Join(o.jobs, strconv.Itoa(o.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	in = filepath.Join(dir, name)
	if err := os.WriteFile(in, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return in, dir
}

// do does a job with a document of that content; its Out is in the folder of In.
func (o *office) do(t testing.TB, content []byte, r wire.Request) (wire.Response, []byte, error) {
	t.Helper()
	o.ready(t)
	var dir string
	r.In, dir = o.folder(t, "in.xlsx", content)
	r.Out = filepath.Join(dir, "out")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	response, err := o.p.Do(ctx, r)
	out, reading := os.ReadFile(r.Out)
	if err == nil && response.Failure == nil && reading != nil {
		t.Error(reading)
	}
	return response, out, err
}

// good is do for a job that must go well.
func (o *office) good(t testing.TB, content []byte, r wire.Request) (wire.Response, []byte) {
	t.Helper()
	response, out, err := o.do(t, content, r)
	if err != nil {
		t.Fatal(err)
	}
	if response.Failure != nil {
		t.Fatalf("%s: %s", response.Failure.Code, response.Failure.Message)
	}
	return response, out
}

// TestOffice is all that is tested with one worker, if it lives so long: a start takes a
// processor for a second or two.
func TestOffice(t *testing.T) {
	// A file that is open in the parent and would be in every child, as those are that its own
	// parent forgot to close.
	inherited := filepath.Join(t.TempDir(), "inherited")
	fd, err := syscall.Open(inherited, syscall.O_CREAT|syscall.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	o := newOffice(t, nil)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *office)
	}{
		{"Jobs", testJobs},
		{"Paths", testPaths},
		{"Inherits nothing", testInheritsNothing},
		{"Picture", testPicture},
		{"Picture of many tiles", testPictureOfManyTiles},
		{"Paint fails", testPaintFails},
		{"Hostile files", testHostileFiles},
		{"Processor bomb", testProcessorBomb},
		{"Killed in the middle", testKilledInTheMiddle},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, o) })
	}
}

// content is a workbook as bytes.
func content(t testing.TB, f *excelize.File) []byte {
	t.Helper()
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// workbook gives a new one, filled by fill.
func workbook(t testing.TB, fill func(f *excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := fill(f); err != nil {
		t.Fatal(err)
	}
	return content(t, f)
}

func cellName(row, col int) string {
	name, err := excelize.CoordinatesToCellName(col+1, row+1)
	if err != nil {
		panic(err)
	}
	return name
}

// palette are the colours that cells are filled with: two neighbours never have the same.
var palette = []color.RGBA{{200, 30, 30, 255}, {30, 160, 40, 255}, {40, 60, 210, 255}, {230, 200, 20, 255}, {150, 40, 170, 255}, {20, 180, 190, 255}, {120, 120, 120, 255}}

func paletteOf(row, col int) int { return (row*3 + col) % len(palette) }

// colored fills the cells of a range.
func colored(f *excelize.File, sheet string, g wire.Range) error {
	var styles []int
	for _, c := range palette {
		s, err := f.NewStyle(&excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fmt.Sprintf("%02X%02X%02X", c.R, c.G, c.B)}}})
		if err != nil {
			return err
		}
		styles = append(styles, s)
	}
	for row := g.FirstRow; row <= g.LastRow; row++ {
		for col := g.FirstCol; col <= g.LastCol; col++ {
			if err := f.SetCellStyle(sheet, cellName(row, col), cellName(row, col), styles[paletteOf(row, col)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// What was painted has the colours of the cells just where it says that the cells are: in their
// middle, and one pixel within each corner.
func testPicture(t *testing.T, o *office) {
	near, far := wire.Range{LastRow: 19, LastCol: 14}, wire.Range{FirstRow: 90, FirstCol: 94, LastRow: 109, LastCol: 103}
	widths := []float64{3, 8.43, 12.71, 20.3, 1.5, 31}
	book := workbook(t, func(f *excelize.File) error {
		for _, g := range []wire.Range{near, far} {
			if err := colored(f, "Sheet1", g); err != nil {
				return err
			}
		}
		for col := range 104 {
			name, err := excelize.ColumnNumberToName(col + 1)
			if err != nil {
				return err
			}
			if err := f.SetColWidth("Sheet1", name, name, widths[col%len(widths)]); err != nil {
				return err
			}
		}
		for row := range 110 {
			if row%7 == 3 {
				if err := f.SetRowHeight("Sheet1", row+1, 11.3+float64(row)); err != nil {
					return err
				}
			}
		}
		for _, row := range []int{5, 6, 50, 97} {
			if err := f.SetRowVisible("Sheet1", row+1, false); err != nil {
				return err
			}
		}
		for _, col := range []string{"D", "AA", "CS"} {
			if err := f.SetColVisible("Sheet1", col, false); err != nil {
				return err
			}
		}
		if err := f.MergeCell("Sheet1", "I9", "K12"); err != nil {
			return err
		}
		return f.MergeCell("Sheet1", "CV100", "CW102")
	})
	// merged gives the cell whose colour a cell has.
	merged := func(row, col int) (int, int) {
		switch {
		case row >= 8 && row <= 11 && col >= 8 && col <= 10:
			return 8, 8
		case row >= 99 && row <= 101 && col >= 99 && col <= 100:
			return 99, 99
		}
		return row, col
	}
	for _, scale := range []float64{1, 2, 1.5, 1.1, 1.33, 0.57, 3.99} {
		for _, g := range []wire.Range{near, far, {FirstRow: 99, LastRow: 99, FirstCol: 99, LastCol: 99}} {
			t.Run(fmt.Sprintf("%v %v", scale, g), func(t *testing.T) {
				response, pixels := o.good(t, book, wire.Request{Op: wire.Paint, Range: g, Scale: scale})
				p := response.Picture
				if len(pixels) != 4*p.Width*p.Height || len(p.Cols) != g.LastCol-g.FirstCol+2 || len(p.Rows) != g.LastRow-g.FirstRow+2 {
					t.Fatalf("%d bytes for %+v", len(pixels), p)
				}
				at := func(x, y int) color.RGBA {
					i := 4 * (y*p.Width + x)
					return color.RGBA{pixels[i], pixels[i+1], pixels[i+2], pixels[i+3]}
				}
				seen, wrong := 0, 0
				for row := g.FirstRow; row <= g.LastRow; row++ {
					for col := g.FirstCol; col <= g.LastCol; col++ {
						left, right := p.Cols[col-g.FirstCol], p.Cols[col-g.FirstCol+1]
						top, bottom := p.Rows[row-g.FirstRow], p.Rows[row-g.FirstRow+1]
						if right-left < 5 || bottom-top < 5 {
							continue
						}
						seen++
						mr, mc := merged(row, col)
						want := palette[paletteOf(mr, mc)]
						for _, xy := range [][2]int{{(left + right) / 2, (top + bottom) / 2}, {left + 1, top + 1}, {right - 2, top + 1}, {left + 1, bottom - 2}, {right - 2, bottom - 2}} {
							if got := at(xy[0], xy[1]); got != want && wrong < 10 {
								wrong++
								t.Errorf("%s at %v of %d…%d × %d…%d: %v, want %v", cellName(row, col), xy, left, right, top, bottom, got, want)
							}
						}
					}
				}
				if cells := (g.LastRow - g.FirstRow + 1) * (g.LastCol - g.FirstCol + 1); seen < cells*3/5 {
					t.Errorf("only %d of %d cells were large enough to look at", seen, cells)
				}
			})
		}
	}
	for col, name := range map[int]string{3: "D", 96: "CS"} {
		response, _ := o.good(t, book, wire.Request{Op: wire.Paint, Range: wire.Range{FirstRow: 5, LastRow: 8, FirstCol: col, LastCol: col + 1}})
		if p := response.Picture; p.Cols[1] != 0 || p.Cols[2] == 0 || col == 3 && (p.Rows[2] != 0 || p.Rows[3] == 0) {
			t.Errorf("the hidden column %s: %+v", name, p)
		}
	}
}

// A picture that is painted in several tiles and bands is the same as its parts.
func testPictureOfManyTiles(t *testing.T, o *office) {
	g := wire.Range{LastRow: 120, LastCol: 139}
	book := workbook(t, func(f *excelize.File) error { return colored(f, "Sheet1", g) })
	const scale = 1.13
	response, all := o.good(t, book, wire.Request{Op: wire.Paint, Range: g, Scale: scale})
	p := response.Picture
	if p.Width < 8100 || p.Width*p.Height < 9_000_000 {
		t.Fatalf("%d × %d pixels are not many tiles", p.Width, p.Height)
	}
	for row := range g.LastRow + 1 {
		for col := range g.LastCol + 1 {
			for _, xy := range [][2]int{{p.Cols[col] + 1, p.Rows[row] + 1}, {p.Cols[col+1] - 2, p.Rows[row+1] - 2}} {
				i, want := 4*(xy[1]*p.Width+xy[0]), palette[paletteOf(row, col)]
				if got := (color.RGBA{all[i], all[i+1], all[i+2], all[i+3]}); got != want {
					t.Fatalf("%s at %v: %v, want %v", cellName(row, col), xy, got, want)
				}
			}
		}
	}
}

// What cannot be painted is said, and never another sheet's picture.
func testPaintFails(t *testing.T, o *office) {
	book := workbook(t, func(f *excelize.File) error {
		for _, name := range []string{"Hidden", "Very hidden", "Last"} {
			if _, err := f.NewSheet(name); err != nil {
				return err
			}
		}
		if err := f.SetSheetVisible("Hidden", false); err != nil {
			return err
		}
		if err := f.SetRowVisible("Last", 3, false); err != nil {
			return err
		}
		return f.SetSheetVisible("Very hidden", false, true)
	})
	for _, test := range []struct {
		name    string
		request wire.Request
		code    wire.Code
	}{
		{"hidden", wire.Request{Sheet: 1}, wire.NoSheet},
		{"very hidden", wire.Request{Sheet: 2}, wire.NoSheet},
		{"shown", wire.Request{Sheet: 3}, ""},
		{"beyond", wire.Request{Sheet: 4}, wire.NoSheet},
		{"before", wire.Request{Sheet: -1}, wire.NoSheet},
		{"pixels", wire.Request{MaxPixels: 1000, Range: wire.Range{LastRow: 9, LastCol: 9}}, wire.TooLarge},
		{"hidden row", wire.Request{Sheet: 3, Range: wire.Range{FirstRow: 2, LastRow: 2}}, wire.BadRequest},
		{"turned round", wire.Request{Range: wire.Range{FirstRow: 2}}, wire.BadRequest},
		{"no such column", wire.Request{Range: wire.Range{LastCol: 1 << 14}}, wire.BadRequest},
		{"last cell", wire.Request{Range: wire.Range{FirstRow: 1<<20 - 1, LastRow: 1<<20 - 1, FirstCol: 1<<14 - 1, LastCol: 1<<14 - 1}}, ""},
		{"scale", wire.Request{Scale: 4.5}, wire.BadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.request.Op = wire.Paint
			got, _, err := o.do(t, book, test.request)
			switch {
			case err != nil:
				t.Fatal(err)
			case test.code == "" && got.Failure != nil || test.code != "" && (got.Failure == nil || got.Failure.Code != test.code):
				t.Errorf("%+v, want %q", got.Failure, test.code)
			case test.code == wire.TooLarge && (got.Picture == nil || got.Picture.Width < 500):
				t.Errorf("the size that it would have had: %+v", got.Picture)
			}
			if len(got.Sheets) > 0 && strings.Join(got.Sheets, ",") != "Sheet1,Hidden,Very hidden,Last" {
				t.Errorf("sheets %q", got.Sheets)
			}
		})
	}
}
