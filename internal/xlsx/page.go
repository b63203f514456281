package xlsx

import (
	"math"
	"slices"
	"unsafe"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
	"gridflow/internal/xlsx/xmltext"
)

// page reads what a sheet says of its tab, its protection, and how it is printed.
func (p *layoutReader) page() {
	r, l := p.r, p.l
	switch string(r.Local()) {
	case "sheetPr":
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "tabColor":
				l.TabColor = xf.Color(parseColor(r, nil))
			case "pageSetUpPr":
				l.Setup.Fit = r.Bool("fitToPage", false)
			}
		}
	case "sheetProtection":
		l.Protection = sheetProtection(r)
	case "pageMargins":
		l.Margins = grid.PageMargins{
			Given: true, Left: inches(r, "left"), Right: inches(r, "right"), Top: inches(r, "top"), Bottom: inches(r, "bottom"),
			Header: inches(r, "header"), Footer: inches(r, "footer"),
		}
	case "pageSetup":
		s := &l.Setup
		s.Orientation = r.Value("orientation")
		if s.Orientation == "default" {
			s.Orientation = ""
		}
		s.Scale, s.Paper = max(0, r.Int("scale", 0)), max(0, r.Int("paperSize", 0))
		s.Wide, s.Tall = max(0, r.Int("fitToWidth", 1)), max(0, r.Int("fitToHeight", 1))
	case "headerFooter":
		l.Edges = headerFooter(r)
	case "rowBreaks":
		l.Breaks.Rows = p.breaks(cell.MaxRows)
	case "colBreaks":
		l.Breaks.Cols = p.breaks(cell.MaxCols)
	}
}

func inches(r *xmltext.Reader, name string) float64 {
	f := r.Float(name, 0)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return max(0, f)
}

// breaks reads the breaks that somebody has made. Those that a program has computed stand there at times, too.
func (p *layoutReader) breaks(most int) (list []int) {
	for d := p.r.Depth(); p.r.Child(d); {
		if id := p.r.Int("id", 0); string(p.r.Local()) == "brk" && p.r.Bool("man", false) && id > 0 && id < most && p.room(1, unsafe.Sizeof(id)) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func headerFooter(r *xmltext.Reader) grid.HeaderFooter {
	h := grid.HeaderFooter{OddEven: r.Bool("differentOddEven", false), First: r.Bool("differentFirst", false)}
	for d := r.Depth(); r.Child(d); {
		text := map[string]*string{"oddHeader": &h.OddHeader, "oddFooter": &h.OddFooter, "evenHeader": &h.EvenHeader, "evenFooter": &h.EvenFooter,
			"firstHeader": &h.FirstHeader, "firstFooter": &h.FirstFooter}[string(r.Local())]
		if text != nil {
			*text = xmltext.Unescape(r.Text())
		}
	}
	return h
}

func sheetProtection(r *xmltext.Reader) grid.SheetProtection {
	s := grid.SheetProtection{On: r.Bool("sheet", false), Objects: r.Bool("objects", false), Scenarios: r.Bool("scenarios", false)}
	for i, name := range grid.AllowanceNames {
		bit := grid.Allowance(1) << i
		locked := bit&(grid.AllowSelectLocked|grid.AllowSelectUnlocked) == 0 // what may be selected is not, unless it is said
		if !r.Bool(name, locked) {
			s.Allow |= bit
		}
	}
	if !s.On {
		s.Allow = 0 // nothing is forbidden
	}
	s.Password = password(r, "algorithmName", "hashValue", "saltValue", "spinCount", "password")
	return s
}

// password reads what is kept of a password in attributes of these names.
func password(r *xmltext.Reader, algorithm, hash, salt, spin, legacy string) grid.Password {
	return grid.Password{Algorithm: r.Value(algorithm), Hash: r.Value(hash), Salt: r.Value(salt), Spin: max(0, r.Int(spin, 0)), Legacy: r.Value(legacy)}
}

// workbookProtection reads a <workbookProtection>.
func workbookProtection(r *xmltext.Reader) grid.WorkbookProtection {
	return grid.WorkbookProtection{
		Structure: r.Bool("lockStructure", false), Windows: r.Bool("lockWindows", false),
		Password: password(r, "workbookAlgorithmName", "workbookHashValue", "workbookSaltValue", "workbookSpinCount", "workbookPassword"),
	}
}
