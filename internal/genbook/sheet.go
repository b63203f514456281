package genbook

import (
	"fmt"
	"strings"

	"gridflow/internal/cell"
)

// Table is a ListObject. Its cells, the headings included, are written by the
// sheet's Rows function; here stands what makes them a table.
type Table struct {
	Name    string
	Range   cell.Range // headings and totals row included
	Columns []TableColumn
	Totals  bool   // the last row of Range holds totals
	Style   string // empty for TableStyleMedium2
}

// TableColumn is one column of a Table. Formula is the calculated column's
// formula. Total is a totals-row function (sum, average, count, …) and
// TotalLabel a text in its place.
type TableColumn struct {
	Name       string
	Formula    string
	Total      string
	TotalLabel string
}

// Comment is a note on a cell.
type Comment struct {
	Ref          cell.Ref
	Author, Text string
}

// Validation restricts what may be typed. Kind is list, whole, decimal, date,
// textLength or custom; Operator is Excel's word (between, greaterThan, …) and
// stays empty for list and custom.
type Validation struct {
	Range              string // one or more ranges, separated by spaces
	Kind, Operator     string
	Formula1, Formula2 string
	AllowBlank         bool
	PromptTitle        string
	Prompt             string
	ErrorTitle, Error  string
}

// Conditional is a conditional format with one rule. Kind is cellIs,
// expression, duplicateValues, colorScale (two or three Colors) or dataBar (one
// colour).
type Conditional struct {
	Range          string
	Kind, Operator string
	Formulas       []string
	Look           Style
	Colors         []string
}

// head is the sheet's XML up to the first row.
func (s *Sheet) head(active bool) string {
	var b strings.Builder
	b.WriteString(xmlDecl + `<worksheet xmlns="` + nsMain + `" xmlns:r="` + nsRel + `">`)
	if s.TabColor != "" || s.Outline {
		b.WriteString("<sheetPr>")
		if s.TabColor != "" {
			fmt.Fprintf(&b, `<tabColor rgb="FF%s"/>`, s.TabColor)
		}
		if s.Outline {
			b.WriteString(`<outlinePr summaryBelow="1"/>`)
		}
		b.WriteString("</sheetPr>")
	}
	fmt.Fprintf(&b, `<dimension ref="%v"/><sheetViews><sheetView`, s.Dimension)
	if active {
		b.WriteString(` tabSelected="1"`)
	}
	b.WriteString(` workbookViewId="0"`)
	if f := s.Freeze; f != (cell.Ref{}) {
		pane := "bottomRight"
		b.WriteString("><pane")
		if f.Col > 0 {
			fmt.Fprintf(&b, ` xSplit="%d"`, f.Col)
		} else {
			pane = "bottomLeft"
		}
		if f.Row > 0 {
			fmt.Fprintf(&b, ` ySplit="%d"`, f.Row)
		} else {
			pane = "topRight"
		}
		fmt.Fprintf(&b, ` topLeftCell="%v" activePane="%s" state="frozen"/><selection pane="%s"/></sheetView>`, f, pane, pane)
	} else {
		b.WriteString("/>")
	}
	b.WriteString(`</sheetViews><sheetFormatPr defaultRowHeight="15"`)
	if s.Outline {
		b.WriteString(` outlineLevelRow="1"`)
	}
	b.WriteString("/>")
	if len(s.Columns) > 0 {
		b.WriteString("<cols>")
		for _, c := range s.Columns {
			fmt.Fprintf(&b, `<col min="%d" max="%d" width="%g"`, c.First+1, c.Last+1, c.Width)
			if c.Style != 0 {
				fmt.Fprintf(&b, ` style="%d"`, c.Style)
			}
			if c.Hidden {
				b.WriteString(` hidden="1"`)
			}
			b.WriteString(` customWidth="1"/>`)
		}
		b.WriteString("</cols>")
	}
	b.WriteString("<sheetData>")
	return b.String()
}

