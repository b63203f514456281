package patch

import (
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
)

// ChartPatch is a chart that is written, with what its cells say: whoever opens the file sees that until
// the cells are read.
type ChartPatch struct {
	grid.Chart
	Data []SeriesData // one for each series
}

// SeriesData is what the cells of a series say.
type SeriesData struct {
	Name             string
	Categories       []cell.Value // as they are shown, where some is no number
	CategoriesFormat string       // number format
	Values           []cell.Value
	ValuesFormat     string
}

// chartWriter writes a chart part (ECMA-376 part 1, 21.2). The order of elements is that of the schema.
type chartWriter struct {
	b      []byte
	c      *ChartPatch
	themed bool // the workbook has a theme, whose colours are taken
}

// palette are the colours of Excel's own theme, for a workbook that has none.
var palette = [...]string{"4472C4", "ED7D31", "A5A5A5", "FFC000", "5B9BD5", "70AD47"}

// colour gives the fill of number i of what is told apart by its colour.
func (w *chartWriter) colour(i int) string {
	i %= len(palette)
	if w.themed {
		return `<a:solidFill><a:schemeClr val="accent` + strconv.Itoa(i+1) + `"/></a:solidFill>`
	}
	return `<a:solidFill><a:srgbClr val="` + palette[i] + `"/></a:solidFill>`
}

// looks gives what a series looks like: a filled shape, or a line and the marks on it.
func (w *chartWriter) looks(i int) string {
	marks := `<c:marker><c:symbol val="circle"/><c:size val="5"/><c:spPr>` + w.colour(i) + `</c:spPr></c:marker>`
	line := `<c:spPr><a:ln w="28575" cap="rnd">` + w.colour(i) + `<a:round/></a:ln></c:spPr>`
	none := `<c:marker><c:symbol val="none"/></c:marker>`
	switch w.c.Types[0] {
	case "line":
		if w.c.Markers {
			return line + marks
		}
		return line + none
	case "scatter":
		switch {
		case !w.c.Lines:
			return `<c:spPr><a:ln w="19050"><a:noFill/></a:ln></c:spPr>` + marks
		case w.c.Markers:
			return line + marks
		}
		return line + none
	case "pie":
		return ""
	}
	return `<c:spPr>` + w.colour(i) + `</c:spPr>`
}

// slicesMax is how many slices of a pie are given their colours; the others have those of whoever draws them.
const slicesMax = 60

// slices gives the slices of a pie their colours.
func (w *chartWriter) slices(n int) {
	for i := range min(n, slicesMax) {
		w.put(`<c:dPt><c:idx val="`, strconv.Itoa(i), `"/><c:bubble3D val="0"/><c:spPr>`, w.colour(i), `</c:spPr></c:dPt>`)
	}
}

const (
	categoryAxis = "111111111"
	valueAxis    = "222222222"
)

// xml gives the chart's part.
func (c *ChartPatch) xml(themed bool) []byte {
	w := chartWriter{c: c, themed: themed}
	w.put(declaration, `<c:chartSpace xmlns:c="`, chartSpace, `" xmlns:a="`, drawingMain, `" xmlns:r="`, strings.TrimSuffix(transitionalTypes, "/"), `"><c:roundedCorners val="0"/><c:chart>`)
	w.title(c.Title, false)
	deleted := "0"
	if c.Title == "" {
		deleted = "1" // else a chart of one series has its name above
	}
	w.put(`<c:autoTitleDeleted val="`, deleted, `"/><c:plotArea><c:layout/>`)
	switch c.Types[0] {
	case "column", "bar":
		w.bars()
	case "line":
		w.lines()
	case "area":
		w.put(`<c:areaChart><c:grouping val="`, w.grouping(), `"/><c:varyColors val="0"/>`)
		w.series("", "")
		w.labels()
		w.axisIDs()
		w.put(`</c:areaChart>`)
		w.axes("b", "l", "midCat")
	case "pie":
		w.put(`<c:pieChart><c:varyColors val="1"/>`)
		w.series("", "")
		w.labels()
		w.put(`<c:firstSliceAng val="0"/></c:pieChart>`)
	case "scatter":
		w.points()
	}
	w.put(`</c:plotArea>`)
	if pos := map[string]string{"right": "r", "left": "l", "top": "t", "bottom": "b", "corner": "tr"}[c.Legend]; pos != "" {
		w.put(`<c:legend><c:legendPos val="`, pos, `"/><c:overlay val="0"/></c:legend>`)
	}
	w.put(`<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart><c:spPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill><a:ln w="9525"><a:solidFill><a:srgbClr val="D9D9D9"/></a:solidFill></a:ln></c:spPr></c:chartSpace>`)
	return w.b
}

func (w *chartWriter) put(parts ...string) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
}

