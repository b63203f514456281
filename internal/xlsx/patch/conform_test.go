package patch

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// conforms says why Excel would repair a sheet's part: what its cells have that the schema
// (ECMA-376 part 1, CT_Worksheet, CT_Row, CT_Cell, CT_CellFormula) does not, or what is not
// where it has to be.
func conforms(doc []byte) error {
	d := xml.NewDecoder(bytes.NewReader(doc))
	c := conformity{last: -1, masters: map[string]bool{}}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return c.end()
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = c.start(t)
		case xml.EndElement:
			err = c.close()
		}
		if err != nil {
			return fmt.Errorf("near byte %d: %w", d.InputOffset(), err)
		}
	}
}

// conformity is how far conforms has read.
type conformity struct {
	path      []string
	last      int // in the order of the worksheet's children
	row, col  int // the last ones, from 1
	spans     []string
	child     int // of the cell, in their order
	kind      string
	cm        bool
	formula   bool
	value     string // the cell's element for it
	dimension cell.Range
	hasDim    bool
	used      []cell.Ref
	masters   map[string]bool
}

// What stands before and after the cells, in the order of CT_Worksheet. The others are where
// they were.
var worksheetOrder = []string{"sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter",
	"rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst"}

var attributesOf = map[string][]string{
	"row": {"r", "spans", "s", "customFormat", "ht", "hidden", "customHeight", "outlineLevel", "collapsed", "thickTop", "thickBot", "ph"},
	"c":   {"r", "s", "t", "cm", "vm", "ph"},
	"f":   {"t", "aca", "ref", "dt2D", "dtr", "del1", "del2", "r1", "r2", "ca", "si", "bx", "space"},
}

func (c *conformity) start(e xml.StartElement) error {
	parent := ""
	if n := len(c.path); n > 0 {
		parent = c.path[n-1]
	}
	name := e.Name.Local
	c.path = append(c.path, name)
	attributes := map[string]string{}
	for _, a := range e.Attr {
		if a.Name.Space != "" && a.Name.Space != "xml" && a.Name.Local != "space" || a.Name.Local == "xmlns" {
			continue // of another namespace
		}
		if _, twice := attributes[a.Name.Local]; twice {
			return fmt.Errorf("%s has the attribute %s twice", name, a.Name.Local)
		}
		attributes[a.Name.Local] = a.Value
	}
	if known := attributesOf[name]; known != nil && len(c.path) <= 5 {
		for a := range attributes {
			if !slices.Contains(known, a) {
				return fmt.Errorf("%s has the attribute %s", name, a)
			}
		}
	}
	switch depth := len(c.path); {
	case depth == 2:
		i := slices.Index(worksheetOrder, name)
		if i >= 0 && (i < c.last || i == c.last && name != "conditionalFormatting") {
			return fmt.Errorf("%s is out of place", name)
		}
		c.last = max(c.last, i)
		if name == "dimension" {
			c.dimension, c.hasDim = cell.ParseRange(attributes["ref"])
		}
	case depth == 3 && parent == "sheetData":
		row, err := strconv.Atoi(attributes["r"])
		if name != "row" || err != nil || row <= c.row {
			return fmt.Errorf("%s %q after row %d", name, attributes["r"], c.row)
		}
		c.row, c.col, c.spans = row, 0, strings.Fields(attributes["spans"])
	case depth == 4 && parent == "row":
		return c.cell(name, attributes)
	case depth == 5 && parent == "c":
		return c.content(name, attributes)
	}
	return nil
}

func (c *conformity) cell(name string, attributes map[string]string) error {
	if name == "extLst" {
		return nil
	}
	ref, ok := cell.ParseRef(attributes["r"])
	if name != "c" || !ok || ref.Row+1 != c.row || ref.Col+1 <= c.col {
		return fmt.Errorf("%s %q in row %d after column %d", name, attributes["r"], c.row, c.col)
	}
	c.col, c.child, c.kind, c.value, c.formula = ref.Col+1, -1, attributes["t"], "", false
	_, c.cm = attributes["cm"]
	if !slices.Contains([]string{"", "n", "s", "str", "inlineStr", "b", "e", "d"}, c.kind) {
		return fmt.Errorf("%v has the type %q", ref, c.kind)
	}
	if s, ok := attributes["s"]; ok {
		if _, err := strconv.ParseUint(s, 10, 32); err != nil {
			return fmt.Errorf("%v has the style %q", ref, s)
		}
	}
	inside := len(c.spans) == 0
	for _, s := range c.spans {
		from, to, _ := strings.Cut(s, ":")
		m, _ := strconv.Atoi(from)
		n, _ := strconv.Atoi(to)
		inside = inside || m <= c.col && c.col <= n
	}
	if !inside {
		return fmt.Errorf("%v is outside of the spans %q", ref, c.spans)
	}
	c.used = append(c.used, ref)
	return nil
}