// tail is the sheet's XML after the last row. The order of its elements is the
// one that the schema asks for. tables is the number of tables in the sheets
// before this one.
func (s *Sheet) tail(st *styles, tables int) string {
	var b strings.Builder
	b.WriteString("</sheetData>")
	if s.Filter != nil {
		fmt.Fprintf(&b, `<autoFilter ref="%v"/>`, *s.Filter)
	}
	if len(s.Merges) > 0 {
		fmt.Fprintf(&b, `<mergeCells count="%d">`, len(s.Merges))
		for _, m := range s.Merges {
			fmt.Fprintf(&b, `<mergeCell ref="%v"/>`, m)
		}
		b.WriteString("</mergeCells>")
	}
	for i := range s.Conditional {
		s.Conditional[i].write(&b, st, i+1)
	}
	if len(s.Validations) > 0 {
		fmt.Fprintf(&b, `<dataValidations count="%d">`, len(s.Validations))
		for i := range s.Validations {
			s.Validations[i].write(&b)
		}
		b.WriteString("</dataValidations>")
	}
	b.WriteString(`<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>`)
	if len(s.Comments) > 0 {
		b.WriteString(`<legacyDrawing r:id="rId1"/>`)
	}
	if n := len(s.Tables); n > 0 {
		fmt.Fprintf(&b, `<tableParts count="%d">`, n)
		for i := range s.Tables {
			fmt.Fprintf(&b, `<tablePart r:id="rId%d"/>`, s.tableRel(i))
		}
		b.WriteString("</tableParts>")
	}
	b.WriteString("</worksheet>")
	return b.String()
}

// tableRel is the relationship number of table i: comments take 1 and 2.
func (s *Sheet) tableRel(i int) int {
	if len(s.Comments) > 0 {
		return i + 3
	}
	return i + 1
}

