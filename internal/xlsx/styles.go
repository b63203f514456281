package xlsx

import (
	"bytes"
	"errors"
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx/xmltext"
)

// maxCodes bounds the number formats of a workbook's own, which cost more than other
// parts of a style; Excel takes some 250.
const maxCodes = 1 << 16

// readStyles reads the style sheet and the theme. A workbook without them has none of
// what they hold.
func readStyles(p *Package, rels *relationships) (*grid.Styles, error) {
	s := &grid.Styles{}
	if rel := rels.first("styles"); rel != nil {
		doc, err := p.readXML(rel.part)
		if err != nil {
			return nil, err
		}
		if s, err = parseStyles(doc); err != nil {
			return nil, inPart(rel.part.Name, err)
		}
	}
	if rel := rels.first("theme"); rel != nil {
		doc, err := p.readXML(rel.part)
		if err == nil {
			s.Theme, err = parseTheme(doc)
		}
		err = inPart(rel.part.Name, err)
		var e *Error
		if errors.As(err, &e) && e.source {
			return nil, err
		}
		if err != nil { // cells can be read without it
			s.Theme = grid.Theme{Problem: err.Error()}
		}
	}
	return s, nil
}

// rawXf is an <xf> or <dxf> as it stands in the file. The lists that it points into may
// come after it.
type rawXf struct {
	font, fill, border int // indices, -1 where not given
	numFmt             int
	base               int // of a cell's format: index of the named style's format
	alignment          *grid.Alignment
	protection         *grid.Protection
}

// rawName is an entry of the style gallery.
type rawName struct {
	name    string
	base    int
	builtin int
}

// stylesReader collects the lists of a style sheet.
type stylesReader struct {
	r       *xmltext.Reader
	s       *grid.Styles
	codes   map[int]string // number formats of the workbook's own
	cells   []rawXf        // cellXfs
	bases   []rawXf        // cellStyleXfs
	names   []rawName
	palette []string // indexed colours of the workbook's own
	entries int
}

func parseStyles(doc []byte) (*grid.Styles, error) {
	p := &stylesReader{r: xmltext.New(doc), s: &grid.Styles{}, codes: make(map[int]string)}
	r := p.r
	if !r.Root() {
		return nil, r.Err()
	}
	// The palette comes last and is needed first.
	if bytes.Contains(doc, []byte("indexedColors")) {
		p.palette = parsePalette(doc)
	}
	for d := r.Depth(); r.Child(d); {
		if !r.InMain() {
			continue
		}
		if err := p.list(); err != nil {
			return nil, err
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	p.link()
	return p.s, nil
}

// list reads one of the lists that a style sheet is made of.
func (p *stylesReader) list() error {
	r, s := p.r, p.s
	kind := string(r.Local())
	switch kind {
	case "numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs":
	default:
		return nil
	}
	for d := r.Depth(); r.Child(d); {
		if p.entries++; p.entries > maxEntries {
			return tooLarge("", "it has more than %d fonts, fills, borders and formats", maxEntries)
		}
		switch kind + "/" + string(r.Local()) {
		case "numFmts/numFmt":
			if len(p.codes) >= maxCodes {
				return tooLarge("", "it has more than %d number formats", maxCodes)
			}
			p.codes[r.Int("numFmtId", -1)] = xmltext.Unescape(r.Value("formatCode"))
		case "fonts/font":
			s.Fonts = append(s.Fonts, p.font())
		case "fills/fill":
			s.Fills = append(s.Fills, p.fill())
		case "borders/border":
			s.Borders = append(s.Borders, p.border())
		case "cellStyleXfs/xf":
			p.bases = append(p.bases, p.xf())
		case "cellXfs/xf":
			p.cells = append(p.cells, p.xf())
		case "cellStyles/cellStyle":
			p.names = append(p.names, rawName{xmltext.Unescape(r.Value("name")), r.Int("xfId", -1), r.Int("builtinId", -1)})
		case "dxfs/dxf":
			s.Dxfs = append(s.Dxfs, p.dxf())
		}
	}
	return nil
}

// link turns indices into pointers and codes into compiled formats.
func (p *stylesReader) link() {
	s := p.s
	nameOf := make(map[int]int, len(p.names))
	s.Named = make([]grid.NamedStyle, len(p.names))
	for i, n := range p.names {
		s.Named[i] = grid.NamedStyle{Name: n.name, BuiltinID: n.builtin, Xf: grid.Xf{NumFmt: "General", NamedStyle: i}}
		if n.base >= 0 && n.base < len(p.bases) {
			s.Named[i].Xf = p.linked(&p.bases[n.base])
			s.Named[i].Xf.NamedStyle = i
		}
		if _, twice := nameOf[n.base]; !twice {
			nameOf[n.base] = i
		}
	}
	compiled := make(map[string]*numfmt.Format)
	s.Xfs = make([]grid.Xf, len(p.cells))
	s.Formats = make([]*numfmt.Format, len(p.cells))
	for i := range p.cells {
		xf := p.linked(&p.cells[i])
		if n, ok := nameOf[p.cells[i].base]; ok {
			xf.NamedStyle = n
		}
		f := compiled[xf.NumFmt]
		if f == nil {
			f = numfmt.Compile(xf.NumFmt)
			compiled[xf.NumFmt] = f
		}
		s.Xfs[i], s.Formats[i] = xf, f
	}
}

func (p *stylesReader) linked(raw *rawXf) grid.Xf {
	return grid.Xf{
		NumFmtID: raw.numFmt, NumFmt: p.code(raw.numFmt), Font: at(p.s.Fonts, raw.font), Fill: at(p.s.Fills, raw.fill),
		Border: at(p.s.Borders, raw.border), Alignment: raw.alignment, Protection: raw.protection, NamedStyle: -1,
	}
}

// code gives a number format by its id.
func (p *stylesReader) code(id int) string {
	if code, ok := p.codes[id]; ok {
		return code
	}
	if code, ok := numfmt.Builtin(id); ok {
		return code
	}
	return "General"
}

// at gives a pointer to list[i], nil where there is no such entry.
func at[T any](list []T, i int) *T {
	if i < 0 || i >= len(list) {
		return nil
	}
	return &list[i]
}

// xf reads an <xf>. Its apply… attributes are for programs that change the named style:
// what the cell looks like is in the ids alone.
func (p *stylesReader) xf() rawXf {
	r := p.r
	x := rawXf{font: r.Int("fontId", 0), fill: r.Int("fillId", 0), border: r.Int("borderId", 0), numFmt: r.Int("numFmtId", 0), base: r.Int("xfId", 0)}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "alignment":
			x.alignment = alignment(r)
		case "protection":
			x.protection = protection(r)
		}
	}
	return x
}