func (c *conformity) content(name string, attributes map[string]string) error {
	i := slices.Index([]string{"f", "v", "is", "extLst"}, name)
	if i <= c.child {
		return fmt.Errorf("%s in a cell is unknown or out of place", name)
	}
	c.child = i
	switch name {
	case "v", "is":
		if c.value != "" {
			return errors.New("a cell has two values")
		}
		c.value = name
	case "f":
		c.formula = true
		_, hasRef := cell.ParseRange(attributes["ref"])
		switch t := attributes["t"]; t {
		case "", "normal":
		case "array", "dataTable":
			if !hasRef {
				return fmt.Errorf("a formula of the type %s has no range", t)
			}
		case "shared":
			if hasRef {
				c.masters[attributes["si"]] = true
			} else if !c.masters[attributes["si"]] {
				return fmt.Errorf("the shared formula %q has no master before it", attributes["si"])
			}
		default:
			return fmt.Errorf("a formula has the type %q", t)
		}
	}
	return nil
}

func (c *conformity) close() error {
	if len(c.path) == 4 && c.path[3] == "c" {
		switch {
		case (c.kind == "inlineStr") != (c.value == "is"):
			return fmt.Errorf("a cell of the type %q has the value in %q", c.kind, c.value)
		case c.value == "" && c.kind != "" && c.kind != "n" && !c.formula && c.kind != "s" && c.kind != "str":
			return fmt.Errorf("a cell of the type %q has no value", c.kind)
		case c.cm && !c.formula:
			return errors.New("a cell has metadata of a formula and no formula")
		}
	}
	c.path = c.path[:len(c.path)-1]
	return nil
}

func (c *conformity) end() error {
	for _, r := range c.used {
		if c.hasDim && !c.dimension.Contains(r) {
			return fmt.Errorf("%v is outside of the dimension %v", r, c.dimension)
		}
	}
	return nil
}

