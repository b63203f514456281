package job

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/office"
	"gridflow/internal/office/intake"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// Values are what LibreOffice gives the formulas of a document.
type Values struct {
	// Edit gives every formula its value, and Snapshot is the document with them.
	Edit     book.Edit
	Snapshot *book.Snapshot

	Formulas int // cells
	// Kept are cells that LibreOffice has no value for, since their formulas, or those that they
	// depend on, call functions that it does not know. They have the values that they had.
	Kept      map[Cell]bool
	Functions []string // those, as far as they can be told, in upper case
}

// A Cell is one of a document.
type Cell struct {
	Sheet int
	Ref   cell.Ref
}

// probesMax is the number of sheets that get a probe.
const probesMax = 64

// Recalculate has LibreOffice calculate every formula of a document, from nothing. That it did
// is seen by probes: some formulas are given to it with values that no formula has, and must come
// back with others. The document itself stays as it is.
//
// LibreOffice has no logical values, only numbers that are shown so: where a formula has had a
// logical value or a number, one of 0 and 1 is taken for that. It writes numbers with 15 digits: one
// that is the same as it was to these stays as it was.
func (o *Office) Recalculate(ctx context.Context, d Document) (*Values, error) {
	v := &Values{Kept: map[Cell]bool{}}
	// Whoever shares a run with others has not prepared it, so that it must be plain what was given.
	probe := probeOf(d.Key)
	err := o.run(ctx, CodeFailed, d.Key, office.Job{
		Op: wire.Recalculate, Share: "recalculate " + d.Key,
		Prepare: func(dir string) (wire.Request, error) {
			p, _, err := d.probed(ctx, probe)
			if err != nil {
				return wire.Request{}, err
			}
			in, err := d.save(ctx, dir, p, intake.Limits.CopyCells)
			return wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(dir, outName+".xlsx")}, err
		},
		Collect: func(dir string, _ wire.Response) error {
			_, probes, err := d.probed(ctx, probe)
			if err != nil {
				return err
			}
			f, size, err := made(filepath.Join(dir, outName+".xlsx"), CodeNoEffect)
			if err != nil {
				return err
			}
			defer f.Close()
			out, err := xlsx.Open(ctx, f, size, o.Limits)
			if err != nil {
				return unreadable(ctx, err)
			}
			return v.read(ctx, &d, out, probes, probe)
		},
	})
	if err != nil {
		return nil, err
	}
	v.Snapshot, _, err = d.Snapshot.Apply(ctx, v.Edit)
	return v, err
}

// probeOf gives a number that no formula gives, by the contents of a document. LibreOffice writes
// 15 digits, so that it has fewer.
func probeOf(key string) cell.Value {
	sum := sha256.Sum256([]byte(key))
	return cell.NumberValue(-float64(1_000_000+binary.LittleEndian.Uint32(sum[:])%1_000_000) * 1e-207)
}

// isProbe reports whether a value is that of a probe, which has been written and read again.
func isProbe(v, probe cell.Value) bool {
	return v.Kind() == cell.Number && math.Abs(v.Number()-probe.Number()) <= 1e-12*math.Abs(probe.Number())
}

func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e := fail(CodeFailed, "Use the backend native", "what LibreOffice wrote cannot be read: %v", err)
	e.cause = err
	return e
}

// probed gives the patch of a copy in which one formula of each sheet has a wrong value.
func (d *Document) probed(ctx context.Context, wrong cell.Value) (patch.Patch, []Cell, error) {
	p := d.Patch
	var probes []Cell
	for i, info := range d.Snapshot.Workbook().Sheets {
		if info.Kind != grid.Worksheet || len(probes) == probesMax {
			continue
		}
		sheet, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return p, nil, err
		}
		for c := range book.Computed(sheet, cell.WholeSheet) {
			if !c.HasFormula() || !probable(sheet.Formula(c)) {
				continue
			}
			extra := patch.CellPatch{Ref: c.Ref, Keep: patch.KeepFormula, Style: c.Style}
			if k := slices.IndexFunc(p.Sheets, func(s patch.SheetPatch) bool { return s.Sheet == i }); k >= 0 {
				cells := p.Sheets[k].Cells
				if n, ok := slices.BinarySearchFunc(cells, extra, byRef); ok && cells[n].Keep != patch.KeepContent {
					extra = cells[n]
				}
			}
			extra.Value, extra.HasValue = wrong, true
			p, probes = overlaid(p, i, []patch.CellPatch{extra}), append(probes, Cell{i, c.Ref})
			break
		}
	}
	return p, probes, nil
}