// dxf reads a <dxf>: a format of which only some parts are given.
func (p *stylesReader) dxf() grid.Xf {
	r := p.r
	x := grid.Xf{NamedStyle: -1}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "font":
			f := p.font()
			x.Font = &f
		case "numFmt":
			x.NumFmtID, x.NumFmt = r.Int("numFmtId", 0), xmltext.Unescape(r.Value("formatCode"))
		case "fill":
			f := p.fill()
			x.Fill = &f
		case "border":
			b := p.border()
			x.Border = &b
		case "alignment":
			x.Alignment = alignment(r)
		case "protection":
			x.Protection = protection(r)
		}
	}
	return x
}

func alignment(r *xmltext.Reader) *grid.Alignment {
	return &grid.Alignment{
		Horizontal: r.Value("horizontal"), Vertical: r.Value("vertical"), Wrap: r.Bool("wrapText", false), Shrink: r.Bool("shrinkToFit", false),
		Rotation: r.Int("textRotation", 0), Indent: r.Int("indent", 0), ReadingOrder: r.Int("readingOrder", 0),
	}
}

func protection(r *xmltext.Reader) *grid.Protection {
	return &grid.Protection{Locked: r.Bool("locked", true), Hidden: r.Bool("hidden", false)}
}

func (p *stylesReader) font() grid.Font {
	r := p.r
	var f grid.Font
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "name":
			f.Name = xmltext.Unescape(r.Value("val"))
		case "sz":
			f.Size = r.Float("val", 0)
		case "b":
			f.Bold = r.Bool("val", true)
		case "i":
			f.Italic = r.Bool("val", true)
		case "strike":
			f.Strikethrough = r.Bool("val", true)
		case "u":
			switch f.Underline = r.Value("val"); f.Underline {
			case "":
				f.Underline = "single"
			case "none":
				f.Underline = ""
			}
		case "vertAlign":
			f.VertAlign = r.Value("val")
		case "color":
			f.Color = parseColor(r, p.palette)
		case "scheme":
			f.Scheme = r.Value("val")
		case "family":
			f.Family = r.Int("val", 0)
		case "charset":
			f.Charset = r.Int("val", 0)
		}
	}
	return f
}

