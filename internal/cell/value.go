package cell

import (
	"math"
	"strconv"
)

// Kind says which sort of thing a [Value] holds.
type Kind uint8

// The kinds of value a cell can hold. A date is a Number whose number format says
// so; the cell itself does not know.
const (
	Blank Kind = iota
	Number
	Text
	Bool
	Error
)

// String gives the kind's name as it stands in results: "blank", "number", "text",
// "bool" or "error".
func (k Kind) String() string {
	return [...]string{"blank", "number", "text", "bool", "error"}[k]
}

// Value is what a cell holds. The zero Value is blank. Values are compared with ==
// (two NaN differ, as floats do); a Text value keeps the string it was given.
type Value struct {
	str  string
	num  float64 // the number, 0 or 1 for a Bool, the ErrorCode for an Error
	kind Kind
}

// NumberValue holds f.
func NumberValue(f float64) Value { return Value{num: f, kind: Number} }

// TextValue holds s, which may be empty: an empty text is not blank.
func TextValue(s string) Value { return Value{str: s, kind: Text} }

// BoolValue holds b.
func BoolValue(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.num = 1
	}
	return v
}

// ErrorValue holds the error value e.
func ErrorValue(e ErrorCode) Value { return Value{num: float64(e), kind: Error} }

// ValueOf makes a value of its parts, as they stand in lists by kind: num is the number, 0 or 1
// of a Bool, the code of an Error; text is that of a Text. What a kind has no use for is
// passed over.
func ValueOf(k Kind, num float64, text string) Value {
	switch k {
	case Number, Bool, Error:
		return Value{num: num, kind: k}
	case Text:
		return TextValue(text)
	}
	return Value{}
}

// Payload is the num that ValueOf takes: the number, 0 or 1 of a Bool, the code of an Error, and
// 0 for every other kind.
func (v Value) Payload() float64 { return v.num }

// Kind says what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsBlank reports whether v holds nothing.
func (v Value) IsBlank() bool { return v.kind == Blank }

// Number is the number in v, 1 or 0 for a Bool, and 0 for every other kind.
func (v Value) Number() float64 {
	if v.kind == Number || v.kind == Bool {
		return v.num
	}
	return 0
}

// Text is the string in v, empty unless v is a Text.
func (v Value) Text() string { return v.str }

// Bool reports whether v is the logical TRUE.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Err is the error code in v, and 0 unless v is an Error.
func (v Value) Err() ErrorCode {
	if v.kind == Error {
		return ErrorCode(v.num)
	}
	return 0
}

// String gives v as a person would type it, without any number format: numbers in
// their shortest form that reads back equal, TRUE and FALSE, error literals.
func (v Value) String() string {
	switch v.kind {
	case Text:
		return v.str
	case Blank:
		return ""
	}
	var buf [32]byte
	return string(v.Append(buf[:0]))
}

// Append appends the text of String to b.
func (v Value) Append(b []byte) []byte {
	switch v.kind {
	case Number:
		return AppendNumber(b, v.num)
	case Text:
		return append(b, v.str...)
	case Bool:
		if v.num != 0 {
			return append(b, "TRUE"...)
		}
		return append(b, "FALSE"...)
	case Error:
		return append(b, ErrorCode(v.num).String()...)
	}
	return b
}

// AppendNumber appends the shortest decimal form of f that reads back as f. Whole
// numbers below 1e15 have no exponent, as in Excel's General format.
func AppendNumber(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	if a := math.Abs(f); a >= 1e-5 && a < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'E', -1, 64)
}

// ErrorCode is a spreadsheet error value. The zero ErrorCode is no error.
type ErrorCode uint8

// The error values of Excel, in the order of ERROR.TYPE where that function knows them.
const (
	ErrNull        ErrorCode = iota + 1 // #NULL!
	ErrDiv0                             // #DIV/0!
	ErrValue                            // #VALUE!
	ErrRef                              // #REF!
	ErrName                             // #NAME?
	ErrNum                              // #NUM!
	ErrNA                               // #N/A
	ErrGettingData                      // #GETTING_DATA
	ErrSpill                            // #SPILL!
	ErrConnect                          // #CONNECT!
	ErrBlocked                          // #BLOCKED!
	ErrUnknown                          // #UNKNOWN!
	ErrField                            // #FIELD!
	ErrCalc                             // #CALC!
	ErrBusy                             // #BUSY!
	ErrPython                           // #PYTHON!
	ErrExternal                         // #EXTERNAL!
	ErrTimeout                          // #TIMEOUT!
	ErrCirc                             // #CIRC!, not Excel's: a cycle that was not iterated
)

var errorNames = [...]string{"", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!",
	"#CONNECT!", "#BLOCKED!", "#UNKNOWN!", "#FIELD!", "#CALC!", "#BUSY!", "#PYTHON!", "#EXTERNAL!", "#TIMEOUT!", "#CIRC!"}

// String gives the error literal, for example "#DIV/0!".
func (e ErrorCode) String() string {
	if int(e) < len(errorNames) {
		return errorNames[e]
	}
	return "#UNKNOWN!"
}

// ParseError reads an error literal in upper case.
func ParseError(s string) (ErrorCode, bool) {
	if len(s) < 2 || s[0] != '#' {
		return 0, false
	}
	for i, n := range errorNames {
		if n == s && i > 0 {
			return ErrorCode(i), true
		}
	}
	return 0, false
}
