package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type listObjectsIn struct {
	Book
	Sheet  string   `json:"sheet_name" doc:"Only those of this sheet"`
	Kinds  []string `json:"kinds" enum:"chart|image|shape|diagram|slicer|pivot_table|sparklines|control|embedded_object|external_link" doc:"All unless given"`
	Show   string   `json:"show_image" doc:"The object_id of a picture that is to be seen"`
	Limit  int      `json:"limit" default:"100" min:"1" max:"1000"`
	Offset int      `json:"offset" default:"0" min:"0"`
}

type listObjectsOut struct {
	Cut
	WorkbookID string       `json:"workbook_id"`
	Objects    []objectItem `json:"objects"`
	Total      int          `json:"total_objects"`
	NextOffset int          `json:"next_offset,omitempty"`

	shown []Image
}

func (o *listObjectsOut) images() []Image { return o.shown }

// objectItem is what is told of an object.
type objectItem struct {
	ID     string      `json:"object_id,omitempty"` // what chart_batch and image_batch call it
	Kind   string      `json:"kind"`
	Sheet  string      `json:"sheet_name,omitempty"`
	Name   string      `json:"name,omitempty"`
	Text   string      `json:"text,omitempty"`
	Range  string      `json:"range,omitempty"` // cells that it lies over, or its first one
	Width  int         `json:"width_px,omitempty"`
	Height int         `json:"height_px,omitempty"`
	Group  bool        `json:"grouped,omitempty"`
	Chart  *chartItem  `json:"chart,omitempty"`
	Image  *imageItem  `json:"image,omitempty"`
	Pivot  *pivotItem  `json:"pivot_table,omitempty"`
	Spark  *sparksItem `json:"sparklines,omitempty"`
}

type chartItem struct {
	Types    []string     `json:"types"`
	Title    string       `json:"title,omitempty"`
	XTitle   string       `json:"x_title,omitempty"`
	YTitle   string       `json:"y_title,omitempty"`
	Legend   string       `json:"legend,omitempty"`
	Grouping string       `json:"grouping,omitempty"`
	Series   []seriesItem `json:"series"`
	Count    int          `json:"series_count"` // more than series has where there are many
}

type seriesItem struct {
	Name       string `json:"name,omitempty"`
	NameRef    string `json:"name_ref,omitempty"`
	Categories string `json:"categories,omitempty"`
	Values     string `json:"values"`
	Type       string `json:"type,omitempty"` // where the chart has several
}

type imageItem struct {
	Format string `json:"format"`
	Bytes  int64  `json:"bytes"`
	Width  int    `json:"width,omitempty"` // of the picture itself, in pixels
	Height int    `json:"height,omitempty"`
}

type pivotItem struct {
	Source  string   `json:"source"`
	Fields  []string `json:"fields"`
	Rows    []string `json:"rows,omitempty"`
	Columns []string `json:"columns,omitempty"`
	Filters []string `json:"filters,omitempty"`
	Values  []string `json:"values,omitempty"`
}

type sparksItem struct {
	Type  string      `json:"type"`
	Count int         `json:"count"`
	Cells []sparkItem `json:"cells"` // the first of them
}

type sparkItem struct {
	Cell   string `json:"cell"`
	Source string `json:"source"`
}

// How many series, fields and sparklines of one object are told, and how large a picture may be that is shown.
const (
	seriesTold      = 20
	fieldsTold      = 50
	sparksTold      = 5
	shownImageBytes = 2 << 20
	objectTextMax   = 300
)

