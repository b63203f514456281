package patch

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/ziptest"
)

// large makes a workbook whose sheet is large enough to be indexed.
func large(t testing.TB, name string, scale float64) []byte {
	t.Helper()
	i := slices.IndexFunc(genbook.Workloads, func(l genbook.Workload) bool { return l.Name == name })
	var b bytes.Buffer
	if err := genbook.Workloads[i].Write(&b, scale); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLarge saves edits of large sheets by their index, several times in a row, and compares
// the result with the model, and with the same edits saved without an index.
func TestLarge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		scale float64
	}{{"W1", 0.13}, {"W4", 0.6}} {
		t.Run(c.name, func(t *testing.T) {
			if c.name != "W1" && raceDetector {
				t.Skip("one goroutine and much to compute: W1 has shown what there is to be seen of races")
			}
			b := large(t, c.name, c.scale)
			rnd := rand.New(rand.NewPCG(7, 7))
			rounds := 4
			if testing.Short() || raceDetector {
				rounds = 1
			}
			for round := range rounds {
				f, err := openBytes(b)
				if err != nil {
					t.Fatal(err)
				}
				s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
				if err != nil {
					t.Fatal(err)
				}
				if _, stream, locate, err := f.SheetStream(0); err != nil || locate == nil || len(stream.Map.Blocks) < 3 || len(stream.Map.Points) == 0 {
					t.Fatalf("the sheet has no index: %v", err)
				}
				old := modelOf(s)
				n := []int{3, 1, 1, 40}[round]
				cells := randomCells(rnd, s, old, len(f.Workbook().Styles.Xfs), n)
				one(t, b, f, 0, old, cells)

				var spliced, whole bytes.Buffer
				p := Patch{Sheets: []SheetPatch{{Cells: cells}}}
				if _, err := Save(context.Background(), f, p, &spliced); err != nil {
					t.Fatal(err)
				}
				if _, err := save(context.Background(), f, p, &whole, true); err != nil {
					t.Fatal(err)
				}
				got, want := ziptest.Parts(t, spliced.Bytes()), ziptest.Parts(t, whole.Bytes())
				for name := range want {
					if got[name] != want[name] {
						t.Fatalf("round %d: part %s depends on how it is saved", round, name)
					}
				}
				b = spliced.Bytes()
			}
		})
	}
}

// TestMasterInLargeSheet overwrites the master of a shared formula in an indexed sheet: the
// others, far below, keep theirs.
func TestMasterInLargeSheet(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine and much to compute")
	}
	t.Parallel()
	b := large(t, "W4", 0.6)
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	var cells []CellPatch
	for c := range s.Cells(cell.WholeSheet) {
		if c.HasFormula() {
			if g := s.Formula(c); g.Anchor == c.Ref && g.Range.Cells() > 1 && len(cells) < 2 {
				cells = append(cells, CellPatch{Ref: c.Ref, Value: cell.NumberValue(1)})
			}
		}
	}
	if len(cells) == 0 {
		t.Fatal("there is no shared formula")
	}
	one(t, b, f, 0, modelOf(s), cells)
}

// TestLargeOfOtherForms saves edits of large sheets that have no index, because a row is out
// of order, and of such that are not compressed.
func TestLargeOfOtherForms(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine and much to compute")
	}
	t.Parallel()
	b := large(t, "W1", 0.13)
	for _, stored := range []bool{false, true} {
		for _, disordered := range []bool{false, true} {
			t.Run(fmt.Sprint("stored ", stored, ", disordered ", disordered), func(t *testing.T) {
				contents := ziptest.Parts(t, b)
				const name = "xl/worksheets/sheet1.xml"
				doc := contents[name]
				if disordered {
					from, to := strings.LastIndex(doc, "<row "), strings.Index(doc, "</sheetData>")
					i := strings.Index(doc, "<row ")
					doc = doc[:i] + doc[from:to] + doc[i:from] + doc[to:]
				}
				contents[name] = doc
				var packed bytes.Buffer
				z := zip.NewWriter(&packed)
				for _, n := range slices.Sorted(maps.Keys(contents)) {
					h := &zip.FileHeader{Name: n, Method: zip.Deflate}
					if stored {
						h.Method = zip.Store
					}
					w, err := z.CreateHeader(h)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.WriteString(w, contents[n]); err != nil {
						t.Fatal(err)
					}
				}
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
				f, err := openBytes(packed.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
				if err != nil {
					t.Fatal(err)
				}
				if _, _, locate, err := f.SheetStream(0); err != nil || (locate == nil) != disordered {
					t.Fatalf("there is an index: %v, error %v", locate != nil, err)
				}
				old := modelOf(s)
				cells := randomCells(rand.New(rand.NewPCG(3, 3)), s, old, len(f.Workbook().Styles.Xfs), 12)
				one(t, packed.Bytes(), f, 0, old, cells)
			})
		}
	}
}
