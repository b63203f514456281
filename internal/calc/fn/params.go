package fn

import (
	"fmt"
	"strings"
)

// Shape is what a parameter asks its argument to be.
type Shape uint8

// The shapes, with the words for them in [Function.Params]. "real" is for the functions that
// came with Excel's Analysis ToolPak, which are stricter to this day.
const (
	// single values: a function that has one is called for each element of an array; a
	// range is cut to the cell beside the formula unless arrays are on
	ShapeNum  Shape = iota // "num": a number, coerced
	ShapeReal              // "real": the same, but a logical value is #VALUE!, and one left empty #N/A or, if it need not be there, Omitted
	ShapeOpt               // "opt": as "num", but one left empty stays Omitted, for [Args.Given] to tell
	ShapeText              // "text": a text, coerced
	ShapeBool              // "bool": a logical value, coerced
	ShapeAny               // "any": a single value of any kind but an error, which is passed on
	ShapeRaw               // "raw": a single value, an error too

	// whole ones
	ShapeRange // "range": whatever it is; a range stays a reference
	ShapeArray // "array": the same, evaluated with arrays on
	ShapeRef   // "ref": a reference; anything else is #VALUE!
	ShapeFunc  // "fn": a function
	ShapeOpen  // "open": the same as "array", and functions too
	ShapeLazy  // "lazy": the evaluator itself calls functions that have one
)

var shapeWords = map[string]Shape{
	"num": ShapeNum, "real": ShapeReal, "opt": ShapeOpt, "text": ShapeText, "bool": ShapeBool, "any": ShapeAny, "raw": ShapeRaw,
	"range": ShapeRange, "array": ShapeArray, "ref": ShapeRef, "fn": ShapeFunc, "open": ShapeOpen, "lazy": ShapeLazy,
}

// single reports whether the shape is one of single values.
func (s Shape) single() bool { return s <= ShapeRaw }

// MaxArgs is the number of arguments that Excel lets a call have.
const MaxArgs = 255

// Params says which arguments a function takes. It is read from a text of words:
//
//	num num?             two numbers, the second may be left out
//	text...              one text or more
//	range (range any)... a range, then pairs of a range and a value, at least one
//	num (text any)*      a number, then any number of pairs, also none
type Params struct {
	shapes   []Shape
	Min, Max int
	repeat   int // how many of the last shapes repeat
}

// Shape gives the shape of argument i, counted from 0.
func (p *Params) Shape(i int) Shape {
	if i >= len(p.shapes) {
		if p.repeat == 0 {
			return ShapeRaw
		}
		fixed := len(p.shapes) - p.repeat
		i = fixed + (i-fixed)%p.repeat
	}
	return p.shapes[i]
}

// parseParams reads the text of [Params].
func parseParams(s string) (Params, error) {
	var p Params
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if p.repeat > 0 {
			return p, fmt.Errorf("something stands behind what repeats: %q", s)
		}
		var words []string
		var suffix string
		if s[0] == '(' {
			inside, rest, ok := strings.Cut(s[1:], ")")
			if !ok {
				return p, fmt.Errorf("a parenthesis is open in %q", s)
			}
			words = strings.Fields(inside)
			suffix, s, _ = strings.Cut(rest, " ")
		} else {
			var word string
			word, s, _ = strings.Cut(s, " ")
			base := strings.TrimRight(word, "?.*")
			words, suffix = []string{base}, word[len(base):]
		}
		for _, w := range words {
			shape, ok := shapeWords[w]
			if !ok {
				return p, fmt.Errorf("%q is no shape", w)
			}
			p.shapes = append(p.shapes, shape)
		}
		switch suffix {
		case "":
			if p.Min < p.Max {
				return p, fmt.Errorf("%q has to be given after one that need not", words)
			}
			p.Min += len(words)
			p.Max += len(words)
		case "?":
			p.Max += len(words)
		case "...", "*":
			if suffix == "..." && p.Min == p.Max {
				p.Min += len(words)
			}
			p.repeat, p.Max = len(words), MaxArgs
		default:
			return p, fmt.Errorf("%q is no suffix", suffix)
		}
	}
	return p, nil
}
