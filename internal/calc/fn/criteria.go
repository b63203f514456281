package fn

import (
	"strings"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// Criterion is the condition of SUMIF, COUNTIFS, DSUM and their kind in its parsed form:
// a comparison with a number, a text (with wildcards where it is for equality), a logical
// value, an error or nothing. It is immutable.
//
// Of what is stored it takes: with a number all numbers that compare so, and for equality
// also texts that read as that number; with a text only texts, with a logical value only
// these. Whatever is of another kind is unequal, so "<>" takes it and all else does not: "<>5"
// also takes the text 5, which "=5" takes as well. "<" and ">" alone take nothing.
type Criterion struct {
	op      comparison
	operand cell.Kind // Blank for "=" and "<>" alone
	num     float64   // of a Number or a Bool, the code of an Error
	text    string
	folded  string   // text in lower case where it is ASCII and to be equalled, else empty
	pattern *Pattern // nil where text has no wildcard
	dates   numfmt.DateSystem
	blank   bool // a cell that holds nothing meets it
}

// comparison is one of the operators a criterion can begin with.
type comparison uint8

const (
	equal comparison = iota
	unequal
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// nothing is the operand of "<", ">" and their kind without a value: no cell is of its kind.
const nothing cell.Kind = 255

// criterionMax is how long the text of a criterion may be.
const criterionMax = 255

// ParseCriterion reads a criterion as SUMIF takes it: "<=5", "<>", "a*", "=", a number, a
// logical value, an error. A blank is the number 0, the empty text is met by empty texts and
// by cells that hold nothing, "=" by the latter only.
func ParseCriterion(v cell.Value, dates numfmt.DateSystem) *Criterion {
	return parseCriterion(v, dates, false)
}

// ParseFilter reads a criterion out of a criteria range of the database functions, which
// differs in one point: a text without an operator takes all that begin with it.
func ParseFilter(v cell.Value, dates numfmt.DateSystem) *Criterion {
	return parseCriterion(v, dates, true)
}

func parseCriterion(v cell.Value, dates numfmt.DateSystem, prefix bool) *Criterion {
	k := &Criterion{dates: dates}
	switch v.Kind() {
	case cell.Blank:
		k.operand = cell.Number
		return k
	case cell.Text:
	default:
		k.compareWith(v)
		return k
	}
	s := v.Text()
	op, rest := cutComparison(s)
	k.op = op
	plain := len(rest) == len(s)
	switch {
	case rest == "" && plain:
		k.operand, k.blank = cell.Text, true
		return k
	case rest == "":
		k.blank = op == equal
		if op > unequal {
			k.operand = nothing
		}
		return k
	}
	k.blank = op == unequal
	if strings.ContainsAny(rest, "0123456789") {
		if f, ok := ParseNumber(rest, dates); ok {
			k.compareWith(cell.NumberValue(f))
			return k
		}
	}
	switch {
	case strings.EqualFold(rest, "TRUE"), strings.EqualFold(rest, "FALSE"):
		k.compareWith(cell.BoolValue(len(rest) == 4))
		return k
	case rest[0] == '#':
		if e, ok := cell.ParseError(strings.ToUpper(rest)); ok {
			k.compareWith(cell.ErrorValue(e))
			return k
		}
	}
	k.operand, k.text = cell.Text, rest
	if op <= unequal {
		if prefix && plain {
			rest += "*"
		}
		pattern, text, literal := ParsePattern(rest)
		if k.text = text; !literal {
			k.pattern = pattern
		} else if isASCII(text) {
			k.folded = FoldText(text)
		}
	}
	return k
}

func (k *Criterion) compareWith(v cell.Value) {
	k.operand, k.num = v.Kind(), v.Number()
	if e := v.Err(); e != 0 {
		k.num = float64(e)
	}
}

// cutComparison takes the operator from the front of a criterion.
func cutComparison(s string) (op comparison, rest string) {
	for _, o := range [...]struct {
		sign string
		op   comparison
	}{{"<>", unequal}, {"<=", lessOrEqual}, {">=", greaterOrEqual}, {"<", less}, {">", greater}, {"=", equal}} {
		if rest, ok := strings.CutPrefix(s, o.sign); ok {
			return o.op, rest
		}
	}
	return equal, s
}

// Equals gives the value that a cell has to equal to meet the criterion, where that is
// all it asks, so that an index of values can serve it.
func (k *Criterion) Equals() (v cell.Value, ok bool) {
	if k.op != equal || k.pattern != nil || k.blank {
		return v, false
	}
	switch k.operand {
	case cell.Number:
		return cell.NumberValue(k.num), true
	case cell.Text:
		return cell.TextValue(k.text), true
	case cell.Bool:
		return cell.BoolValue(k.num != 0), true
	case cell.Error:
		return cell.ErrorValue(cell.ErrorCode(k.num)), true
	}
	return v, false
}

// Match reports whether a cell that holds v meets the criterion.
func (k *Criterion) Match(v cell.Value) bool {
	switch v.Kind() {
	case cell.Blank:
		return k.blank
	case cell.Text:
		return k.matchText(v.Text())
	case cell.Error:
		return k.matchNumber(cell.Error, float64(v.Err()))
	}
	return k.matchNumber(v.Kind(), v.Number())
}

// matchNumber is Match for what is stored as a number.
func (k *Criterion) matchNumber(kind cell.Kind, x float64) bool {
	if kind != k.operand {
		return k.op == unequal
	}
	if kind != cell.Number {
		return k.holds(int(x) - int(k.num))
	}
	return k.holds(CompareNumbers(x, k.num))
}

func (k *Criterion) matchText(s string) bool {
	switch k.operand {
	case cell.Text:
		if k.pattern != nil {
			return k.pattern.Match(s) == (k.op == equal)
		}
		if k.folded != "" {
			return equalFolded(s, k.folded) == (k.op == equal)
		}
		return k.holds(CompareText(s, k.text))
	case cell.Number:
		if k.op == equal && strings.ContainsAny(s, "0123456789") {
			f, ok := ParseNumber(s, k.dates)
			return ok && CompareNumbers(f, k.num) == 0
		}
	}
	return k.op == unequal
}

// equalFolded is EqualText with an ASCII text in lower case. Texts of one length mostly differ
// at their end.
func equalFolded(s, folded string) bool {
	if len(s) != len(folded) {
		return false
	}
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != folded[i] && lower(s[i]) != folded[i] {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// holds says what the outcome of a comparison, less than 0, 0 or greater, means.
func (k *Criterion) holds(order int) bool {
	switch k.op {
	case equal:
		return order == 0
	case unequal:
		return order != 0
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	}
	return order >= 0
}

// word gives for the next cells of a run, up to 64 beginning with the i-th, a bit each that
// says whether it meets the criterion, the first in the lowest bit, and how many they are.
func (k *Criterion) word(r *Run, i int) (bits uint64, n int) {
	kinds, nums := r.Kinds[i:], r.Nums
	n = min(64, len(kinds))
	kinds = kinds[:n]
	if k.operand == cell.Number && nums != nil {
		nums = nums[i : i+n]
		// Numbers that differ in more than the last digits need no look at the digits.
		lo, hi := k.num-1e-14*max(k.num, -k.num), k.num+1e-14*max(k.num, -k.num)
		var below, above uint64
		if k.op == less || k.op == lessOrEqual || k.op == unequal {
			below = 1
		}
		if k.op == greater || k.op == greaterOrEqual || k.op == unequal {
			above = 1
		}
		for j, kind := range kinds {
			// in unsorted numbers nobody can tell which side the next one is on: no branches there
			x, bit := nums[j], above
			if x < lo {
				bit = below
			}
			if kind != cell.Number || x >= lo && x <= hi {
				bit = 0
				if kind == cell.Blank && k.blank || kind != cell.Blank && k.Match(r.At(i+j)) {
					bit = 1
				}
			}
			bits |= bit << j
		}
		return bits, n
	}
	for j, kind := range kinds {
		var ok bool
		switch kind {
		case cell.Blank:
			ok = k.blank
		case cell.Text:
			ok = k.matchText(r.Texts[i+j])
		default:
			ok = k.matchNumber(kind, nums[i+j])
		}
		if ok {
			bits |= 1 << j
		}
	}
	return bits, n
}