// text writes a text of a drawing, in which no underscores mean anything.
func (w *chartWriter) text(s string) {
	for _, r := range s {
		switch {
		case r == '&':
			w.put("&amp;")
		case r == '<':
			w.put("&lt;")
		case r == '>':
			w.put("&gt;")
		case r < ' ' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			w.put(" ")
		default:
			w.b = append(w.b, string(r)...)
		}
	}
}

func (w *chartWriter) title(s string, upright bool) {
	if s == "" {
		return
	}
	w.put(`<c:title><c:tx><c:rich>`)
	if upright {
		w.put(`<a:bodyPr rot="-5400000" vert="horz"/>`)
	} else {
		w.put(`<a:bodyPr/>`)
	}
	w.put(`<a:lstStyle/>`)
	for line := range strings.SplitSeq(s, "\n") {
		w.put(`<a:p><a:r><a:rPr lang="en-US"/><a:t>`)
		w.text(line)
		w.put(`</a:t></a:r></a:p>`)
	}
	w.put(`</c:rich></c:tx><c:overlay val="0"/></c:title>`)
}

// grouping gives the word for how series lie to one another.
func (w *chartWriter) grouping() string {
	switch w.c.Grouping {
	case "stacked":
		return "stacked"
	case "percent":
		return "percentStacked"
	}
	if t := w.c.Types[0]; t == "column" || t == "bar" {
		return "clustered"
	}
	return "standard"
}

func (w *chartWriter) bars() {
	direction := "col"
	if w.c.Types[0] == "bar" {
		direction = "bar"
	}
	w.put(`<c:barChart><c:barDir val="`, direction, `"/><c:grouping val="`, w.grouping(), `"/><c:varyColors val="0"/>`)
	w.series(`<c:invertIfNegative val="0"/>`, "")
	w.labels()
	w.put(`<c:gapWidth val="150"/>`)
	if w.grouping() != "clustered" {
		w.put(`<c:overlap val="100"/>`)
	}
	w.axisIDs()
	w.put(`</c:barChart>`)
	if direction == "bar" {
		w.axes("l", "b", "between")
	} else {
		w.axes("b", "l", "between")
	}
}

func (w *chartWriter) lines() {
	w.put(`<c:lineChart><c:grouping val="`, w.grouping(), `"/><c:varyColors val="0"/>`)
	w.series("", `<c:smooth val="`+onOff(w.c.Smooth)+`"/>`)
	w.labels()
	w.put(`<c:marker val="1"/>`)
	w.axisIDs()
	w.put(`</c:lineChart>`)
	w.axes("b", "l", "between")
}

func (w *chartWriter) points() {
	w.put(`<c:scatterChart><c:scatterStyle val="lineMarker"/><c:varyColors val="0"/>`)
	w.series("", `<c:smooth val="`+onOff(w.c.Smooth)+`"/>`)
	w.labels()
	w.axisIDs()
	w.put(`</c:scatterChart>`)
	w.valueAxis(categoryAxis, valueAxis, "b", "midCat", w.c.XTitle, w.categoriesFormat())
	w.valueAxis(valueAxis, categoryAxis, "l", "midCat", w.c.YTitle, w.valuesFormat())
}

func (w *chartWriter) labels() {
	if w.c.Labels {
		w.put(`<c:dLbls><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>`)
	}
}

func (w *chartWriter) axisIDs() {
	w.put(`<c:axId val="`, categoryAxis, `"/><c:axId val="`, valueAxis, `"/>`)
}

// axes writes an axis of categories and one of values.
func (w *chartWriter) axes(categories, values, crosses string) {
	title := func(side string) string {
		if side == "b" {
			return w.c.XTitle
		}
		return w.c.YTitle
	}
	w.put(`<c:catAx><c:axId val="`, categoryAxis, `"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="`, categories, `"/>`)
	w.title(title(categories), categories == "l")
	w.put(`<c:numFmt formatCode="`)
	w.b = emit.AppendAttribute(w.b, w.categoriesFormat())
	w.put(`" sourceLinked="1"/><c:majorTickMark val="out"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/><c:crossAx val="`, valueAxis,
		`"/><c:crosses val="autoZero"/><c:auto val="1"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/><c:noMultiLvlLbl val="0"/></c:catAx>`)
	w.valueAxis(valueAxis, categoryAxis, values, crosses, title(values), w.valuesFormat())
}

// categoriesFormat is the number format of the labels of an axis.
func (w *chartWriter) categoriesFormat() string {
	for i := range w.c.Data {
		if d := &w.c.Data[i]; d.CategoriesFormat != "" && numeric(d.Categories) {
			return d.CategoriesFormat
		}
	}
	return "General"
}

