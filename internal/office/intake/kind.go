package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// The content types of the part that is the workbook.
var workbookTypes = map[string]Format{
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml":    XLSX,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml": XLSX,
	"application/vnd.ms-excel.sheet.macroenabled.main+xml":                          XLSX,
	"application/vnd.ms-excel.template.macroenabled.main+xml":                       XLSX,
	"application/vnd.ms-excel.addin.macroenabled.main+xml":                          XLSX,
	"application/vnd.ms-excel.sheet.binary.macroenabled.main":                       XLSB,
}

// The entries by which LibreOffice takes a package for OpenDocument.
var odfEntries = []string{"mimetype", "meta-inf/manifest.xml", "content.xml"}

// kind tells what a package is, from its entries' names in small letters and from its own words.
func (w *workbook) kind(names map[string]bool) (Format, error) {
	odf := false
	for _, name := range odfEntries {
		odf = odf || names[name]
	}
	types := names["[content_types].xml"]
	switch {
	case odf && types:
		return "", refuse(NotWorkbook, "it is OpenDocument and Office Open XML at once")
	case odf:
		return ODS, w.checkODF()
	case types:
		return w.kindOOXML()
	}
	return "", refuse(NotWorkbook, "it is a zip archive of something else")
}

// checkODF makes sure that OpenDocument is a spreadsheet that can be read without a password.
func (w *workbook) checkODF() error {
	mimetype, err := w.part("mimetype")
	if err != nil {
		return err
	}
	const spreadsheet = "application/vnd.oasis.opendocument.spreadsheet"
	if kind := strings.TrimSuffix(strings.TrimSpace(string(mimetype)), "-template"); kind != spreadsheet {
		return refuse(NotWorkbook, "it is OpenDocument of the type %.100q", kind)
	}
	manifest, err := w.part("META-INF/manifest.xml")
	if err != nil {
		return err
	}
	encrypted := false
	err = elements(manifest, func(e xml.StartElement, _, _ int64) error {
		encrypted = encrypted || e.Name.Local == "encryption-data"
		return nil
	})
	if err != nil {
		return refuse(Damaged, "META-INF/manifest.xml: %v", err)
	}
	if encrypted {
		return refuse(Encrypted, "it needs a password")
	}
	return nil
}

// kindOOXML finds the workbook part by the package's relationships, and its type.
func (w *workbook) kindOOXML() (Format, error) {
	rels, err := w.part("_rels/.rels")
	if err != nil {
		return "", err
	}
	target := ""
	err = elements(rels, func(e xml.StartElement, _, _ int64) error {
		if e.Name.Local == "Relationship" && strings.HasSuffix(attribute(e, "Type"), "/officeDocument") && target == "" {
			target = path.Join("/", attribute(e, "Target"))
		}
		return nil
	})
	if err != nil {
		return "", refuse(Damaged, "_rels/.rels: %v", err)
	}
	if target == "" {
		return "", refuse(Damaged, "it does not say which of its parts is the workbook")
	}
	for _, f := range w.zip.File {
		if strings.EqualFold("/"+f.Name, target) {
			w.main = f.Name
		}
	}
	if w.main == "" {
		return "", refuse(Damaged, "its workbook part %q is not there", target)
	}
	types, err := w.part("[Content_Types].xml")
	if err != nil {
		return "", err
	}
	kind, byExtension := "", ""
	err = elements(types, func(e xml.StartElement, _, _ int64) error {
		switch {
		case e.Name.Local == "Override" && strings.EqualFold(attribute(e, "PartName"), target):
			kind = attribute(e, "ContentType")
		case e.Name.Local == "Default" && strings.EqualFold("."+attribute(e, "Extension"), path.Ext(target)):
			byExtension = attribute(e, "ContentType")
		}
		return nil
	})
	if err != nil {
		return "", refuse(Damaged, "[Content_Types].xml: %v", err)
	}
	if kind == "" {
		kind = byExtension
	}
	format, ok := workbookTypes[strings.ToLower(strings.TrimSpace(kind))]
	if !ok {
		return "", refuse(NotWorkbook, "its main part is of the type %.120q", kind)
	}
	return format, nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// elements calls do for each element of an XML text, with where its start tag begins and ends.
// A text with a document type is refused: what its entities stand for depends on who reads it.
// So is one that is not UTF-8.
func elements(text []byte, do func(e xml.StartElement, from, to int64) error) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		from := d.InputOffset()
		token, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("it has a document type")
		case xml.StartElement:
			if err := do(t, from, d.InputOffset()); err != nil {
				return err
			}
		}
	}
}
