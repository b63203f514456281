package patch

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xf"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/splice"
)

// Patch says what of a workbook changes. Sheets and styles are counted as the file does.
type Patch struct {
	// Structure is applied first, one change after the other. Everything else counts the sheets as they are afterwards.
	Structure []structure.Change
	Sheets    []SheetPatch // each sheet at most once
	// Styles are new cell formats. Number i becomes style len(Workbook().Styles.Xfs)+i;
	// where the workbook has no style sheet, which is made then, style 1+i.
	Styles []StyleDerivation
	Tables []TablePatch // each table at most once
	Names  []NamePatch  // each name of a sheet, or of the workbook, at most once
	Book   BookPatch
	// Objects are charts and pictures that come and go.
	Objects []ObjectPatch // each sheet at most once
	// RecalcOnLoad makes Excel calculate all formulas when it opens the file.
	RecalcOnLoad bool
	// Instance makes a workbook of a template: the file says that it is one. A workbook stays what it is.
	Instance bool
	// View is for copies that are made to be looked at or printed.
	View ViewPatch
}

// Empty reports whether p changes nothing.
func (p *Patch) Empty() bool {
	for i := range p.Sheets {
		if len(p.Sheets[i].Cells) > 0 || p.Sheets[i].Layout != nil {
			return false
		}
	}
	return len(p.Structure) == 0 && len(p.Styles) == 0 && len(p.Tables)+len(p.Names)+len(p.Objects) == 0 && p.Book.empty() && !p.RecalcOnLoad && !p.Instance && p.View.empty()
}

// SheetPatch is what changes in a sheet.
type SheetPatch struct {
	Sheet int
	Cells []CellPatch // in row order, each cell once
	// Layout is nil where nothing but cells changes.
	Layout *LayoutPatch
}

// Keep says what of a cell stays that is in the file.
type Keep uint8

// What may stay. A cell that is not there has nothing to keep.
const (
	KeepNothing Keep = iota
	// KeepFormula keeps the formula as the file has it, shared or array included: the value
	// is what it gives now. It also serves the other cells of an array.
	KeepFormula
	// KeepContent keeps formula and value, with the runs of a rich text: only the style is new. Value may say what it is: a
	// date in ISO form is written as that, because whether it is read as a date goes by the style.
	KeepContent
)

// CellPatch is what becomes of a cell.
type CellPatch struct {
	Ref    cell.Ref
	Remove bool // the cell goes, and all below means nothing
	Keep   Keep

	HasValue   bool // false, with a formula: its value is not known
	HasFormula bool
	Style      uint32
	Value      cell.Value // a blank one leaves a cell that has a style only
	Formula    string     // without "=", as files have it: see formula.Stored

	// Fills is, of a formula that is known to be a dynamic array, the cells that it fills, from
	// Ref on; nil: that is not known.
	Fills *cell.Range
}

// StyleDerivation is a cell format that differs from another in what its settings say. None of
// them may be a reset.
type StyleDerivation struct {
	Base     uint32 // of the file, not of the patch
	Settings xf.Settings
}

// Report says what Save did.
type Report struct {
	Bytes    int64    // of the new file
	Parts    []string // that were changed
	Added    []string // parts that are new
	Dropped  []string // parts that were left out
	Warnings []Warning
}

// Warning is something that the user of a saved file should know.
type Warning struct {
	Code    string // SIGNATURE_INVALID, TABLE_HEADER, TABLE_COLUMN, MACRO_MODULE or NOT_MOVED
	Message string
}

// Save writes the workbook of f to w with a patch applied. f may be in use by others
// meanwhile; it is not changed, and its source must be what it was. The sheets of the patch
// are loaded if they are not yet.
//
// Errors of ctx and w come as they are, all others are of type *xlsx.Error. Until Save has
// returned without one, what w was given is not a workbook; up to the first byte it was not
// given any if the patch is at fault.
func Save(ctx context.Context, f *xlsx.File, p Patch, w io.Writer) (Report, error) {
	return save(ctx, f, p, w, false)
}

// save is Save. plain makes it encode every changed part as a whole, as if nothing were known
// of its inside.
func save(ctx context.Context, f *xlsx.File, p Patch, w io.Writer, plain bool) (Report, error) {
	var report Report
	if len(p.Structure) > 0 {
		var err error
		if f, report, err = restructured(ctx, f, p.Structure, plain); err != nil {
			return report, err
		}
		p.Structure = nil
	}
	s := newSaver(ctx, f, plain)
	if !p.Empty() {
		if err := s.change(&p); err != nil {
			return s.report, err
		}
	}
	out := &counter{w: w}
	err := s.pkg.Rewrite(ctx, out, s.changes, s.added...)
	s.report.Bytes = out.n
	report.add(s.report)
	return report, err
}

