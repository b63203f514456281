package grid

// PageMargins are how much of a page stays empty, in inches. Header and Footer are how far these are
// from the edges. The names in JSON, here and below, are those of the journal.
type PageMargins struct {
	Given  bool    `json:"given,omitempty"` // the file says so; else a program has its own
	Left   float64 `json:"left,omitempty"`
	Right  float64 `json:"right,omitempty"`
	Top    float64 `json:"top,omitempty"`
	Bottom float64 `json:"bottom,omitempty"`
	Header float64 `json:"header,omitempty"`
	Footer float64 `json:"footer,omitempty"`
}

// PageSetup is how a sheet is laid out on pages.
type PageSetup struct {
	Orientation string `json:"orientation,omitempty"` // "portrait" or "landscape"; "" is up to the printer
	Scale       int    `json:"scale,omitempty"`       // percent; 0 where the file does not say, which is 100
	Fit         bool   `json:"fit,omitempty"`         // the numbers of pages count, and not the scale
	Wide        int    `json:"wide,omitempty"`        // pages side by side; 0 is any number
	Tall        int    `json:"tall,omitempty"`        // and below each other
	Paper       int    `json:"paper,omitempty"`       // of the list in ECMA-376 part 1, 18.3.1.63; 0 where not given
}

// PageBreaks are the places where somebody wants a new page to begin: how many rows, and columns, are
// before each. They ascend.
type PageBreaks struct {
	Rows []int `json:"rows,omitempty"`
	Cols []int `json:"cols,omitempty"`
}

// HeaderFooter is what stands on the edges of pages, in the codes of Excel ("&LLeft&C&P of &N").
type HeaderFooter struct {
	OddHeader   string `json:"header,omitempty"` // of all pages that have none of their own
	OddFooter   string `json:"footer,omitempty"`
	EvenHeader  string `json:"even_header,omitempty"`
	EvenFooter  string `json:"even_footer,omitempty"`
	FirstHeader string `json:"first_header,omitempty"`
	FirstFooter string `json:"first_footer,omitempty"`
	OddEven     bool   `json:"odd_even,omitempty"` // even pages have their own
	First       bool   `json:"first,omitempty"`    // the first page has its own
}

// SheetProtection says what people may not do with a sheet, as far as programs hold to it.
type SheetProtection struct {
	On        bool      `json:"on,omitempty"`
	Objects   bool      `json:"objects,omitempty"`   // they cannot be changed
	Scenarios bool      `json:"scenarios,omitempty"` // the same
	Allow     Allowance `json:"allow,omitempty"`
	Password  Password  `json:"password,omitzero"`
}

// Allowance is a set of what may be done with a protected sheet. The numbers are those of the journal.
type Allowance uint32

// What may be done.
const (
	AllowFormatCells Allowance = 1 << iota
	AllowFormatColumns
	AllowFormatRows
	AllowInsertColumns
	AllowInsertRows
	AllowInsertHyperlinks
	AllowDeleteColumns
	AllowDeleteRows
	AllowSort
	AllowAutoFilter
	AllowPivotTables
	AllowSelectLocked
	AllowSelectUnlocked
)

// AllowAll allows everything.
const AllowAll = AllowSelectUnlocked<<1 - 1

// AllowanceNames are the attributes of files for each of an Allowance, from the lowest bit on. Those of what
// may be selected say what is forbidden where they are missing, the others what is allowed.
var AllowanceNames = [...]string{"formatCells", "formatColumns", "formatRows", "insertColumns", "insertRows", "insertHyperlinks",
	"deleteColumns", "deleteRows", "sort", "autoFilter", "pivotTables", "selectLockedCells", "selectUnlockedCells"}

// Password is what a file keeps of a password: nothing where there is none.
type Password struct {
	Algorithm string `json:"algorithm,omitempty"` // "SHA-512" and the like
	Hash      string `json:"hash,omitempty"`      // in base64
	Salt      string `json:"salt,omitempty"`
	Spin      int    `json:"spin,omitempty"`
	Legacy    string `json:"legacy,omitempty"` // the 16 bits of old files, in hexadecimal digits
}

// Asked reports whether there is a password.
func (p Password) Asked() bool { return p != Password{} }

// WorkbookProtection says what people may not do with the sheets of a workbook.
type WorkbookProtection struct {
	Structure bool     `json:"structure,omitempty"` // sheets cannot be added, moved, shown, …
	Windows   bool     `json:"windows,omitempty"`
	Password  Password `json:"password,omitzero"`
}

// On reports whether anything is protected.
func (p WorkbookProtection) On() bool { return p.Structure || p.Windows }