// rels is the sheet's relationship part, empty where it has none.
func (s *Sheet) rels(tables, comments int) string {
	if len(s.Tables) == 0 && len(s.Comments) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(xmlDecl + `<Relationships xmlns="` + nsPackageRel + `">`)
	if len(s.Comments) > 0 {
		fmt.Fprintf(&b, `<Relationship Id="rId1" Type="%s/vmlDrawing" Target="../drawings/vmlDrawing%d.vml"/>`, nsRel, comments+1)
		fmt.Fprintf(&b, `<Relationship Id="rId2" Type="%s/comments" Target="../comments%d.xml"/>`, nsRel, comments+1)
	}
	for i := range s.Tables {
		fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="%s/table" Target="../tables/table%d.xml"/>`, s.tableRel(i), nsRel, tables+i+1)
	}
	b.WriteString("</Relationships>")
	return b.String()
}

func (c *Conditional) write(b *strings.Builder, st *styles, priority int) {
	fmt.Fprintf(b, `<conditionalFormatting sqref="%s"><cfRule type="%s"`, c.Range, c.Kind)
	switch c.Kind {
	case "colorScale":
		fmt.Fprintf(b, ` priority="%d"><colorScale><cfvo type="min"/>`, priority)
		if len(c.Colors) == 3 {
			b.WriteString(`<cfvo type="percentile" val="50"/>`)
		}
		b.WriteString(`<cfvo type="max"/>`)
		for _, color := range c.Colors {
			fmt.Fprintf(b, `<color rgb="FF%s"/>`, color)
		}
		b.WriteString("</colorScale>")
	case "dataBar":
		fmt.Fprintf(b, ` priority="%d"><dataBar><cfvo type="min"/><cfvo type="max"/><color rgb="FF%s"/></dataBar>`, priority, c.Colors[0])
	default:
		fmt.Fprintf(b, ` dxfId="%d" priority="%d"`, st.dxf(c.Look), priority)
		if c.Operator != "" {
			fmt.Fprintf(b, ` operator="%s"`, c.Operator)
		}
		b.WriteString(">")
		for _, f := range c.Formulas {
			b.WriteString("<formula>" + escape(f) + "</formula>")
		}
	}
	b.WriteString("</cfRule></conditionalFormatting>")
}

func (v *Validation) write(b *strings.Builder) {
	fmt.Fprintf(b, `<dataValidation type="%s"`, v.Kind)
	attr := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, ` %s="%s"`, name, escape(value))
		}
	}
	attr("operator", v.Operator)
	if v.AllowBlank {
		b.WriteString(` allowBlank="1"`)
	}
	b.WriteString(` showInputMessage="1" showErrorMessage="1"`)
	attr("errorTitle", v.ErrorTitle)
	attr("error", v.Error)
	attr("promptTitle", v.PromptTitle)
	attr("prompt", v.Prompt)
	attr("sqref", v.Range)
	b.WriteString(">")
	if v.Formula1 != "" {
		b.WriteString("<formula1>" + escape(v.Formula1) + "</formula1>")
	}
	if v.Formula2 != "" {
		b.WriteString("<formula2>" + escape(v.Formula2) + "</formula2>")
	}
	b.WriteString("</dataValidation>")
}

func (t *Table) xml(id int) string {
	var b strings.Builder
	fmt.Fprintf(&b, xmlDecl+`<table xmlns="%s" id="%d" name="%s" displayName="%s" ref="%v"`, nsMain, id, t.Name, t.Name, t.Range)
	filter := t.Range
	if t.Totals {
		b.WriteString(` totalsRowCount="1"`)
		filter.Last.Row--
	} else {
		b.WriteString(` totalsRowShown="0"`)
	}
	fmt.Fprintf(&b, `><autoFilter ref="%v"/><tableColumns count="%d">`, filter, len(t.Columns))
	for i, c := range t.Columns {
		fmt.Fprintf(&b, `<tableColumn id="%d" name="%s"`, i+1, escape(c.Name))
		if c.TotalLabel != "" {
			fmt.Fprintf(&b, ` totalsRowLabel="%s"`, escape(c.TotalLabel))
		}
		if c.Total != "" {
			fmt.Fprintf(&b, ` totalsRowFunction="%s"`, c.Total)
		}
		if c.Formula != "" {
			fmt.Fprintf(&b, `><calculatedColumnFormula>%s</calculatedColumnFormula></tableColumn>`, escape(c.Formula))
		} else {
			b.WriteString("/>")
		}
	}
	style := t.Style
	if style == "" {
		style = "TableStyleMedium2"
	}
	fmt.Fprintf(&b, `</tableColumns><tableStyleInfo name="%s" showFirstColumn="0" showLastColumn="0" showRowStripes="1" showColumnStripes="0"/></table>`, style)
	return b.String()
}

func commentsXML(comments []Comment) string {
	var authors pool
	var list strings.Builder
	for _, c := range comments {
		fmt.Fprintf(&list, `<comment ref="%v" authorId="%d" shapeId="0"><text><r><rPr><b/><sz val="9"/><color indexed="81"/><rFont val="Tahoma"/><family val="2"/></rPr>`,
			c.Ref, authors.id("<author>"+escape(c.Author)+"</author>"))
		list.WriteString(string(appendT(nil, c.Author+":")))
		list.WriteString(`</r><r><rPr><sz val="9"/><color indexed="81"/><rFont val="Tahoma"/><family val="2"/></rPr>`)
		list.WriteString(string(appendT(nil, "\n"+c.Text)))
		list.WriteString("</r></text></comment>")
	}
	return xmlDecl + `<comments xmlns="` + nsMain + `"><authors>` + strings.Join(authors.list, "") + "</authors><commentList>" +
		list.String() + "</commentList></comments>"
}

// vmlXML draws the boxes of notes: the legacy part without which Excel does not
// show them.
func vmlXML(comments []Comment) string {
	var b strings.Builder
	b.WriteString(`<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">` +
		`<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>` +
		`<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>` +
		`<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>`)
	for i, c := range comments {
		fmt.Fprintf(&b, `<v:shape id="_x0000_s%d" type="#_x0000_t202" style='position:absolute;margin-left:80pt;margin-top:5pt;width:104pt;height:64pt;z-index:%d;visibility:hidden' fillcolor="#ffffe1" o:insetmode="auto">`, 1025+i, i+1)
		b.WriteString(`<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>` +
			`<v:textbox style='mso-direction-alt:auto'><div style='text-align:left'></div></v:textbox>` +
			`<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>`)
		fmt.Fprintf(&b, `<x:Anchor>%d, 15, %d, 2, %d, 15, %d, 4</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>%d</x:Row><x:Column>%d</x:Column></x:ClientData></v:shape>`,
			c.Ref.Col+1, c.Ref.Row, c.Ref.Col+3, c.Ref.Row+4, c.Ref.Row, c.Ref.Col)
	}
	b.WriteString("</xml>")
	return b.String()
}
