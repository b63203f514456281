// Package wire is what the server and an office worker say to each other: one JSON value a
// line, a [Request] down, a [Response] up, and first of all a [Hello] up when the worker is
// warm. The pipes are descriptors 3 and 4 of the worker; standard output and standard error
// belong to LibreOffice, which writes what it likes there.
//
// The one invariant: a worker does one job at a time, and answers each with the number that it
// came with. Files are named by paths within the folder that the job was given; nothing else of
// the file system is meant by any message.
package wire

// The descriptors of a worker.
const (
	RequestFD  = 3
	ResponseFD = 4
)

// Op is what a worker can do with a document.
type Op string

const (
	// Recalculate loads In, calculates all formulas, and writes Out as .xlsx.
	Recalculate Op = "recalculate"
	// Paint loads In and draws Range of the sheet Sheet into Out: rows of pixels, from the top,
	// four bytes each (red, green, blue, alpha), without any header.
	Paint Op = "paint"
	// Convert loads In and writes Out as Format.
	Convert Op = "convert"
	// Ping does nothing.
	Ping Op = "ping"
)

// A Request is one job.
type Request struct {
	ID     uint64 `json:"id"`
	Op     Op     `json:"op"`
	In     string `json:"in,omitempty"`     // path of the document
	Out    string `json:"out,omitempty"`    // path of what is to be written
	Format string `json:"format,omitempty"` // Convert: xlsx, ods, pdf
	Filter string `json:"filter,omitempty"` // Convert: options of LibreOffice's export filter
	Sheet  int    `json:"sheet,omitempty"`  // Paint: which, from 0, hidden ones counted
	Range  Range  `json:"range,omitzero"`   // Paint
	// Scale is how many pixels Paint draws for each 1/96 inch, to the hundredth, from 0.2 to 4; 0
	// is 1.
	Scale float64 `json:"scale,omitempty"`
	// MaxPixels is the most that Paint may draw; more is the failure TooLarge, with the size
	// that it would have had. 0 is without bound.
	MaxPixels int `json:"max_pixels,omitempty"`
}

// A Range is cells of a sheet, from 0, both corners within.
type Range struct {
	FirstRow int `json:"r0"`
	FirstCol int `json:"c0"`
	LastRow  int `json:"r1"`
	LastCol  int `json:"c1"`
}

// A Response ends a job.
type Response struct {
	ID      uint64   `json:"id"`
	Failure *Failure `json:"failure,omitempty"`
	Picture *Picture `json:"picture,omitempty"` // of Paint
	Sheets  []string `json:"sheets,omitempty"`  // the names of the document's sheets, hidden ones too
	Usage   Usage    `json:"usage"`
}

// A Picture says what was painted.
type Picture struct {
	Width  int `json:"width"` // in pixels
	Height int `json:"height"`
	// Cols and Rows are the edges of columns and rows in pixels from the left and the top: one
	// more than the range has. What is hidden has no width.
	Cols []int `json:"cols"`
	Rows []int `json:"rows"`
}

// Usage is what a worker has taken, as it sees itself.
type Usage struct {
	Wall int64 `json:"wall_us"` // of this job, in microseconds
	CPU  int64 `json:"cpu_us"`  // of this job, system included
	RSS  int64 `json:"rss"`     // in bytes, now
}

// Code says whose fault a failure is.
type Code string

const (
	// NotLoaded: LibreOffice does not open the document. The worker is sound.
	NotLoaded Code = "not_loaded"
	// NotWritten: it opened the document, but wrote nothing.
	NotWritten Code = "not_written"
	// NoSheet: there is no such sheet, or it is hidden and so cannot be painted.
	NoSheet Code = "no_sheet"
	// TooLarge: the picture would have more pixels than it may.
	TooLarge Code = "too_large"
	// NotInstalled: there is no LibreOffice, or none that can be loaded. Of a Hello.
	NotInstalled Code = "not_installed"
	// BadRequest: the request makes no sense.
	BadRequest Code = "bad_request"
	// Broken: the worker is not to be used again.
	Broken Code = "broken"
)

// A Failure is an answer too: the worker goes on, but for Broken.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// A Hello is the first message of a worker: it is ready, or Failure says why it never will be.
type Hello struct {
	Version string   `json:"version"` // of LibreOffice, such as "7.4.7.2"
	Failure *Failure `json:"failure,omitempty"`
	Usage   Usage    `json:"usage"` // of starting and warming up
	// Confined says by what the worker is kept from files outside of its folders, such as
	// "landlock 7"; "" is by its good will.
	Confined string `json:"confined,omitempty"`
}