// probable tells whether a formula is one that any calculation of all formulas calculates:
// those that read other workbooks may keep what they had, and what-if tables are none.
func probable(f grid.Formula) bool {
	return (f.Kind == grid.NormalFormula || f.Kind == grid.SharedFormula) && !strings.Contains(f.Text, "[")
}

// read takes the values out of what LibreOffice wrote.
func (v *Values) read(ctx context.Context, d *Document, out *xlsx.File, probes []Cell, probe cell.Value) error {
	byName := map[string]int{}
	for i, info := range out.Workbook().Sheets {
		byName[book.FoldName(info.Name)] = i
	}
	sheets := d.Snapshot.Workbook().Sheets
	theirs := make([]*grid.Sheet, len(sheets))
	names := map[string]bool{}
	for i, info := range sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		ours, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return err
		}
		if ours.FormulaCells() == 0 {
			continue
		}
		k, ok := byName[book.FoldName(info.Name)]
		if !ok {
			return fail(CodeFailed, "Use the backend native", "LibreOffice has lost the sheet %q", clip(info.Name, 64))
		}
		if theirs[i], err = out.Sheet(ctx, k, cell.MaxRows-1); err != nil {
			return unreadable(ctx, err)
		}
		for c := range book.Computed(ours, cell.WholeSheet) {
			if x, ok := theirs[i].At(c.Ref); c.HasFormula() && (!ok || !x.HasFormula() && !theirs[i].InArray(c.Ref)) {
				return fail(CodeFailed, "Use the backend native", "LibreOffice has lost the formula of %s!%v", cell.QuoteSheet(info.Name), c.Ref)
			}
		}
	}
	for _, at := range probes {
		if isProbe(theirs[at.Sheet].Value(at.Ref), probe) {
			return fail(CodeNoEffect, "Use the backend native; the operator should look at the settings of LibreOffice", "LibreOffice has opened and saved the workbook without calculating it: %s!%v has the value that it was given",
				cell.QuoteSheet(sheets[at.Sheet].Name), at.Ref)
		}
	}
	var err error
	v.Edit, err = d.Snapshot.Values(ctx, func(i int, c grid.Cell) cell.Value {
		v.Formulas++
		x, _ := theirs[i].At(c.Ref)
		value, known := taken(c.Value, x.Value)
		if !known {
			v.Kept[Cell{i, c.Ref}] = true
			for _, name := range unknownFunctions(theirs[i], x) {
				names[name] = true
			}
		}
		return value
	})
	for name := range names {
		v.Functions = append(v.Functions, name)
	}
	slices.Sort(v.Functions)
	return err
}

// taken gives the value that a formula has which had the value was, and to which LibreOffice
// gives is; known is false where LibreOffice knows no value.
func taken(was, is cell.Value) (v cell.Value, known bool) {
	switch {
	case is.Kind() == cell.Text && ourCopy.MatchString(is.Text()):
		return was, false // CELL("filename"): where the copy lay is nobody's business
	case is.Err() == cell.ErrName && !was.IsBlank() && was.Err() != cell.ErrName:
		return was, false
	case is.IsBlank(): // no formula gives nothing: it is an empty text
		return cell.TextValue(""), true
	case was.Kind() == cell.Number && is.Kind() == cell.Number && digits(was) == digits(is):
		return was, true // the same, and exact
	case was.Kind() == cell.Bool && is.Kind() == cell.Number && (is.Number() == 0 || is.Number() == 1):
		return cell.BoolValue(is.Number() == 1), true
	case was.Kind() == cell.Number && is.Kind() == cell.Bool:
		return cell.NumberValue(is.Number()), true
	}
	return is, true
}

// ourCopy is the address of the copy of a document that LibreOffice is given.
var ourCopy = regexp.MustCompile(`file://[^'"]*/` + regexp.QuoteMeta(inName))

// digits are those of a number that LibreOffice writes.
func digits(v cell.Value) string { return strconv.FormatFloat(v.Number(), 'g', 15, 64) }

// callName is a function that is called, as LibreOffice writes those that it does not know: in
// lower case, which no other program does.
var callName = regexp.MustCompile(`\b(?:_xlfn\.|_xlws\.|_xludf\.)*([a-z][a-z0-9_.]*)\(`)

// unknownFunctions gives the functions of a formula that LibreOffice does not know.
func unknownFunctions(sheet *grid.Sheet, c grid.Cell) (list []string) {
	if !c.HasFormula() {
		return nil
	}
	for _, m := range callName.FindAllStringSubmatch(sheet.Formula(c).Text, -1) {
		list = append(list, strings.ToUpper(m[1]))
	}
	return list
}
