package genbook

import (
	"fmt"
	"strings"
)

const (
	xmlDecl      = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n"
	nsMain       = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	nsRel        = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	nsPackageRel = "http://schemas.openxmlformats.org/package/2006/relationships"
	ctSheet      = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

const packageRels = xmlDecl + `<Relationships xmlns="` + nsPackageRel + `">` +
	`<Relationship Id="rId3" Type="` + nsRel + `/extended-properties" Target="docProps/app.xml"/>` +
	`<Relationship Id="rId2" Type="` + nsPackageRel + `/metadata/core-properties" Target="docProps/core.xml"/>` +
	`<Relationship Id="rId1" Type="` + nsRel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`

func (b *Book) contentTypes() string {
	var x strings.Builder
	x.WriteString(xmlDecl + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`)
	comments, tables := 0, 0
	for _, s := range b.Sheets {
		tables += len(s.Tables)
		if len(s.Comments) > 0 {
			comments++
		}
	}
	if comments > 0 {
		x.WriteString(`<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>`)
	}
	x.WriteString(`<Default Extension="xml" ContentType="application/xml"/>`)
	over := func(part, kind string) {
		fmt.Fprintf(&x, `<Override PartName="%s" ContentType="%s"/>`, part, kind)
	}
	over("/xl/workbook.xml", ctSheet+"sheet.main+xml")
	for i := range b.Sheets {
		over(fmt.Sprintf("/xl/worksheets/sheet%d.xml", i+1), ctSheet+"worksheet+xml")
	}
	over("/xl/theme/theme1.xml", "application/vnd.openxmlformats-officedocument.theme+xml")
	over("/xl/styles.xml", ctSheet+"styles+xml")
	over("/xl/sharedStrings.xml", ctSheet+"sharedStrings+xml")
	for i := range tables {
		over(fmt.Sprintf("/xl/tables/table%d.xml", i+1), ctSheet+"table+xml")
	}
	for i := range comments {
		over(fmt.Sprintf("/xl/comments%d.xml", i+1), ctSheet+"comments+xml")
	}
	if b.CalcChain {
		over("/xl/calcChain.xml", ctSheet+"calcChain+xml")
	}
	over("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml")
	over("/docProps/app.xml", "application/vnd.openxmlformats-officedocument.extended-properties+xml")
	x.WriteString("</Types>")
	return x.String()
}

func (b *Book) workbookXML() string {
	var x strings.Builder
	x.WriteString(xmlDecl + `<workbook xmlns="` + nsMain + `" xmlns:r="` + nsRel + `">` +
		`<fileVersion appName="xl" lastEdited="7" lowestEdited="7" rupBuild="22228"/><workbookPr`)
	if b.Date1904 {
		x.WriteString(` date1904="1"`)
	}
	x.WriteString(` defaultThemeVersion="166925"/><bookViews><workbookView xWindow="0" yWindow="0" windowWidth="28800" windowHeight="15000"`)
	if a := b.activeSheet(); a > 0 {
		fmt.Fprintf(&x, ` firstSheet="%d" activeTab="%d"`, a, a)
	}
	x.WriteString(`/></bookViews><sheets>`)
	number := map[string]int{}
	for i, s := range b.Sheets {
		number[s.Name] = i
		fmt.Fprintf(&x, `<sheet name="%s" sheetId="%d"`, escape(s.Name), i+1)
		switch s.Visibility {
		case Hidden:
			x.WriteString(` state="hidden"`)
		case VeryHidden:
			x.WriteString(` state="veryHidden"`)
		}
		fmt.Fprintf(&x, ` r:id="rId%d"/>`, i+1)
	}
	x.WriteString("</sheets>")
	if len(b.Names) > 0 {
		x.WriteString("<definedNames>")
		for _, n := range b.Names {
			fmt.Fprintf(&x, `<definedName name="%s"`, escape(n.Name))
			if n.Comment != "" {
				fmt.Fprintf(&x, ` comment="%s"`, escape(n.Comment))
			}
			if n.Sheet != "" {
				fmt.Fprintf(&x, ` localSheetId="%d"`, number[n.Sheet])
			}
			if n.Hidden {
				x.WriteString(` hidden="1"`)
			}
			x.WriteString(">" + escape(n.Refers) + "</definedName>")
		}
		x.WriteString("</definedNames>")
	}
	x.WriteString(`<calcPr calcId="191029"/></workbook>`)
	return x.String()
}

func (b *Book) workbookRels() string {
	var x strings.Builder
	x.WriteString(xmlDecl + `<Relationships xmlns="` + nsPackageRel + `">`)
	id := 0
	rel := func(kind, target string) {
		id++
		fmt.Fprintf(&x, `<Relationship Id="rId%d" Type="%s/%s" Target="%s"/>`, id, nsRel, kind, target)
	}
	for i := range b.Sheets {
		rel("worksheet", fmt.Sprintf("worksheets/sheet%d.xml", i+1))
	}
	rel("theme", "theme/theme1.xml")
	rel("styles", "styles.xml")
	rel("sharedStrings", "sharedStrings.xml")
	if b.CalcChain {
		rel("calcChain", "calcChain.xml")
	}
	x.WriteString("</Relationships>")
	return x.String()
}

