package patch

import (
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/xmltext"
)

// An error that came after Excel 2007 is written as #VALUE! with a value behind it that says what it
// is, as Excel does: package xlsx says how it is found. The parts are named and typed as Excel names them
// ([MS-XLSX] 2.1.70 and 2.1.71), with the two values that it writes for an error which was typed.
const (
	richName      = "XLRICHVALUE"
	richType      = `metadataType name="XLRICHVALUE" minSupportedVersion="120000" copy="1" pasteAll="1" pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" coerce="1"/>`
	richSpace     = "http://schemas.microsoft.com/office/spreadsheetml/2017/richdata"
	richExt       = `ext uri="{3e2802c4-a4d2-4d8b-9148-e3be6c30e623}"><xlrd:rvb xmlns:xlrd="` + richSpace + `" i="`
	richRelations = "http://schemas.microsoft.com/office/2017/06/relationships/"

	richValues, richValuesType       = "rdRichValue", "application/vnd.ms-excel.rdrichvalue+xml"
	richStructures, richStructesType = "rdRichValueStructure", "application/vnd.ms-excel.rdrichvaluestructure+xml"

	richStructure = `s t="_error"><`
	maxRich       = 1 << 20 // entries of a list that are counted
)

// richError gives the value metadata, from 1, for a value that the file's kinds of error do not have; 0
// for any other, and where the package has no place for what says so.
func (s *saver) richError(v cell.Value) (int, error) {
	if v.Kind() != cell.Error || emit.Stored(v.Err()) == v.Err() {
		return 0, nil
	}
	errorType, ok := xlsx.RichErrorType(v.Err())
	if !ok {
		return 0, nil
	}
	if n, ok := s.rich[v.Err()]; ok {
		return n, nil
	}
	n, err := s.addRichError(errorType)
	if err != nil {
		return 0, err
	}
	if s.rich == nil {
		s.rich = make(map[cell.ErrorCode]int)
	}
	s.rich[v.Err()] = n
	return n, nil
}

func (s *saver) addRichError(errorType string) (int, error) {
	m, err := s.metadataPart()
	if err != nil || m == nil {
		return 0, err
	}
	if s.richValues == nil {
		structures, err := s.richPart("richData/rdrichvaluestructure", richStructures, richStructesType, "rvStructures")
		if err != nil || structures == nil {
			return 0, err
		}
		values, err := s.richPart("richData/rdrichvalue", richValues, richValuesType, "rvData")
		if err != nil || values == nil {
			return 0, err
		}
		p := structures.root.prefix
		s.richStructure = structures.add("<" + p + richStructure + p + `k n="errorType" t="i"/><` + p + `k n="subType" t="i"/></` + p + "s>")
		s.richValues, s.richStructures = values, structures
	}
	p := s.richValues.root.prefix
	value := s.richValues.add("<" + p + `rv s="` + strconv.Itoa(s.richStructure) + `"><` + p + "v>" + errorType + "</" + p + "v><" + p + "v>0</" + p + "v></" + p + "rv>")

	p = m.root.prefix
	kind := m.kind(richName, richType)
	bundle := len(m.items(m.futureOf(richName), "bk")) + len(m.newFuture[richName])
	m.addFuture(richName, "<"+p+"bk><"+p+"extLst><"+p+richExt+strconv.Itoa(value)+`"/></`+p+"ext></"+p+"extLst></"+p+"bk>")
	m.newValues = append(m.newValues, m.record(kind, bundle))
	return len(m.items(m.values, "bk")) + len(m.newValues), nil
}

// richPart is a part with a list of which the items are counted.
type richPart struct {
	d     *document
	root  element
	put   func(xml []byte) // of a part that is new; nil: it is in the file
	count int
	items string // new ones
}

// richPart gives a part of rich values, making it if there is none; nil where the package has no place
// for it.
func (s *saver) richPart(base, kind, contentType, root string) (*richPart, error) {
	p := &richPart{}
	if part := s.f.Related(kind); part != nil {
		var err error
		if p.d, p.root, err = s.rooted(part); err != nil {
			return nil, err
		}
		r := xmltext.New(p.d.text)
		if r.Root() {
			for depth := r.Depth(); r.Child(depth) && p.count < maxRich; {
				p.count++
			}
		}
		return p, nil
	}
	_, put, err := s.newPart(base, richRelations+kind, contentType)
	if err != nil || put == nil {
		return nil, err
	}
	p.d, p.put = &document{text: []byte("<" + root + ` xmlns="` + richSpace + `"/>`)}, put
	p.root, _ = p.d.root()
	return p, nil
}

// add adds an item and gives its number, from 0.
func (p *richPart) add(item string) int {
	p.items += item
	p.count++
	return p.count - 1
}

// finish writes what was added.
func (p *richPart) finish(s *saver) {
	if p == nil || p.items == "" {
		return
	}
	appendTo(p.d, p.root, p.count, p.items)
	if p.put != nil {
		p.put(applied(p.d.text, p.d.edits))
		return
	}
	s.save(p.d)
}

// finishMetadata writes what cells have added to the metadata of the workbook.
func (s *saver) finishMetadata() {
	if s.metadata != nil {
		s.metadata.finish(s)
	}
	s.richValues.finish(s)
	s.richStructures.finish(s)
}
