package xlsx

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// SheetNameMax is the most UTF-16 code units that a sheet's name may have.
const SheetNameMax = 31

// CheckSheetName says why a spreadsheet program would not take a sheet's name, "" where it
// would.
func CheckSheetName(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "it is empty"
	case len(utf16.Encode([]rune(name))) > SheetNameMax:
		return fmt.Sprintf("it has more than %d characters", SheetNameMax)
	case strings.ContainsAny(name, `[]:*?/\`):
		return `it has one of [ ] : * ? / \`
	case name[0] == '\'' || name[len(name)-1] == '\'':
		return "it begins or ends with an apostrophe"
	case strings.EqualFold(name, "History"):
		return "Excel keeps that name to itself"
	}
	for _, r := range name {
		if r < ' ' {
			return "it has a control character"
		}
	}
	return ""
}

// Blank gives the package of a workbook of empty sheets with the given names, which
// CheckSheetName must be content with and which differ in more than case. The same names give the same bytes.
func Blank(sheets []string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part := func(name, text string) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			_, err = w.Write([]byte(xmlHead + text))
		}
		return err
	}
	var types, list, rels strings.Builder
	for i, name := range sheets {
		n := i + 1
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, n)
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, attributeText.Replace(name), n, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet%d.xml"/>`, n, n)
	}
	last := len(sheets)
	for _, p := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			types.String() + `<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + mainNamespace + `" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><bookViews><workbookView/></bookViews><sheets>` + list.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + rels.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`, last+1, last+2)},
		{"xl/styles.xml", `<styleSheet xmlns="` + mainNamespace + `"><fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
		{"xl/sharedStrings.xml", `<sst xmlns="` + mainNamespace + `" count="0" uniqueCount="0"></sst>`},
	} {
		if err := part(p[0], p[1]); err != nil {
			return nil, err
		}
	}
	for i := range sheets {
		if err := part(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), `<worksheet xmlns="`+mainNamespace+`"><sheetData/></worksheet>`); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

const (
	xmlHead       = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
	mainNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
)

var attributeText = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;")
