package intake

import (
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"strings"

	"gridflow/internal/cell"
)

// LibreOffice 7.4, the first with sparklines, ends with all that it has open where a group of them has an axis of dates, and
// where one reads of a sheet that is not there. So a copy has neither: such a group is drawn without its dates, in even
// steps, and such a sparkline is empty, as it is in Excel.

// groupsName stands in every sheet with sparklines, where they begin.
const groupsName = "sparklineGroups"

// A finder is an io.Writer that looks for a text in what it is written.
type finder struct {
	text  string
	found bool
	last  []byte // the end of what was written, in which the text may begin
}

// Write implements io.Writer.
func (f *finder) Write(b []byte) (int, error) {
	window := append(f.last, b...)
	f.found = f.found || bytes.Contains(window, []byte(f.text))
	f.last = append(f.last[:0], window[max(0, len(window)-len(f.text)+1):]...)
	return len(b), nil
}

// mayHaveSparklines reports whether an entry can be the part of a worksheet, in XML.
func mayHaveSparklines(entry string) bool {
	folder, name := path.Split(strings.ToLower(entry))
	return strings.HasSuffix(folder, "worksheets/") && strings.HasSuffix(name, ".xml")
}

// sparklinesFilter writes what comes behind the cells of a sheet, with sparklines as LibreOffice bears them. It holds nothing
// back until they begin.
type sparklinesFilter struct {
	w      io.Writer
	sheets func() (map[string]bool, error) // in small letters
	held   []byte
	groups bool // held is all from some place before them on
}

func (f *sparklinesFilter) write(b []byte, final bool) error {
	f.held = append(f.held, b...)
	at := bytes.Index(f.held, []byte(groupsName))
	f.groups = f.groups || at >= 0
	switch {
	case f.groups && len(f.held) > smallMax:
		return refuse(TooLarge, "what stands behind the sparklines of a sheet has more than %d bytes", smallMax)
	case f.groups && final:
		sheets, err := f.sheets()
		if err != nil {
			return err
		}
		cut, err := sparklinesCut(f.held, sheets)
		if err != nil {
			return err
		}
		return writeWithout(f.w, f.held, cut)
	case f.groups:
		return nil
	}
	out := len(f.held)
	if !final { // the start tag may not be whole, of which the name is the end
		out = max(0, min(out-len(groupsName), bytes.LastIndexByte(f.held, '<')))
	}
	if _, err := f.w.Write(f.held[:out]); err != nil {
		return err
	}
	f.held = append(f.held[:0], f.held[out:]...)
	return nil
}

// sparklinesCut gives the bytes to leave out of the XML behind the cells of a sheet, where there are these sheets: of a group
// its own reference, which is to its dates, and of a sparkline what names another sheet than these.
func sparklinesCut(tail []byte, sheets map[string]bool) (cut []span, err error) {
	d := xml.NewDecoder(bytes.NewReader(tail))
	var open []string // elements, from a group of sparklines on
	var began, inside int64
	var text strings.Builder
	for {
		from := d.InputOffset()
		token, err := d.RawToken()
		switch {
		case err == io.EOF:
			return cut, nil
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) > 0 || t.Name.Local == "sparklineGroup" {
				open = append(open, t.Name.Local)
				began, inside = from, d.InputOffset()
				text.Reset()
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if len(open) == 0 {
				continue
			}
			open = open[:len(open)-1]
			switch of := open[max(0, len(open)-1):]; {
			case t.Name.Local != "f" || len(of) == 0:
			case of[0] == "sparklineGroup":
				cut = append(cut, span{began, d.InputOffset()})
			case of[0] == "sparkline":
				sheet, _, ok := cell.SplitSheet(strings.TrimSpace(text.String()))
				if !ok || sheet != "" && !sheets[strings.ToLower(sheet)] {
					cut = append(cut, span{inside, from})
				}
			}
		}
	}
}

// sheetNames gives the names of the sheets of an .xlsx, in small letters.
func (w *workbook) sheetNames() (map[string]bool, error) {
	text, err := w.part(w.main)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	return names, elements(text, func(e xml.StartElement, _, _ int64) error {
		if e.Name.Local == "sheet" {
			names[strings.ToLower(attribute(e, "name"))] = true
		}
		return nil
	})
}