// calcChainXML lists the formulas last to first, the order in which Excel keeps
// cells that have just been entered. The sheet number is left out where it is
// that of the entry before.
func (b *Book) calcChainXML() string {
	var x strings.Builder
	x.WriteString(xmlDecl + `<calcChain xmlns="` + nsMain + `">`)
	sheet := -1
	for i := len(b.chain) - 1; i >= 0; i-- {
		e := b.chain[i]
		if e.sheet != sheet {
			sheet = e.sheet
			fmt.Fprintf(&x, `<c r="%v" i="%d"/>`, e.ref, sheet+1)
		} else {
			fmt.Fprintf(&x, `<c r="%v"/>`, e.ref)
		}
	}
	x.WriteString("</calcChain>")
	return x.String()
}

func (b *Book) coreXML() string {
	t := b.Created.UTC().Format("2006-01-02T15:04:05Z")
	return xmlDecl + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
		`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" ` +
		`xmlns:dcmitype="http://purl.org/dc/dcmitype/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<dc:title>` + escape(b.Title) + `</dc:title><dc:creator>` + escape(b.Creator) + `</dc:creator><cp:lastModifiedBy>` + escape(b.Creator) + `</cp:lastModifiedBy>` +
		`<dcterms:created xsi:type="dcterms:W3CDTF">` + t + `</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">` + t + `</dcterms:modified></cp:coreProperties>`
}

func (b *Book) appXML() string {
	var titles strings.Builder
	for _, s := range b.Sheets {
		titles.WriteString("<vt:lpstr>" + escape(s.Name) + "</vt:lpstr>")
	}
	return fmt.Sprintf(xmlDecl+`<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties" `+
		`xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><Application>Microsoft Excel</Application><DocSecurity>0</DocSecurity>`+
		`<ScaleCrop>false</ScaleCrop><HeadingPairs><vt:vector size="2" baseType="variant"><vt:variant><vt:lpstr>Worksheets</vt:lpstr></vt:variant>`+
		`<vt:variant><vt:i4>%d</vt:i4></vt:variant></vt:vector></HeadingPairs><TitlesOfParts><vt:vector size="%d" baseType="lpstr">%s</vt:vector></TitlesOfParts>`+
		`<AppVersion>16.0300</AppVersion></Properties>`, len(b.Sheets), len(b.Sheets), titles.String())
}

// themeXML is a theme of the Office shape: twelve colours, two fonts and the
// three-step format lists that the schema asks for.
func themeXML() string {
	var x strings.Builder
	x.WriteString(xmlDecl + `<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Office Theme"><a:themeElements><a:clrScheme name="Office">` +
		`<a:dk1><a:sysClr val="windowText" lastClr="000000"/></a:dk1><a:lt1><a:sysClr val="window" lastClr="FFFFFF"/></a:lt1>`)
	for _, c := range [][2]string{{"dk2", "44546A"}, {"lt2", "E7E6E6"}, {"accent1", "4472C4"}, {"accent2", "ED7D31"}, {"accent3", "A5A5A5"},
		{"accent4", "FFC000"}, {"accent5", "5B9BD5"}, {"accent6", "70AD47"}, {"hlink", "0563C1"}, {"folHlink", "954F72"}} {
		fmt.Fprintf(&x, `<a:%s><a:srgbClr val="%s"/></a:%s>`, c[0], c[1], c[0])
	}
	font := func(element, face string) {
		fmt.Fprintf(&x, `<a:%s><a:latin typeface="%s"/><a:ea typeface=""/><a:cs typeface=""/></a:%s>`, element, face, element)
	}
	x.WriteString(`</a:clrScheme><a:fontScheme name="Office">`)
	font("majorFont", "Calibri Light")
	font("minorFont", "Calibri")
	x.WriteString(`</a:fontScheme><a:fmtScheme name="Office">`)
	const solid = `<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`
	x.WriteString("<a:fillStyleLst>" + solid + solid + solid + "</a:fillStyleLst><a:lnStyleLst>")
	for _, width := range []int{6350, 12700, 19050} {
		fmt.Fprintf(&x, `<a:ln w="%d">%s</a:ln>`, width, solid)
	}
	const plain = `<a:effectStyle><a:effectLst/></a:effectStyle>`
	x.WriteString("</a:lnStyleLst><a:effectStyleLst>" + plain + plain + plain + "</a:effectStyleLst>" +
		"<a:bgFillStyleLst>" + solid + solid + solid + "</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>")
	return x.String()
}
