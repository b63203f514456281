package textfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx"
)

// sniffBytes is how much of a file decides about its encoding and its separator.
const sniffBytes = 64 << 10

// File is an open text file. It may be used from any number of goroutines.
type File struct {
	src   io.ReaderAt
	size  int64
	book  *grid.Workbook
	comma rune
	utf8  bool
	utf16 bool
	cr    bool // lines end with a carriage return alone
	sheet lazy.Load[*grid.Sheet]
	bytes atomic.Int64

	pending atomic.Int64 // what the load under way may come to take
	changed func()       // told when a load begins or has ended; nil: nobody is
}

// OnLoad has fn called when a load begins, and when it has ended; see [xlsx.File.OnLoad].
func (f *File) OnLoad(fn func()) { f.changed = fn }

// Loading is about how much memory the load under way may come to take.
func (f *File) Loading() int64 { return f.pending.Load() }

// Unread is about how much memory the sheet may come to take, 0 if it has been read.
func (f *File) Unread(string) int64 {
	if _, ready := f.sheet.Peek(); ready {
		return 0
	}
	return f.size
}

// load is read, with its memory told of before and after.
func (f *File) load(ctx context.Context, p *lazy.Publisher[*grid.Sheet]) (*grid.Sheet, error) {
	tell := func(pending int64) {
		f.pending.Add(pending)
		if f.changed != nil {
			f.changed()
		}
	}
	tell(f.size)
	defer tell(-f.size)
	return f.read(ctx, p)
}

// Open looks at the beginning of the file in src, which has size bytes and must not
// change while the File is in use. The sheet is read when it is asked for.
func Open(ctx context.Context, src io.ReaderAt, size int64, name string) (*File, error) {
	head := make([]byte, min(size, sniffBytes))
	if n, err := src.ReadAt(head, 0); n < len(head) && err != io.EOF {
		return nil, err
	} else {
		head = head[:n]
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return nil, &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "it is a zip file, probably a workbook with the wrong extension", Hint: "Rename it to .xlsx"}
	}
	f := &File{src: src, size: size}
	f.utf16 = bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF})
	f.utf8 = !f.utf16 && validUTF8(head)
	if !f.utf16 && bytes.IndexByte(head, 0) >= 0 {
		return nil, &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "it holds binary data, not text", Hint: "Check what kind of file it is"}
	}
	text, err := io.ReadAll(f.decode(bytes.NewReader(head)))
	if err != nil {
		return nil, err
	}
	f.cr = bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0
	if f.cr {
		text = bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'})
	}
	if comma, _, ok := separatorLine(text); ok {
		f.comma = comma
	} else {
		f.comma = separator(text, strings.EqualFold(path.Ext(name), ".tsv"))
	}
	f.book = &grid.Workbook{
		Dates:  numfmt.Date1900,
		Sheets: []grid.SheetInfo{{Name: sheetName(name), SheetID: 1, Bytes: size}},
		Styles: styles(),
	}
	return f, ctx.Err()
}

