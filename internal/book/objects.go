package book

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// ObjectSource is what a Source also is if its workbooks may have charts, pictures and the like.
type ObjectSource interface {
	// Objects gives those of sheet i, or with -1 those of the workbook.
	Objects(ctx context.Context, i int) ([]grid.Object, error)
	// Media gives the content of a picture, which must not be larger than limit.
	Media(ctx context.Context, part string, limit int64) ([]byte, error)
}

// ArrangeObjects takes charts and pictures away from a sheet and puts others on it.
type ArrangeObjects struct {
	Sheet  string      `json:"sheet"`
	Remove []string    `json:"remove,omitempty"` // ids, as Objects gives them
	Add    []NewObject `json:"add,omitempty"`    // one whose id is that of one which an edit has put there replaces it
}

// NewObject is a chart or a picture that edits put on a sheet.
type NewObject struct {
	ID     string      `json:"id"` // that no other object of the workbook has
	Name   string      `json:"name"`
	Text   string      `json:"text,omitempty"` // what it shows, for who does not see it
	Anchor ObjectPlace `json:"anchor"`
	Chart  *grid.Chart `json:"chart,omitempty"`

	Format string `json:"format,omitempty"` // of a picture: "png", "jpeg" or "gif"
	Width  int    `json:"width,omitempty"`  // of a picture, in pixels
	Height int    `json:"height,omitempty"`
	Image  []byte `json:"-"` // what it is; it follows the JSON
}

// ObjectPlace is where an object lies: its upper left corner in a cell, and how large it is, in EMU.
type ObjectPlace struct {
	Cell   string `json:"cell"`
	X      int64  `json:"x,omitempty"` // from the left edge of the cell
	Y      int64  `json:"y,omitempty"`
	Width  int64  `json:"width"`
	Height int64  `json:"height"`
}

// The bounds of objects. Excel takes charts of up to 255 series.
const (
	MaxImage   = 8 << 20 // bytes of a picture
	MaxSeries  = 255
	MaxObjects = 1000 // that edits have put into a workbook
	maxSide    = 20 * 12 * grid.EMUPerInch
)

// ChartTypes are the types of chart that can be made.
var ChartTypes = []string{"column", "bar", "line", "area", "pie", "scatter"}

// addedObject is an object that edits have put on a sheet.
type addedObject struct {
	sheet int
	NewObject
}

// removedObject is an object of the source that is no more.
type removedObject struct {
	sheet int
	id    string
}

// objectStates are what edits did to the objects of a workbook. It is never changed.
type objectStates struct {
	added   []addedObject
	removed []removedObject
}

func (o ArrangeObjects) kind() opKind { return kindArrangeObjects }

// appendTo appends the body as JSON, and then the picture of each object, empty where it is none.
func (o ArrangeObjects) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	b = appendText(b, string(text))
	for i := range o.Add {
		b = binary.AppendUvarint(b, uint64(len(o.Add[i].Image)))
		b = append(b, o.Add[i].Image...)
	}
	return b
}

func decodeArrangeObjects(d *decoder) Op {
	var o ArrangeObjects
	d.json(&o)
	for i := range o.Add {
		if image := d.take(d.count(1)); len(image) > 0 {
			o.Add[i].Image = slices.Clone(image)
		}
	}
	return o
}