// saver is a patch being applied.
type saver struct {
	ctx     context.Context
	f       *xlsx.File
	pkg     *xlsx.Package
	plain   bool
	styles  int // cell formats, new ones included
	changes map[*xlsx.Part]*splice.Result
	added   []xlsx.NewPart
	report  Report

	documents map[*xlsx.Part]*document
	edited    []*document
	// formulas: some cell got a formula that had none or of another kind, or the other way
	// round, so that the calculation chain is wrong.
	formulas bool
	lines    map[int]bool // see ViewPatch
	strict   bool         // the file is in the strict form of the standard

	// What changes of the package: see parts.go.
	tails     map[int]*sheetTail
	partRels  map[string]*partRels // by the name of their part
	overrides map[string]string    // content types of new parts
	defaults  map[string]string    // content types by extension
	untyped   map[string]bool      // parts that the list of types names no more, in lower case
	referrers map[*xlsx.Part]int   // how many parts refer to one
	gone      map[*xlsx.Part]bool  // parts that are left out
	removed   map[string]bool      // relationships that are

	relations map[string]bool // ids of the workbook's relationships, new ones included
	looks     *looks          // formats of rules, nil until one is asked for
	dynamic   int             // the cell metadata that marks dynamic arrays, 0 until it is asked for

	metadata                   *metadata              // nil until it is needed
	rich                       map[cell.ErrorCode]int // the value metadata that stands for errors
	richValues, richStructures *richPart              // nil until they are needed
	richStructure              int                    // that of an error
	// Of structure changes: see structure.go.
	headers   []header
	goneParts map[*xlsx.Part]map[string]bool // ids of a sheet's relationships that are no more
	cut       []link                         // these relationships
	rewritten map[*xlsx.Part]bool
	carried   map[int][]carriedCell
	carriedAs string // the prefix of their elements
	rules     []carriedRule
	links     map[string]bool // ids of relationships that links got
}

func (s *saver) change(p *Patch) error {
	if s.pkg.Signed() {
		s.warn("SIGNATURE_INVALID", "the workbook has a digital signature, which is not valid for the saved file")
	}
	have := len(s.f.Workbook().Styles.Xfs)
	s.styles = max(1, have) + len(p.Styles)
	s.lines = maps.Clone(p.View.Gridlines)
	if err := s.objects(p); err != nil {
		return err
	}
	seen := make(map[int]bool, len(p.Sheets))
	for i := range p.Sheets {
		sp := &p.Sheets[i]
		if sp.Sheet < 0 || sp.Sheet >= len(s.f.Workbook().Sheets) || seen[sp.Sheet] {
			return invalid("", "sheet %d is not one of the %d of the workbook, or comes twice", sp.Sheet, len(s.f.Workbook().Sheets))
		}
		seen[sp.Sheet] = true
		if len(sp.Cells) == 0 && sp.Layout == nil {
			continue
		}
		if err := s.sheet(sp); err != nil {
			return err
		}
	}
	rest := maps.Clone(s.lines) // of sheets whose cells stay
	for i := range s.tails {
		if rest == nil {
			rest = map[int]bool{}
		}
		rest[i] = true
	}
	for _, i := range slices.Sorted(maps.Keys(rest)) {
		if i < 0 || i >= len(s.f.Workbook().Sheets) {
			return invalid("", "there is no sheet %d", i)
		}
		if err := s.sheet(&SheetPatch{Sheet: i}); err != nil {
			return err
		}
	}
	if err := s.view(&p.View, &p.Book); err != nil {
		return err
	}
	if err := s.book(&p.Book, &p.View); err != nil {
		return err
	}
	if err := s.names(s.namesToo(p.Names, &p.View)); err != nil {
		return err
	}
	if len(p.Styles) > 0 || s.looks != nil {
		if err := s.addStyles(p.Styles, have); err != nil {
			return err
		}
	}
	if p.Instance {
		if err := s.instance(); err != nil {
			return err
		}
	}
	if err := s.finishParts(); err != nil {
		return err
	}
	if s.formulas {
		if err := s.dropCalcChain(); err != nil {
			return err
		}
	}
	if p.RecalcOnLoad {
		if err := s.recalcOnLoad(); err != nil {
			return err
		}
	}
	s.finishMetadata()
	for _, d := range s.edited {
		if err := s.stream(d); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) warn(code, format string, args ...any) {
	s.report.Warnings = append(s.report.Warnings, Warning{code, fmt.Sprintf(format, args...)})
}

// splice makes a part's new stream.
func (s *saver) splice(part *xlsx.Part, stream *splice.Stream, edits []splice.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	if s.plain {
		stream.Map = nil
	}
	res, err := splice.Splice(s.ctx, stream, edits)
	if err != nil {
		return s.failed(part, err)
	}
	s.changes[part] = res
	s.report.Parts = append(s.report.Parts, part.Name)
	return nil
}

func invalid(part, format string, args ...any) error {
	return &xlsx.Error{Code: xlsx.InvalidEdit, Part: part, Offset: -1, Message: fmt.Sprintf(format, args...)}
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
