// Package numfmt turns a number-format code and a value into the text that Excel
// shows (en-US), and date serials into calendar dates and back.
//
// A [Format] is a code compiled once, usually once per cell style: [Compile] reads
// the code, [Format.Append] shows a value with it. [Format.Kind] and
// [Format.IsDate] say what a format is for, [Builtin] gives the codes that a file
// names only by number. [DateSystem] says from which day serials are counted;
// [FromSerial], [ToSerial], [AppendISO] and [ParseISO] work with them directly.
// Serials carry no time zone, and nothing here adds one.
//
// Invariant: a Format never changes after Compile, so any number of goroutines may
// show values with it, and showing allocates nothing but the growth of dst.
//
// The text is that of a cell which is wide enough, as in a text export: a skipped
// width (_x) is one space and a fill (*x) is nothing. Month and day names are
// English whatever locale the code asks for.
//
// Start reading at [Format] (format.go), then section.go for the grammar, number.go
// for digits, fraction.go, general.go and datefmt.go for the other ways to show.
package numfmt