func (o ArrangeObjects) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	for i := range o.Add {
		if err := o.Add[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// check finds what is wrong with an object wherever it is put.
func (n *NewObject) check() *Error {
	ref, ok := cell.ParseRef(n.Anchor.Cell)
	a := n.Anchor
	switch {
	case n.ID == "" || utf16Longer(n.ID, MaxColumnName) || utf16Longer(n.Name, MaxColumnName):
		return errorf(BadObject, "", "an object has no id, or a name that is too long")
	case !ok || !ref.Valid():
		return errorf(BadObject, "Write a cell such as B2.", "%q is no cell for an object to lie at", a.Cell)
	case a.X < 0 || a.Y < 0 || a.X > maxSide || a.Y > maxSide || a.Width <= 0 || a.Height <= 0 || a.Width > maxSide || a.Height > maxSide:
		return errorf(BadObject, "Give a size between 1 and 23000 pixels.", "an object cannot be %d by %d pixels large", a.Width/grid.EMUPerPixel, a.Height/grid.EMUPerPixel)
	case (n.Chart == nil) == (len(n.Image) == 0):
		return errorf(BadObject, "", "an object is either a chart or a picture")
	case n.Chart == nil && (!slices.Contains([]string{"png", "jpeg", "gif"}, n.Format) || n.Width <= 0 || n.Height <= 0):
		return errorf(BadObject, "Give a PNG, JPEG or GIF picture.", "%q is no format of pictures that can be put into a workbook", n.Format)
	case len(n.Image) > MaxImage:
		return errorf(TooLong, "Make it smaller first.", "the picture has %d bytes, more than %d", len(n.Image), MaxImage)
	}
	if n.Chart != nil {
		return checkChart(n.Chart)
	}
	return nil
}

func checkChart(c *grid.Chart) *Error {
	switch {
	case len(c.Types) != 1 || !slices.Contains(ChartTypes, c.Types[0]):
		return errorf(BadObject, "There are column, bar, line, area, pie and scatter charts.", "charts of the type %q cannot be made", c.Types)
	case len(c.Series) == 0:
		return errorf(BadObject, "Name the cells of its values.", "the chart has no series")
	case len(c.Series) > MaxSeries:
		return errorf(TooMany, "Show fewer.", "the chart has %d series, and a chart shows %d at most", len(c.Series), MaxSeries)
	}
	for _, s := range c.Series {
		for _, text := range [...]string{s.Values, s.Categories, s.NameRef} {
			if text == "" {
				continue
			}
			if err := checkFormula(text); err != nil {
				return err
			}
			tree, err := formula.Parse(text)
			if err != nil || !referring(tree.Root) {
				return errorf(BadObject, "Name a range, such as Sheet1!$B$2:$B$9.", "%q names no cells for a chart", text)
			}
		}
		if s.Values == "" {
			return errorf(BadObject, "Name the cells of its values.", "a series of the chart has no values")
		}
	}
	return nil
}

// referring reports whether an expression is a reference to cells, or several.
func referring(n *formula.Node) bool {
	switch n.Kind {
	case formula.Paren, formula.Binary:
		for _, k := range n.Kids {
			if !referring(k) {
				return false
			}
		}
		return n.Kind == formula.Paren || n.Op == formula.OpUnion
	case formula.Ref:
		return n.Ref.Kind != formula.TableRef
	}
	return false
}

func (o ArrangeObjects) apply(d *draft) error {
	i, wrong := d.next.worksheet(o.Sheet)
	if wrong != nil {
		return wrong
	}
	var is objectStates
	if d.next.objects != nil {
		is = objectStates{slices.Clone(d.next.objects.added), slices.Clone(d.next.objects.removed)}
	}
	for _, id := range o.Remove {
		if k := slices.IndexFunc(is.added, func(a addedObject) bool { return a.sheet == i && a.ID == id }); k >= 0 {
			is.added = slices.Delete(is.added, k, k+1)
			continue
		}
		if !d.again {
			list, err := d.next.Objects(d.ctx, i)
			if err != nil {
				return err
			}
			k := slices.IndexFunc(list, func(x grid.Object) bool { return x.ID == id })
			switch {
			case id == "" || k < 0:
				return errorf(BadObject, "Take an id from list_objects.", "sheet %q has no object %q", o.Sheet, id)
			case list[k].Grouped:
				return errorf(BadObject, "Remove it in a spreadsheet program.", "object %q is a part of a group", id)
			}
		}
		if x := (removedObject{i, id}); !slices.Contains(is.removed, x) {
			is.removed = append(is.removed, x)
		}
	}
	var there []grid.Object // of the source
	if len(o.Add) > 0 && !d.again {
		var err error
		if there, err = d.next.Stored().Objects(d.ctx, i); err != nil {
			return err
		}
	}
	for _, n := range o.Add {
		if slices.ContainsFunc(there, func(x grid.Object) bool { return x.ID == n.ID }) {
			return errorf(BadObject, "", "there is an object %q already", n.ID)
		}
		k := slices.IndexFunc(is.added, func(a addedObject) bool { return a.ID == n.ID })
		switch {
		case k >= 0 && is.added[k].sheet != i:
			return errorf(BadObject, "", "object %q is on another sheet", n.ID)
		case k >= 0:
			is.added[k] = addedObject{i, n}
		default:
			is.added = append(is.added, addedObject{i, n})
		}
	}
	if len(is.added) > MaxObjects {
		return errorf(TooMany, "Save the workbook and go on with the saved one.", "more than %d objects were added", MaxObjects)
	}
	d.next.objects = &is
	return nil
}

// Objects gives what lies on sheet i besides cells and tables, what edits have put there last; with -1 what
// belongs to the workbook. The list is not to be changed.
func (s *Snapshot) Objects(ctx context.Context, i int) ([]grid.Object, error) {
	var list []grid.Object
	if src, ok := s.src.(ObjectSource); ok {
		var err error
		if list, err = src.Objects(ctx, i); err != nil {
			return nil, err
		}
	}
	if s.objects == nil {
		return list, nil
	}
	list = slices.DeleteFunc(slices.Clone(list), func(o grid.Object) bool {
		return o.ID != "" && slices.Contains(s.objects.removed, removedObject{i, o.ID})
	})
	for k := range s.objects.added {
		if a := &s.objects.added[k]; a.sheet == i {
			list = append(list, a.object())
		}
	}
	return list, nil
}

// object gives an added object as one that is read.
func (a *addedObject) object() grid.Object {
	o := grid.Object{ID: a.ID, Kind: grid.ChartObject, Sheet: a.sheet, Name: a.Name, Text: a.Text, Anchored: true, Chart: a.Chart}
	if a.Chart == nil {
		o.Kind, o.Image = grid.ImageObject, &grid.Image{Format: a.Format, Bytes: int64(len(a.Image)), Width: a.Width, Height: a.Height}
	}
	at, _ := cell.ParseRef(a.Anchor.Cell)
	o.Anchor = grid.Anchor{From: at, To: at, FromX: a.Anchor.X, FromY: a.Anchor.Y, Width: a.Anchor.Width, Height: a.Anchor.Height, MoveWithCells: true}
	return o
}

// Added gives an object that an edit has put on a sheet.
func (s *Snapshot) Added(sheet int, id string) (NewObject, bool) {
	if s.objects != nil {
		for _, a := range s.objects.added {
			if a.sheet == sheet && a.ID == id {
				return a.NewObject, true
			}
		}
	}
	return NewObject{}, false
}

// Picture gives the content of a picture that Objects has given, which must not be larger than limit.
func (s *Snapshot) Picture(ctx context.Context, o *grid.Object, limit int64) ([]byte, error) {
	if n, ok := s.Added(o.Sheet, o.ID); ok {
		if int64(len(n.Image)) > limit {
			return nil, errorf(TooLong, "", "the picture has %d bytes", len(n.Image))
		}
		return n.Image, nil
	}
	src, ok := s.src.(ObjectSource)
	if !ok || o.Part == "" {
		return nil, errorf(BadObject, "", "%q has no picture", o.Name)
	}
	return src.Media(ctx, o.Part, limit)
}

// ArrangedObjects gives what makes of the objects of the source those of s, sheet by sheet.
func (s *Snapshot) ArrangedObjects() (ops []ArrangeObjects) {
	if s.objects == nil {
		return nil
	}
	return arrangeObjects(&objectStates{}, s.objects, s.Workbook())
}

// arrangeObjects gives what makes of one state the other, of the same source.
func arrangeObjects(was, is *objectStates, book *grid.Workbook) (ops []ArrangeObjects) {
	if was == nil {
		was = &objectStates{}
	}
	if is == nil {
		is = &objectStates{}
	}
	for i, info := range book.Sheets {
		o := ArrangeObjects{Sheet: info.Name}
		for _, a := range was.added {
			if a.sheet == i && !slices.ContainsFunc(is.added, func(b addedObject) bool { return b.ID == a.ID && b.sheet == i }) {
				o.Remove = append(o.Remove, a.ID)
			}
		}
		for _, r := range is.removed {
			if r.sheet == i && !slices.Contains(was.removed, r) {
				o.Remove = append(o.Remove, r.id)
			}
		}
		for _, a := range is.added {
			if a.sheet == i && !slices.ContainsFunc(was.added, func(b addedObject) bool { return b.sheet == i && reflect.DeepEqual(a, b) }) {
				o.Add = append(o.Add, a.NewObject)
			}
		}
		if len(o.Remove)+len(o.Add) > 0 {
			ops = append(ops, o)
		}
	}
	return ops
}

// mergeObjects gives what theirs did to objects since base that ours did not. Of an object that both put
// there or changed, that of ours stays.
func mergeObjects(base, ours, theirs *Snapshot) (ops []Op) {
	if theirs.objects == base.objects {
		return nil
	}
	var mine objectStates
	if ours.objects != nil {
		mine = *ours.objects
	}
	was := base.objects
	if was == nil {
		was = &objectStates{}
	}
	for _, o := range arrangeObjects(base.objects, theirs.objects, ours.Workbook()) {
		i, _ := ours.SheetIndex(o.Sheet)
		here := func(list []addedObject, id string) int {
			return slices.IndexFunc(list, func(a addedObject) bool { return a.sheet == i && a.ID == id })
		}
		o.Remove = slices.DeleteFunc(o.Remove, func(id string) bool {
			added, k := here(was.added, id), here(mine.added, id)
			if added >= 0 {
				return k < 0 || !reflect.DeepEqual(was.added[added], mine.added[k])
			}
			return slices.Contains(mine.removed, removedObject{i, id})
		})
		o.Add = slices.DeleteFunc(o.Add, func(n NewObject) bool {
			k, old := here(mine.added, n.ID), here(was.added, n.ID)
			switch {
			case old < 0:
				return k >= 0 // both put it there
			case k < 0:
				return true // ours took it away
			}
			return !reflect.DeepEqual(was.added[old], mine.added[k])
		})
		if len(o.Remove)+len(o.Add) > 0 {
			ops = append(ops, o)
		}
	}
	return ops
}

// rebaseObjects gives what ours did to objects of its source as edits of onto, another revision: what lies
// at cells follows them, and so do the cells that charts show. A chart whose cells are gone stays behind, and
// so does the removal of an object that is another one there.
func rebaseObjects(ctx context.Context, c *comparison, ours, onto *Snapshot) (ops []Op, err error) {
	for _, o := range ours.ArrangedObjects() {
		old, _ := ours.SheetIndex(o.Sheet)
		pair, ok := c.byOld[old]
		if !ok {
			continue
		}
		p := c.pairs[pair]
		was, err := ours.Stored().Objects(ctx, old)
		if err != nil {
			return nil, err
		}
		are, err := onto.Objects(ctx, p.new)
		if err != nil {
			return nil, err
		}
		is := ArrangeObjects{Sheet: p.name}
		for _, id := range o.Remove {
			find := func(list []grid.Object) int {
				return slices.IndexFunc(list, func(o grid.Object) bool { return o.ID == id })
			}
			if i, k := find(was), find(are); i >= 0 && k >= 0 && was[i].Kind == are[k].Kind && was[i].Name == are[k].Name {
				is.Remove = append(is.Remove, id)
			}
		}
		r := rebase{comparison: c, pair: pair}
		if r.was, err = c.base.Sheet(ctx, p.old); err != nil {
			return nil, err
		}
		if r.theirs, err = onto.Sheet(ctx, p.new); err != nil {
			return nil, err
		}
		if r.rows, err = c.alignment(pair); err != nil {
			return nil, err
		}
		for _, n := range o.Add {
			at, _ := cell.ParseRef(n.Anchor.Cell)
			row, ok := r.row(at.Row)
			if !ok {
				row = at.Row
			}
			n.Anchor.Cell = cell.Ref{Row: row, Col: at.Col}.String()
			if n.Chart != nil {
				chart := *n.Chart
				chart.Series = slices.Clone(chart.Series)
				whole := true
				for k := range chart.Series {
					s := &chart.Series[k]
					for _, text := range [...]*string{&s.NameRef, &s.Categories, &s.Values} {
						if *text != "" {
							var ok bool
							*text, ok = c.moved(*text, pair)
							whole = whole && ok
						}
					}
				}
				if !whole {
					continue
				}
				n.Chart = &chart
			}
			is.Add = append(is.Add, n)
		}
		if len(is.Remove)+len(is.Add) > 0 {
			ops = append(ops, is)
		}
	}
	return ops, nil
}

// objects yields the sheets on which charts and pictures are others, of two states of a line.
func (c *comparison) objects(yield func(Change, error) bool) bool {
	if !c.line || c.base.objects == c.cur.objects {
		return true
	}
	for _, o := range arrangeObjects(c.base.objects, c.cur.objects, c.cur.Workbook()) {
		if c.wanted(o.Sheet) && !yield(Change{Kind: LayoutModified, Sheet: o.Sheet, Name: "objects"}, nil) {
			return false
		}
	}
	return true
}

// What a table's column and an object take in memory, about, besides a picture.
const (
	tableColumnBytes = 160
	objectBytes      = 1 << 10
)

// objectBytes is about what the tables and objects of s keep alive besides those of old. Versions share
// the pictures that they have in common.
func (s *Snapshot) objectBytes(old *Snapshot) (n int64) {
	if s.tables != nil && (old == nil || old.tables != s.tables) {
		for i := range s.tables.tables {
			n += int64(len(s.tables.tables[i].Columns)) * tableColumnBytes
		}
	}
	if s.objects == nil || old != nil && old.objects == s.objects {
		return n
	}
	for i := range s.objects.added {
		a := &s.objects.added[i]
		n += objectBytes
		shared := old != nil && old.objects != nil && slices.ContainsFunc(old.objects.added, func(b addedObject) bool {
			return len(a.Image) > 0 && len(b.Image) == len(a.Image) && &b.Image[0] == &a.Image[0]
		})
		if !shared {
			n += int64(len(a.Image))
		}
	}
	return n
}
