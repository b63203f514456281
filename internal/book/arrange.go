package book

import (
	"encoding/json"

	"gridflow/internal/grid"
)

// Arrange changes what a sheet has besides its cells. A part that is nil stays as it is; one that is given
// replaces all that there was of it, but for Rows.
type Arrange struct {
	Sheet string `json:"sheet"` // its name; case does not matter

	Columns *[]grid.ColumnSpan `json:"columns,omitempty"` // widths, and what is hidden or grouped; ascending and apart. They keep their styles
	View    *grid.View         `json:"view,omitempty"`    // frozen panes, zoom, grid lines
	Merges  *Ranges            `json:"merges,omitempty"`  // merged cells
	Rows    *[]grid.RowSpan    `json:"rows,omitempty"`    // what these rows are, and no others; ascending and apart

	TabColor   *string               `json:"tab_color,omitempty"` // as xf.Color has it; "" takes it away
	Margins    *grid.PageMargins     `json:"margins,omitempty"`
	Setup      *grid.PageSetup       `json:"setup,omitempty"`
	Breaks     *grid.PageBreaks      `json:"breaks,omitempty"`
	Edges      *grid.HeaderFooter    `json:"edges,omitempty"`
	Protection *grid.SheetProtection `json:"protection,omitempty"`

	Validations *[]grid.Validation        `json:"validations,omitempty"`
	Conditional *[]grid.ConditionalFormat `json:"conditional,omitempty"` // rules of conditional formatting
	Hyperlinks  *[]grid.Hyperlink         `json:"hyperlinks,omitempty"`
	Filter      *grid.Filter              `json:"filter,omitempty"`
	Comments    *[]grid.Comment           `json:"comments,omitempty"` // notes, and threads, which no edit changes
}

// part is one part of what a sheet has besides its cells. Its functions look at that part alone.
type part struct {
	name  string
	given func(o *Arrange) bool
	check func(o *Arrange) *Error // what is wrong with it whatever the sheet is
	// fits finds what is wrong with it on a sheet as the operations before left it; nil: nothing can be.
	fits  func(o *Arrange, d *draft, index int, sheet *grid.Sheet) error
	apply func(o *Arrange, l *grid.Layout)
	// change sets the part in o where two layouts differ in it.
	change func(o *Arrange, was, is *grid.Layout)
	// merge is change from onto to what it becomes by what from changed of base: see mergeLayouts.
	merge func(o *Arrange, base, onto, from *grid.Layout, wins bool)
}

// parts are all of them, in the order in which they are told.
var parts = [...]part{
	columnsPart,
	viewPart,
	mergesPart,
	validationsPart,
	conditionalPart,
	hyperlinksPart,
	commentsPart,
	filterPart,
	rowsPart,
	tabPart,
	marginsPart,
	setupPart,
	breaksPart,
	edgesPart,
	protectionPart,
}

func (o Arrange) kind() opKind { return kindArrange }

// appendTo appends the body as JSON: it has many parts, of which there will be more.
func (o Arrange) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeArrange(d *decoder) Op {
	var o Arrange
	d.json(&o)
	return o
}

func (o Arrange) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	for i := range parts {
		if p := &parts[i]; p.given(&o) {
			if err := p.check(&o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o Arrange) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	l := *sheet.Layout
	for k := range parts {
		p := &parts[k]
		if !p.given(&o) {
			continue
		}
		if p.fits != nil {
			if err := p.fits(&o, d, i, sheet); err != nil {
				return err
			}
		}
		p.apply(&o, &l)
	}
	if _, same := arranged(sheet.Layout, &l); same {
		return nil
	}
	d.hid = d.hid || hides(sheet.Layout, &l)
	d.put(i, sheet, sheet.WithLayout(&l))
	return nil
}

// arranged gives what makes of one layout the other; same is true where they are.
func arranged(was, is *grid.Layout) (o Arrange, same bool) {
	if was == is {
		return o, true
	}
	for i := range parts {
		parts[i].change(&o, was, is)
	}
	return o, o == (Arrange{})
}

// Rearranged gives what changed in the layout of a sheet of cur since base, of which cur is a version;
// ok is false where nothing did.
func Rearranged(base, cur *grid.Sheet, name string) (o Arrange, ok bool) {
	o, same := arranged(base.Layout, cur.Layout)
	o.Sheet = name
	return o, !same
}

// mergeLayouts gives what brings to the layout of onto what from changed of base: of columns each
// property by itself, so that a width that one sets takes none away that the other has set. Where both
// changed the same, it stays as onto has it, unless wins says that from has the say. The styles
// of columns and rows are those of onto: see mergeLines.
func mergeLayouts(name string, base, onto, from *grid.Layout, wins bool) (o Arrange, ok bool) {
	changed, same := arranged(base, from)
	if same {
		return o, false
	}
	for i := range parts {
		if p := &parts[i]; p.given(&changed) {
			p.merge(&o, base, onto, from, wins)
		}
	}
	ok = o != (Arrange{})
	o.Sheet = name
	return o, ok
}

// mergedProperty gives what a property of onto becomes that was one thing in base, is one in onto and went to one in from.
func mergedProperty[T comparable](was, is, to T, wins bool) T {
	if to != was && (wins || is == was) {
		return to
	}
	return is
}

// Parts names what differs between two layouts, of that which edits can change: "columns", "view", ….
func Parts(was, is *grid.Layout) []string {
	o, _ := arranged(was, is)
	return o.Parts()
}

// Parts names what o changes of a layout.
func (o Arrange) Parts() (list []string) {
	for i := range parts {
		if parts[i].given(&o) {
			list = append(list, parts[i].name)
		}
	}
	return list
}