var listObjects = define(Spec{
	Name: "list_objects", Title: "List charts, pictures and pivots", Toolset: "read", Reach: ReachBook,
	Description: "Charts, pictures, shapes, pivot tables, slicers, sparklines, controls and links to other workbooks, of a sheet or the workbook: where each lies, what a chart shows and of which cells, what a pivot table is made of. show_image gives one picture to be seen. Rendered charts: screenshot_sheet.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Summary","kinds":["chart"]}`,
}, viewed(readObjects))

func readObjects(ctx context.Context, env *Env, snap *book.Snapshot, in listObjectsIn) (*listObjectsOut, error) {
	sheets := []int{-1}
	for i := range snap.Workbook().Sheets {
		sheets = append(sheets, i)
	}
	if in.Sheet != "" {
		i, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		sheets = []int{i}
	}
	out := &listObjectsOut{WorkbookID: snap.ID, Objects: []objectItem{}}
	lim := env.budget(in.Limit)
	full := false
	wanted := func(kind grid.ObjectKind) bool { return len(in.Kinds) == 0 || slices.Contains(in.Kinds, string(kind)) }
	var ids []string
	for _, i := range sheets {
		list, err := objectsOf(ctx, snap, i, wanted(grid.SparkObject))
		if err != nil {
			return nil, err
		}
		for k := range list {
			o := &list[k]
			if o.ID != "" {
				ids = append(ids, o.ID)
			}
			if in.Show != "" && o.ID == in.Show {
				if err := out.show(ctx, snap, o); err != nil {
					return nil, err
				}
			}
			if !wanted(o.Kind) {
				continue
			}
			if out.Total++; out.Total <= in.Offset || full {
				continue
			}
			item := describeObject(snap, o)
			if full = !lim.takeEntry(&item); !full {
				out.Objects = append(out.Objects, item)
			}
		}
	}
	if in.Show != "" && out.shown == nil {
		return nil, fail("OBJECT_NOT_FOUND", suggest("objects", in.Show, ids), "there is no picture %q here", clip(in.Show, 64))
	}
	onward(&out.Cut, &out.NextOffset, portion{"objects", len(out.Objects), out.Total, false}, "list_objects", &in, &in.Offset)
	return out, nil
}

// objectsOf gives the objects of a sheet, or with -1 those of the workbook.
func objectsOf(ctx context.Context, snap *book.Snapshot, i int, sparks bool) ([]grid.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list, err := snap.Objects(ctx, i)
	if err != nil || i < 0 || !sparks || snap.Workbook().Sheets[i].Kind != grid.Worksheet {
		return list, err
	}
	sheet, err := snap.Sheet(ctx, i)
	if err != nil {
		return nil, err
	}
	list = slices.Clip(list)
	for k := range sheet.Layout.Sparklines {
		list = append(list, grid.Object{Kind: grid.SparkObject, Sheet: i, Spark: &sheet.Layout.Sparklines[k]})
	}
	return list, nil
}

// show gives the picture of an object.
func (o *listObjectsOut) show(ctx context.Context, snap *book.Snapshot, x *grid.Object) error {
	if x.Image == nil {
		return fail("OBJECT_NOT_FOUND", "screenshot_sheet shows charts and shapes as they look on their sheet", "%q is no picture, but of the kind %s", clip(x.ID, 64), x.Kind)
	}
	if !slices.Contains([]string{"png", "jpeg", "gif"}, x.Image.Format) {
		return fail("OBJECT_NOT_SHOWN", "screenshot_sheet shows it as it looks on its sheet", "%q is a picture of the format %s, which is not shown here", clip(x.ID, 64), plain(x.Image.Format))
	}
	if x.Image.Bytes > shownImageBytes {
		return fail("OBJECT_NOT_SHOWN", "screenshot_sheet shows it as it looks on its sheet", "%q has %d bytes, and at most %d are shown", clip(x.ID, 64), x.Image.Bytes, shownImageBytes)
	}
	b, err := snap.Picture(ctx, x, shownImageBytes)
	if err != nil {
		return err
	}
	o.shown = []Image{{MIMEType: "image/" + x.Image.Format, Data: b}}
	return nil
}

// describeObject tells what is known of an object.
func describeObject(snap *book.Snapshot, o *grid.Object) objectItem {
	item := objectItem{ID: o.ID, Kind: string(o.Kind), Name: clip(o.Name, objectTextMax), Text: clip(o.Text, objectTextMax), Group: o.Grouped}
	if o.Sheet >= 0 {
		item.Sheet = snap.Workbook().Sheets[o.Sheet].Name
	}
	if a := o.Anchor; o.Anchored {
		switch {
		case a.Free:
		case a.To != a.From:
			item.Range = cell.RangeOf(a.From, a.To).String()
		default:
			item.Range = a.From.String()
		}
		item.Width, item.Height = int(a.Width/grid.EMUPerPixel), int(a.Height/grid.EMUPerPixel)
	}
	if c := o.Chart; c != nil {
		item.Chart = &chartItem{Types: orEmpty(c.Types), Title: clip(c.Title, objectTextMax), XTitle: clip(c.XTitle, objectTextMax), YTitle: clip(c.YTitle, objectTextMax), Legend: c.Legend, Grouping: c.Grouping,
			Series: []seriesItem{}, Count: len(c.Series)}
		for _, s := range c.Series[:min(len(c.Series), seriesTold)] {
			row := seriesItem{Name: clip(s.Name, objectTextMax), NameRef: s.NameRef, Categories: clip(s.Categories, objectTextMax), Values: clip(s.Values, objectTextMax)}
			if len(c.Types) > 1 {
				row.Type = s.Type
			}
			item.Chart.Series = append(item.Chart.Series, row)
		}
	}
	if c := o.Tied; c != nil {
		var words []string
		for _, x := range [...][2]string{{"cell ", c.Cell}, {"list ", c.List}} {
			if x[1] != "" {
				words = append(words, x[0]+x[1])
			}
		}
		item.Text = clip(strings.Join(append(words, c.More...), ", "), objectTextMax)
	}
	if i := o.Image; i != nil {
		item.Image = &imageItem{i.Format, i.Bytes, i.Width, i.Height}
	}
	if p := o.Pivot; p != nil {
		some := func(list []string) []string { return list[:min(len(list), fieldsTold)] }
		item.Range = p.Range.String()
		item.Pivot = &pivotItem{Source: clip(p.Source, objectTextMax), Fields: orEmpty(some(p.Fields)), Rows: some(p.Rows), Columns: some(p.Columns), Filters: some(p.Filters), Values: some(p.Values)}
	}
	if s := o.Spark; s != nil {
		item.Spark = &sparksItem{Type: s.Type, Count: len(s.Cells), Cells: []sparkItem{}}
		for _, c := range s.Cells[:min(len(s.Cells), sparksTold)] {
			item.Spark.Cells = append(item.Spark.Cells, sparkItem{c.Cell, clip(c.Source, objectTextMax)})
		}
	}
	return item
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (o *listObjectsOut) appendText(b []byte, _ bool) []byte {
	if o.Total == 0 {
		return append(b, "there are no objects of that kind\n"...)
	}
	for i := range o.Objects {
		b = o.Objects[i].appendText(b)
	}
	return b
}

func (o *objectItem) appendText(b []byte) []byte {
	b = append(b, o.Kind...)
	if o.ID != "" {
		b = appendEscaped(append(b, ' '), o.ID)
	}
	if o.Sheet != "" {
		b = appendEscaped(append(b, " on "...), cell.QuoteSheet(o.Sheet))
		if o.Range != "" {
			b = append(append(b, '!'), o.Range...)
		}
	}
	if o.Width > 0 {
		b = fmt.Appendf(b, ", %dx%d px", o.Width, o.Height)
	}
	if o.Name != "" {
		b = appendEscaped(append(b, ", "...), o.Name)
	}
	if o.Group {
		b = append(b, ", in a group"...)
	}
	if o.Text != "" {
		b = appendEscaped(append(b, ": "...), o.Text)
	}
	b = append(b, '\n')
	if c := o.Chart; c != nil {
		b = fmt.Appendf(b, "  %s", strings.Join(c.Types, " and "))
		for _, x := range [...][2]string{{"", c.Grouping}, {"titled ", c.Title}, {"x ", c.XTitle}, {"y ", c.YTitle}, {"legend ", c.Legend}} {
			if x[1] != "" {
				b = appendEscaped(append(append(b, ", "...), x[0]...), x[1])
			}
		}
		b = append(b, '\n')
		for _, s := range c.Series {
			b = append(b, "  series"...)
			if s.Name != "" {
				b = appendEscaped(append(b, ' '), s.Name)
			}
			if s.NameRef != "" {
				b = appendEscaped(append(b, " ="...), s.NameRef)
			}
			b = appendEscaped(append(b, ": "...), s.Values)
			if s.Categories != "" {
				b = appendEscaped(append(b, " by "...), s.Categories)
			}
			b = append(b, '\n')
		}
		if c.Count > len(c.Series) {
			b = fmt.Appendf(b, "  and %d series more\n", c.Count-len(c.Series))
		}
	}
	if i := o.Image; i != nil {
		b = fmt.Appendf(b, "  %s, %d bytes", plain(i.Format), i.Bytes)
		if i.Width > 0 {
			b = fmt.Appendf(b, ", %dx%d px of its own", i.Width, i.Height)
		}
		b = append(b, '\n')
	}
	if p := o.Pivot; p != nil {
		b = appendEscaped(append(b, "  of "...), p.Source)
		for _, x := range [...]struct {
			word string
			list []string
		}{{"fields", p.Fields}, {"rows", p.Rows}, {"columns", p.Columns}, {"filters", p.Filters}, {"values", p.Values}} {
			if len(x.list) > 0 {
				b = append(append(append(b, "; "...), x.word...), ' ')
				b = appendEscaped(b, strings.Join(x.list, ", "))
			}
		}
		b = append(b, '\n')
	}
	if s := o.Spark; s != nil {
		b = fmt.Appendf(b, "  %d of the type %s:", s.Count, s.Type)
		for _, c := range s.Cells {
			b = appendEscaped(append(b, ' '), c.Cell)
			b = appendEscaped(append(b, " of "...), c.Source)
			b = append(b, ';')
		}
		if s.Count > len(s.Cells) {
			b = append(b, " …"...)
		} else {
			b = b[:len(b)-1]
		}
		b = append(b, '\n')
	}
	return b
}