func (p *stylesReader) fill() grid.Fill {
	r := p.r
	var f grid.Fill
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "patternFill":
			if f.Pattern = r.Value("patternType"); f.Pattern == "" {
				f.Pattern = "none"
			}
			for d := r.Depth(); r.Child(d); {
				switch string(r.Local()) {
				case "fgColor":
					f.Foreground = parseColor(r, p.palette)
				case "bgColor":
					f.Background = parseColor(r, p.palette)
				}
			}
		case "gradientFill":
			if f.GradientType = r.Value("type"); f.GradientType == "" {
				f.GradientType = "linear"
			}
			f.GradientDegree = r.Float("degree", 0)
			f.GradientLeft, f.GradientRight = r.Float("left", 0), r.Float("right", 0)
			f.GradientTop, f.GradientBottom = r.Float("top", 0), r.Float("bottom", 0)
			for d := r.Depth(); r.Child(d); {
				if p.entries++; string(r.Local()) != "stop" || p.entries > maxEntries {
					continue
				}
				stop := grid.GradientStop{Position: r.Float("position", 0), Color: grid.Color{Theme: -1, Indexed: -1}}
				for d := r.Depth(); r.Child(d); {
					if string(r.Local()) == "color" {
						stop.Color = *parseColor(r, p.palette)
					}
				}
				f.GradientStops = append(f.GradientStops, stop)
			}
		}
	}
	return f
}

func (p *stylesReader) border() grid.Border {
	r := p.r
	b := grid.Border{DiagonalUp: r.Bool("diagonalUp", false), DiagonalDown: r.Bool("diagonalDown", false)}
	for d := r.Depth(); r.Child(d); {
		var edge *grid.Edge
		switch string(r.Local()) {
		case "left", "start":
			edge = &b.Left
		case "right", "end":
			edge = &b.Right
		case "top":
			edge = &b.Top
		case "bottom":
			edge = &b.Bottom
		case "diagonal":
			edge = &b.Diagonal
		case "vertical":
			edge = &b.Vertical
		case "horizontal":
			edge = &b.Horizontal
		default:
			continue
		}
		edge.Style = r.Value("style")
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "color" {
				edge.Color = parseColor(r, p.palette)
			}
		}
	}
	return b
}

// parsePalette gives the indexed colours that a style sheet brings itself.
func parsePalette(doc []byte) []string {
	const most = 256
	var palette []string
	r := xmltext.New(doc)
	if !r.Root() {
		return nil
	}
	for d := r.Depth(); r.Child(d); {
		if string(r.Local()) != "colors" {
			continue
		}
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) != "indexedColors" {
				continue
			}
			for d := r.Depth(); r.Child(d) && len(palette) < most; {
				palette = append(palette, parseColor(r, nil).ARGB)
			}
		}
	}
	return palette
}

// themeColors gives the place of a colour of a theme in grid.Theme.Colors.
var themeColors = map[string]int{
	"dk1": 0, "lt1": 1, "dk2": 2, "lt2": 3, "accent1": 4, "accent2": 5, "accent3": 6, "accent4": 7,
	"accent5": 8, "accent6": 9, "hlink": 10, "folHlink": 11,
}

// fontScripts are the scripts that a theme has a font for, as the keys of grid.Theme.Fonts
// end; those for single languages are left out.
var fontScripts = map[string]string{"latin": "_latin", "ea": "_east_asian", "cs": "_complex_script"}

// parseTheme reads the names, colours and main fonts of a theme.
func parseTheme(doc []byte) (grid.Theme, error) {
	var t grid.Theme
	r := xmltext.New(doc)
	if !r.Root() {
		return t, r.Err()
	}
	t.Name = r.Value("name")
	for d := r.Depth(); r.Child(d); {
		if string(r.Local()) != "themeElements" {
			continue
		}
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "clrScheme":
				for d := r.Depth(); r.Child(d); {
					if i, ok := themeColors[string(r.Local())]; ok {
						t.Colors[i] = themeColor(r)
					}
				}
			case "fontScheme":
				for d := r.Depth(); r.Child(d); {
					var key string
					switch string(r.Local()) {
					case "majorFont":
						key = "major"
					case "minorFont":
						key = "minor"
					default:
						continue
					}
					for d := r.Depth(); r.Child(d); {
						script := fontScripts[string(r.Local())]
						if name := r.Value("typeface"); script != "" && name != "" {
							if t.Fonts == nil {
								t.Fonts = make(map[string]string, 6)
							}
							t.Fonts[key+script] = name
						}
					}
				}
			}
		}
	}
	return t, r.Err()
}

// themeColor gives the RGB value in a colour of a theme.
func themeColor(r *xmltext.Reader) (rgb string) {
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "srgbClr":
			rgb = strings.ToUpper(r.Value("val"))
		case "sysClr":
			// What the system's colour was when the file was written.
			rgb = strings.ToUpper(r.Value("lastClr"))
		}
	}
	return rgb
}
