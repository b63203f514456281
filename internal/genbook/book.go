package genbook

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// Visibility says whether a sheet's tab is shown.
type Visibility uint8

// The three states of a sheet. A VeryHidden sheet cannot be unhidden from
// Excel's own menus.
const (
	Visible Visibility = iota
	Hidden
	VeryHidden
)

// Name is a defined name. Sheet is empty for a name of the whole workbook and
// holds a sheet's name for a local one.
type Name struct {
	Name, Refers string
	Sheet        string
	Hidden       bool
	Comment      string
}

// Book is a workbook to be written. Fill the fields, then call Write once.
// A Book is not for use by several goroutines.
type Book struct {
	Title, Creator string
	Created        time.Time
	Sheets         []*Sheet
	Names          []Name
	Date1904       bool
	// CalcChain asks for xl/calcChain.xml, which keeps the address of every
	// formula in memory. Set it only where there are formulas.
	CalcChain bool

	styles  styles
	strings sharedStrings
	chain   []chainEntry
}

type chainEntry struct {
	sheet int
	ref   cell.Ref
}

// Column sets the width (in characters), the style and the visibility of the
// columns First to Last, both counted from 0 and included.
type Column struct {
	First, Last int
	Width       float64
	Style       StyleID
	Hidden      bool
}

// Sheet is one worksheet. Dimension is what the file says about its used range
// and has to be known before the rows are written, as in any streamed file.
type Sheet struct {
	Name        string
	Visibility  Visibility
	Dimension   cell.Range
	TabColor    string // RRGGBB, or empty
	Columns     []Column
	Freeze      cell.Ref // the first cell that scrolls; the zero Ref freezes nothing
	Outline     bool     // the sheet has grouped rows
	Merges      []cell.Range
	Filter      *cell.Range // autofilter outside of a table
	Tables      []Table
	Comments    []Comment
	Validations []Validation
	Conditional []Conditional
	// Rows writes the cells, top to bottom. It may be nil.
	Rows func(w *Writer) error
}

// AddSheet appends s to the workbook and returns it.
func (b *Book) AddSheet(s *Sheet) *Sheet {
	b.Sheets = append(b.Sheets, s)
	return s
}

// Write streams the workbook to out as a zip archive. Entries are deflated at
// level 6 and carry no time of day, so equal books give equal bytes (as long as
// compress/flate stays the same). The first error of a sheet's Rows function
// ends the call.
func (b *Book) Write(out io.Writer) error {
	if err := b.check(); err != nil {
		return err
	}
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, 6)
	})
	p := &packer{zip: z}
	p.part("[Content_Types].xml", b.contentTypes())
	p.part("_rels/.rels", packageRels)
	p.part("xl/workbook.xml", b.workbookXML())
	p.part("xl/_rels/workbook.xml.rels", b.workbookRels())
	tables, comments := 0, 0
	for i, s := range b.Sheets {
		p.sheet(b, i, s, tables)
		if rels := s.rels(tables, comments); rels != "" {
			p.part(fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", i+1), rels)
		}
		tables += len(s.Tables)
		if len(s.Comments) > 0 {
			comments++
		}
	}
	p.part("xl/theme/theme1.xml", themeXML())
	p.part("xl/styles.xml", b.styles.xml())
	p.stream("xl/sharedStrings.xml", b.strings.write)
	tables, comments = 0, 0
	for _, s := range b.Sheets {
		for i := range s.Tables {
			tables++
			p.part(fmt.Sprintf("xl/tables/table%d.xml", tables), s.Tables[i].xml(tables))
		}
		if len(s.Comments) > 0 {
			comments++
			p.part(fmt.Sprintf("xl/drawings/vmlDrawing%d.vml", comments), vmlXML(s.Comments))
			p.part(fmt.Sprintf("xl/comments%d.xml", comments), commentsXML(s.Comments))
		}
	}
	if b.CalcChain {
		p.part("xl/calcChain.xml", b.calcChainXML())
	}
	p.part("docProps/core.xml", b.coreXML())
	p.part("docProps/app.xml", b.appXML())
	if p.err != nil {
		return p.err
	}
	return z.Close()
}

// check refuses what Excel would refuse: it is the generator's guard against a
// workbook that looks well and does not open.
func (b *Book) check() error {
	if len(b.Sheets) == 0 {
		return errors.New("genbook: a workbook needs at least one sheet")
	}
	seen := map[string]bool{}
	shown := false
	for _, s := range b.Sheets {
		key := strings.ToLower(s.Name)
		switch {
		case s.Name == "" || utf8.RuneCountInString(s.Name) > 31:
			return fmt.Errorf("genbook: sheet name %q must have 1 to 31 characters", s.Name)
		case strings.ContainsAny(s.Name, `[]:*?/\`) || strings.HasPrefix(s.Name, "'") || strings.HasSuffix(s.Name, "'"):
			return fmt.Errorf("genbook: sheet name %q has a character that Excel refuses", s.Name)
		case seen[key]:
			return fmt.Errorf("genbook: sheet name %q is used twice", s.Name)
		}
		seen[key] = true
		shown = shown || s.Visibility == Visible
		for i, m := range s.Merges {
			for _, o := range s.Merges[:i] {
				if _, both := m.Intersect(o); both {
					return fmt.Errorf("genbook: sheet %q: merged ranges %v and %v overlap", s.Name, o, m)
				}
			}
		}
	}
	if !shown {
		return errors.New("genbook: a workbook needs at least one visible sheet")
	}
	return nil
}

// A packer writes zip entries and keeps the first error.
type packer struct {
	zip *zip.Writer
	err error
}

func (p *packer) part(name, content string) {
	p.stream(name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func (p *packer) stream(name string, write func(io.Writer) error) {
	if p.err != nil {
		return
	}
	// 1980-01-01 00:00 is what Excel writes in every entry.
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	//lint:ignore SA1019 Modified would add an extended timestamp, which Excel does not write
	h.ModifiedDate = 1<<5 | 1
	w, err := p.zip.CreateHeader(h)
	if err == nil {
		err = write(w)
	}
	if err != nil {
		p.err = fmt.Errorf("genbook: %s: %w", name, err)
	}
}

func (p *packer) sheet(b *Book, i int, s *Sheet, tables int) {
	p.stream(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), func(out io.Writer) error {
		w := &Writer{out: out, book: b, sheet: i, row: -1}
		w.buf = append(w.buf, s.head(i == b.activeSheet())...)
		if s.Rows != nil {
			if err := s.Rows(w); err != nil {
				return err
			}
		}
		w.endRow()
		w.buf = append(w.buf, s.tail(&b.styles, tables)...)
		w.flush()
		return w.err
	})
}

func (b *Book) activeSheet() int {
	for i, s := range b.Sheets {
		if s.Visibility == Visible {
			return i
		}
	}
	return 0
}