// TestConforms: every kind of edit of every kind of cell gives what the schema allows.
func TestConforms(t *testing.T) {
	was := map[string]string{
		"nothing":           ``,
		"an empty cell":     `<c r="C3"/>`,
		"a styled cell":     `<c r="C3" s="1" ph="1"/>`,
		"a number":          `<c r="C3"><v>1</v></c>`,
		"a shared string":   `<c r="C3" t="s" s="2"><v>0</v></c>`,
		"a rich text":       `<c r="C3" t="inlineStr"><is><r><t>a</t></r></is></c>`,
		"a logical value":   `<c r="C3" t="b"><v>1</v></c>`,
		"an error":          `<c r="C3" t="e" vm="1"><v>#VALUE!</v></c>`,
		"a formula":         `<c r="C3" t="str"><f ca="1">B2</f><v>x</v></c>`,
		"a formula, no v":   `<c r="C3"><f>B2</f></c>`,
		"a master":          `<c r="C3"><f t="shared" ref="C3:D3" si="0">B2</f><v>1</v></c>`,
		"an array":          `<c r="C3"><f t="array" ref="C3">B2</f><v>1</v></c>`,
		"a dynamic array":   `<c r="C3" cm="1"><f t="array" ref="C3">_xlfn.SEQUENCE(1)</f><v>1</v></c>`,
		"an extension":      `<c r="C3"><v>1</v><extLst><ext uri="x"/></extLst></c>`,
		"an extended array": `<c r="C3" cm="1" t="str"><f t="array" ref="C3">B2</f><v>1</v><extLst><ext uri="x"/></extLst></c>`,
	}
	c3 := at("C3")
	edits := map[string]CellPatch{
		"goes":                  {Remove: true},
		"a number":              {Value: cell.NumberValue(-1e-9), Style: 1},
		"a text":                {Value: cell.TextValue(" a\r\n")},
		"an empty text":         {Value: cell.TextValue("")},
		"a logical value":       {Value: cell.BoolValue(true)},
		"an error":              {Value: cell.ErrorValue(cell.ErrCalc)},
		"blank":                 {},
		"blank and styled":      {Style: 2},
		"a formula":             {HasFormula: true, Formula: "A1&\"<\""},
		"a formula with a text": {HasFormula: true, Formula: "A1", HasValue: true, Value: cell.TextValue("x")},
		"an array":              {HasFormula: true, Formula: "_xlfn.SEQUENCE(3)", Style: 1},
		"an array with a value": {HasFormula: true, Formula: "_xlfn.SEQUENCE(3)", HasValue: true, Value: cell.NumberValue(1)},
		"another result":        {Keep: KeepFormula, HasValue: true, Value: cell.TextValue("y")},
		"an error as result":    {Keep: KeepFormula, HasValue: true, Value: cell.ErrorValue(cell.ErrNA)},
		"no result":             {Keep: KeepFormula},
		"a style":               {Keep: KeepContent, Style: 2},
	}
	for wasName, old := range was {
		for editName, c := range edits {
			c.Ref = c3
			row := `<row r="3" spans="2:2" ht="20" customHeight="1"><c r="B3"><v>1</v></c>` + old
			dimension := "B3"
			if old != "" {
				row, dimension = strings.Replace(row, "2:2", "2:3", 1), "B3:C3"
			}
			if strings.Contains(old, "shared") {
				row, dimension = strings.Replace(row, "2:3", "2:4", 1)+`<c r="D3"><f t="shared" si="0"/><v>1</v></c>`, "B3:D3"
			}
			doc := `<worksheet ` + main + `><sheetPr/><dimension ref="` + dimension + `"/><sheetViews/><cols/><sheetData><row r="1"/>` + row + `</row><row r="9" spans="1:1"/></sheetData><mergeCells/><pageMargins/></worksheet>`
			if err := conforms([]byte(doc)); err != nil {
				t.Fatalf("%s: %v\nin %s", wasName, err, doc)
			}
			cells := []CellPatch{number("D2", 1), c, number("A9", 2), text("XFD9", "far")}
			b, _ := saved(t, ziptest.Pack(t, parts(doc)), Patch{Sheets: []SheetPatch{{Cells: cells}}})
			if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; conforms([]byte(got)) != nil {
				t.Errorf("%s becomes %s: %v\nin %s", wasName, editName, conforms([]byte(got)), got)
			}
		}
	}
}

// TestConformsFinds: what conforms looks for, it finds.
func TestConformsFinds(t *testing.T) {
	for name, sheet := range map[string]string{
		"a row twice":          `<sheetData><row r="1"/><row r="1"/></sheetData>`,
		"a cell twice":         `<sheetData><row r="1"><c r="A1"/><c r="A1"/></row></sheetData>`,
		"another row":          `<sheetData><row r="1"><c r="A2"/></row></sheetData>`,
		"spans":                `<sheetData><row r="1" spans="1:2"><c r="C1"/></row></sheetData>`,
		"dimension":            `<dimension ref="A1"/><sheetData><row r="1"><c r="C1"/></row></sheetData>`,
		"order":                `<mergeCells/><sheetData/>`,
		"an attribute":         `<sheetData><row r="1"><c r="A1" x="1"/></row></sheetData>`,
		"v before f":           `<sheetData><row r="1"><c r="A1"><v>1</v><f>1</f></c></row></sheetData>`,
		"a type":               `<sheetData><row r="1"><c r="A1" t="x"/></row></sheetData>`,
		"a text elsewhere":     `<sheetData><row r="1"><c r="A1" t="inlineStr"><v>1</v></c></row></sheetData>`,
		"an array's range":     `<sheetData><row r="1"><c r="A1"><f t="array">1</f></c></row></sheetData>`,
		"a master":             `<sheetData><row r="1"><c r="A1"><f t="shared" si="0"/></c></row></sheetData>`,
		"metadata for nothing": `<sheetData><row r="1"><c r="A1" cm="1"/></row></sheetData>`,
	} {
		if conforms([]byte(`<worksheet `+main+`>`+sheet+`</worksheet>`)) == nil {
			t.Errorf("%s is not found", name)
		}
	}
}
