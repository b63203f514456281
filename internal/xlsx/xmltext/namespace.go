package xmltext

// NS is a namespace that parts of a workbook use. Several addresses may mean the
// same one: strict and transitional documents differ in nothing but that.
type NS uint8

// The namespaces.
const (
	Unknown       NS = iota // one that is not listed here, or a prefix that was not declared
	None                    // no namespace at all
	Main                    // SpreadsheetML: worksheets, workbook, styles, tables, comments
	Relationship            // attributes such as r:id
	Package                 // the elements of relationship parts
	ContentTypes            // the elements of [Content_Types].xml
	Compatibility           // mc:AlternateContent and its branches
	Drawing                 // DrawingML, as in the theme
	Properties              // docProps/app.xml
	X14                     // what Excel 2010 added
	X15                     // what Excel 2013 added
	Formula                 // xm:f and xm:sqref of the extensions
	Threaded                // threaded comments and their persons
	NewDrawing              // what drawings got after 2007: newer charts, slicers, controls
)

// namespaceOf gives the namespace of an address.
func namespaceOf(uri []byte) NS {
	switch string(uri) {
	case "":
		return None
	case "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
		"http://purl.oclc.org/ooxml/spreadsheetml/main":
		return Main
	case "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
		"http://purl.oclc.org/ooxml/officeDocument/relationships":
		return Relationship
	case "http://schemas.openxmlformats.org/package/2006/relationships":
		return Package
	case "http://schemas.openxmlformats.org/package/2006/content-types":
		return ContentTypes
	case "http://schemas.openxmlformats.org/markup-compatibility/2006":
		return Compatibility
	case "http://schemas.openxmlformats.org/drawingml/2006/main",
		"http://purl.oclc.org/ooxml/drawingml/main":
		return Drawing
	case "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties",
		"http://purl.oclc.org/ooxml/officeDocument/extendedProperties":
		return Properties
	case "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main":
		return X14
	case "http://schemas.microsoft.com/office/spreadsheetml/2010/11/main":
		return X15
	case "http://schemas.microsoft.com/office/excel/2006/main":
		return Formula
	case "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments":
		return Threaded
	case "http://schemas.microsoft.com/office/drawing/2010/main",
		"http://schemas.microsoft.com/office/drawing/2010/slicer",
		"http://schemas.microsoft.com/office/drawing/2012/timeslicer",
		"http://schemas.microsoft.com/office/drawing/2014/chartex",
		"http://schemas.microsoft.com/office/drawing/2015/9/8/chartex",
		"http://schemas.microsoft.com/office/drawing/2015/10/21/chartex",
		"http://schemas.microsoft.com/office/drawing/2016/5/10/chartex",
		"http://schemas.microsoft.com/office/drawing/2016/5/12/chartex":
		return NewDrawing
	}
	return Unknown
}

// understood reports whether the branch of an alternative that needs ns is for us.
func (ns NS) understood() bool {
	switch ns {
	case Main, Relationship, X14, Formula, NewDrawing:
		return true
	}
	return false
}

// binding is one declaration of a prefix, in force until its element ends.
type binding struct {
	prefix []byte // empty for the default namespace
	ns     NS
}

// resolve gives the namespace that prefix stands for here.
func (r *Reader) resolve(prefix []byte) NS {
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if string(r.bindings[i].prefix) == string(prefix) {
			return r.bindings[i].ns
		}
	}
	if len(prefix) == 0 {
		return None
	}
	return Unknown
}