// validUTF8 reports whether head is UTF-8, but for a character that its end cuts.
func validUTF8(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut <= len(head); cut++ {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

// decode gives the text of r in UTF-8 without a byte order mark.
func (f *File) decode(r io.Reader) io.Reader {
	switch {
	case f.utf16:
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	case f.utf8:
		return transform.NewReader(r, unicode.UTF8BOM.NewDecoder())
	}
	return transform.NewReader(r, charmap.Windows1252.NewDecoder())
}

// text gives the lines of the file in UTF-8, without one that names the separator.
func (f *File) text() *bufio.Reader {
	var r io.Reader = f.decode(io.NewSectionReader(f.src, 0, f.size))
	if f.cr {
		r = carriageReturns{r}
	}
	b := bufio.NewReaderSize(r, 256<<10)
	if head, _ := b.Peek(len(`"sep=;"` + "\r\n")); len(head) > 0 {
		if _, n, ok := separatorLine(head); ok {
			b.Discard(n)
		}
	}
	return b
}

// carriageReturns makes line ends of carriage returns, where these stand alone.
type carriageReturns struct{ r io.Reader }

func (c carriageReturns) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	for i, x := range b[:n] {
		if x == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}

// separatorLine reads a first line such as sep=; which tells Excel the separator and is
// no row. n is its length with its end.
func separatorLine(text []byte) (comma rune, n int, ok bool) {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	n = min(len(line)+1, len(text))
	line = bytes.Trim(bytes.TrimSuffix(line, []byte{'\r'}), `"`)
	value, ok := bytes.CutPrefix(line, []byte("sep="))
	if !ok || len(value) != 1 || value[0] < ' ' && value[0] != '\t' || value[0] >= utf8.RuneSelf || value[0] == '"' {
		return 0, 0, false
	}
	return rune(value[0]), n, true
}

// separator gives the character that separates the fields: the one that stands in the
// first lines, outside of quotes, most evenly.
func separator(text []byte, tabs bool) rune {
	best, bestScore := ',', 0
	candidates := ",;\t|"
	if tabs {
		best, candidates = '\t', "\t,;|"
	}
	for _, c := range candidates {
		score, first := 0, -1
		for n, line := range bytes.SplitN(text, []byte("\n"), 22) {
			if n == 21 || len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			count := outsideQuotes(line, byte(c))
			if first < 0 {
				first = count
			}
			if count > 0 {
				score++
			}
			if count == first && count > 0 {
				score += 2
			}
		}
		// Of two that are equally even, the one that makes more fields.
		score = score*1000 + max(0, min(first, 999))
		if score > bestScore && score >= 1000 {
			best, bestScore = c, score
		}
	}
	return best
}

func outsideQuotes(line []byte, c byte) (n int) {
	quoted := false
	for _, b := range line {
		switch b {
		case '"':
			quoted = !quoted
		case c:
			if !quoted {
				n++
			}
		}
	}
	return n
}

// sheetName makes of a file name a name that a sheet may have.
func sheetName(name string) string {
	name = strings.TrimSuffix(name, path.Ext(name))
	name = strings.Map(func(c rune) rune {
		if strings.ContainsRune(`:\/?*[]`, c) || c < ' ' {
			return '_'
		}
		return c
	}, strings.Trim(name, "'"))
	if r := []rune(name); len(r) > 31 {
		name = string(r[:31])
	}
	if name == "" {
		return "Sheet1"
	}
	return name
}

// The styles of a text file's cells.
const (
	styleGeneral uint32 = iota
	styleDate
	styleDateTime
)

func styles() *grid.Styles {
	s := &grid.Styles{Fonts: []grid.Font{{Name: "Calibri", Size: 11}}, Fills: []grid.Fill{{Pattern: "none"}}, Borders: []grid.Border{{}}}
	for id, code := range []string{"General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"} {
		s.Xfs = append(s.Xfs, grid.Xf{NumFmtID: [...]int{0, 164, 165}[id], NumFmt: code, Font: &s.Fonts[0], Fill: &s.Fills[0], Border: &s.Borders[0], NamedStyle: -1})
		s.Formats = append(s.Formats, numfmt.Compile(code))
	}
	return s
}

// Workbook gives what is known without reading the sheet.
func (f *File) Workbook() *grid.Workbook { return f.book }

// Tables gives none: text files have none.
func (f *File) Tables(ctx context.Context) ([]grid.Table, error) { return nil, ctx.Err() }

// MemoryBytes is about what the file keeps alive now.
func (f *File) MemoryBytes() int64 { return 4<<10 + f.bytes.Load() }

// Stop says that nobody will read more of the file: a load that nobody waits for stops.
func (f *File) Stop() { f.sheet.Stop() }

// Sheet gives the sheet, complete down to row lastRow at least; see book.Source.
func (f *File) Sheet(ctx context.Context, _, lastRow int) (*grid.Sheet, error) {
	mark := lazy.Whole
	if lastRow < cell.MaxRows-1 {
		mark = lastRow + 1
	}
	return f.sheet.Wait(ctx, mark, f.load)
}

// Rows gives the sheet, complete down to row lastRow at least: a text file has no index.
func (f *File) Rows(ctx context.Context, i, _, lastRow int) (*grid.Sheet, error) {
	return f.Sheet(ctx, i, lastRow)
}

func (f *File) read(ctx context.Context, p *lazy.Publisher[*grid.Sheet]) (*grid.Sheet, error) {
	b := grid.NewBuilder(f.book.Sheets[0].Name)
	n := 0
	err := f.EachRow(ctx, func(row int, fields []string) error {
		if n++; n&1023 == 0 {
			if rows := b.SealedRows(); rows > 0 && p.Wanted(rows) {
				p.Publish(b.Sheet(nil, nil), rows)
			}
		}
		for col, text := range fields {
			if text == "" {
				continue
			}
			if err := put(b, cell.Ref{Row: row, Col: col}, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := b.Finish(nil)
	f.bytes.Add(s.MemoryBytes())
	return s, nil
}

// EachRow calls do with the fields of each row that is not empty, as they are written, in order. The fields are
// valid until do comes back.
func (f *File) EachRow(ctx context.Context, do func(row int, fields []string) error) error {
	r := csv.NewReader(f.text())
	r.Comma, r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = f.comma, -1, true, true
	row, nextLine := 0, 1
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// The reader passes over empty lines, which part one block of rows from the next:
		// they stay empty rows.
		line, _ := r.FieldPos(0)
		row += line - nextLine
		if row >= cell.MaxRows || len(fields) > cell.MaxCols {
			return &xlsx.Error{Code: xlsx.TooLarge, Offset: -1, Message: fmt.Sprintf("line %d: a sheet has room for %d rows of %d fields", line, cell.MaxRows, cell.MaxCols), Hint: "Split the file"}
		}
		if err := do(row, fields); err != nil {
			return err
		}
		last := len(fields) - 1
		line, _ = r.FieldPos(last)
		nextLine = line + strings.Count(fields[last], "\n") + 1
		row++
	}
}

// put stores a field as what it says.
func put(b *grid.Builder, r cell.Ref, text string) error {
	switch {
	case text == "TRUE" || text == "true" || text == "True":
		return b.Bool(r, styleGeneral, true)
	case text == "FALSE" || text == "false" || text == "False":
		return b.Bool(r, styleGeneral, false)
	}
	if c := text[0]; c >= '0' && c <= '9' || c == '-' || c == '.' {
		if n, ok := number(text); ok {
			return b.Number(r, styleGeneral, n)
		}
		if serial, kind, ok := numfmt.ParseISO(text, numfmt.Date1900); ok {
			// A clock time alone may as well be a score or a ratio.
			switch kind {
			case numfmt.Date:
				return b.Number(r, styleDate, serial)
			case numfmt.Datetime:
				return b.Number(r, styleDateTime, serial)
			}
		}
	}
	if e, ok := cell.ParseError(text); ok {
		return b.Error(r, styleGeneral, e)
	}
	return b.Text(r, styleGeneral, []byte(text))
}