// valuesFormat is the number format along an axis of values: that of the first series, or of parts of a whole. It is linked to the
// cells, but not every program follows the link.
func (w *chartWriter) valuesFormat() string {
	switch {
	case w.grouping() == "percentStacked":
		return "0%"
	case len(w.c.Data) > 0 && w.c.Data[0].ValuesFormat != "":
		return w.c.Data[0].ValuesFormat
	}
	return "General"
}

func (w *chartWriter) valueAxis(id, other, side, crosses, title, format string) {
	w.put(`<c:valAx><c:axId val="`, id, `"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="`, side, `"/>`)
	if id == valueAxis {
		w.put(`<c:majorGridlines><c:spPr><a:ln w="9525"><a:solidFill><a:srgbClr val="D9D9D9"/></a:solidFill></a:ln></c:spPr></c:majorGridlines>`)
	}
	w.title(title, side == "l")
	w.put(`<c:numFmt formatCode="`)
	w.b = emit.AppendAttribute(w.b, format)
	w.put(`" sourceLinked="1"/><c:majorTickMark val="out"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/><c:crossAx val="`, other, `"/><c:crosses val="autoZero"/><c:crossBetween val="`, crosses, `"/></c:valAx>`)
}

// series writes the series, each with what comes before and after its data.
func (w *chartWriter) series(before, after string) {
	for i := range w.c.Series {
		s := &w.c.Series[i]
		var data SeriesData
		if i < len(w.c.Data) {
			data = w.c.Data[i]
		}
		n := strconv.Itoa(i)
		w.put(`<c:ser><c:idx val="`, n, `"/><c:order val="`, n, `"/>`)
		switch {
		case s.NameRef != "":
			w.put(`<c:tx>`)
			w.strings(s.NameRef, []cell.Value{cell.TextValue(data.Name)})
			w.put(`</c:tx>`)
		case s.Name != "":
			w.put(`<c:tx><c:v>`)
			w.b = emit.AppendText(w.b, s.Name)
			w.put(`</c:v></c:tx>`)
		}
		w.put(w.looks(i), before)
		if w.c.Types[0] == "pie" {
			w.slices(len(data.Values))
		}
		x, y := "cat", "val"
		if w.c.Types[0] == "scatter" {
			x, y = "xVal", "yVal"
		}
		if s.Categories != "" {
			w.put(`<c:`, x, `>`)
			if numeric(data.Categories) {
				w.numbers(s.Categories, data.CategoriesFormat, data.Categories)
			} else {
				w.strings(s.Categories, data.Categories)
			}
			w.put(`</c:`, x, `>`)
		}
		w.put(`<c:`, y, `>`)
		w.numbers(s.Values, data.ValuesFormat, data.Values)
		w.put(`</c:`, y, `>`, after, `</c:ser>`)
	}
}

// numeric reports whether there are numbers and nothing else.
func numeric(list []cell.Value) bool {
	some := false
	for _, v := range list {
		if !v.IsBlank() && v.Kind() != cell.Number {
			return false
		}
		some = some || !v.IsBlank()
	}
	return some
}

func (w *chartWriter) formula(f string) {
	w.put(`<c:f>`)
	w.b = emit.AppendText(w.b, f)
	w.put(`</c:f>`)
}

// numbers writes a reference to cells with the numbers in them. A text counts as 0, as it does in a chart; an error is a
// gap.
func (w *chartWriter) numbers(f, format string, list []cell.Value) {
	if format == "" {
		format = "General"
	}
	w.put(`<c:numRef>`)
	w.formula(f)
	w.put(`<c:numCache><c:formatCode>`)
	w.b = emit.AppendText(w.b, format)
	w.put(`</c:formatCode><c:ptCount val="`, strconv.Itoa(len(list)), `"/>`)
	for i, v := range list {
		number := 0.0
		switch v.Kind() {
		case cell.Number, cell.Bool:
			number = v.Number()
		case cell.Text:
		default:
			continue
		}
		w.put(`<c:pt idx="`, strconv.Itoa(i), `"><c:v>`)
		w.b = emit.AppendNumber(w.b, number)
		w.put(`</c:v></c:pt>`)
	}
	w.put(`</c:numCache></c:numRef>`)
}

// strings writes a reference to cells with the texts in them.
func (w *chartWriter) strings(f string, list []cell.Value) {
	w.put(`<c:strRef>`)
	w.formula(f)
	w.put(`<c:strCache><c:ptCount val="`, strconv.Itoa(len(list)), `"/>`)
	for i, v := range list {
		if v.IsBlank() {
			continue
		}
		w.put(`<c:pt idx="`, strconv.Itoa(i), `"><c:v>`)
		w.b = emit.AppendText(w.b, string(v.Append(nil)))
		w.put(`</c:v></c:pt>`)
	}
	w.put(`</c:strCache></c:strRef>`)
}
