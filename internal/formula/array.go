package formula

import "strings"

// arrayNames are the functions whose result is an array by its nature, whatever they are given.
const arrayNames = `
	BYCOL BYROW CHOOSECOLS CHOOSEROWS DROP EXPAND FILTER FREQUENCY GROUPBY GROWTH HSTACK LINEST LOGEST MAKEARRAY MAP
	MINVERSE MMULT MODE.MULT MUNIT PIVOTBY RANDARRAY SCAN SEQUENCE SORT SORTBY STOCKHISTORY TAKE TEXTSPLIT TOCOL TOROW
	TRANSPOSE TREND TRIMRANGE _TRO_ALL _TRO_LEADING _TRO_TRAILING UNIQUE VSTACK WRAPCOLS WRAPROWS
`

// liftedNames are functions of single values only. Of an array they give an array. Those that
// came from the Analysis ToolPak, as EDATE, are not here: of a range they give #VALUE!.
const liftedNames = `
	ABS ACOS ASIN ATAN ATAN2 CEILING CHAR CLEAN CODE COS DATE DATEVALUE DAY DEGREES EVEN EXACT EXP FACT FIND FIXED FLOOR
	HOUR INT ISBLANK ISERR ISERROR ISLOGICAL ISNA ISNONTEXT ISNUMBER ISTEXT LEFT LEN LN LOG LOG10 LOWER MID MINUTE MOD
	MONTH NOT ODD POWER PROPER RADIANS REPLACE REPT RIGHT ROUND ROUNDDOWN ROUNDUP SEARCH SECOND SIGN SIN SQRT SUBSTITUTE
	TAN TEXT TEXTAFTER TEXTBEFORE TIME TIMEVALUE TRIM TRUNC UNICHAR UNICODE UPPER VALUE WEEKDAY YEAR
`

// chooseNames give one of their arguments, or an array where one of these is an array.
const chooseNames = "CHOOSE IF IFERROR IFNA IFS SWITCH"

// result says what a function makes of arrays.
type result uint8

const (
	unknownResult result = iota
	arrayResult          // gives one
	liftedResult         // gives one if it is given one
)

var results = func() map[string]result {
	m := make(map[string]result)
	for name := range strings.FieldsSeq(arrayNames) {
		m[name] = arrayResult
	}
	for name := range strings.FieldsSeq(liftedNames + " " + chooseNames) {
		m[name] = liftedResult
	}
	return m
}()

// ArrayFunction reports whether the result of a function, by its name as [Node.Function] has it, is an array by its nature.
func ArrayFunction(name string) bool { return results[name] == arrayResult }

// Spills reports whether the formula surely gives an array where arrays are not cut down to
// one value: it calls a function that does by its nature, or refers to a spilled range, and
// what is done with the result leaves it an array.
//
// Excel marks the formulas for which this is true as dynamic arrays when they are typed. One
// in a file without the mark is calculated as before there were any, and gets an @.
//
// Ranges of cells do not count, though Excel counts them: A1:A3*2 in a file without the mark
// takes the cell beside the formula, there are many such formulas, and they are shown without
// the @ that Excel would show. Who copies one means what it was.
func (t *Tree) Spills() bool {
	s := spiller{}
	return s.array(t.Root)
}

// spiller knows which of the names that LET binds stand for arrays.
type spiller struct{ bound []boundName }

type boundName struct {
	name  string
	array bool
}

func (s *spiller) array(n *Node) bool {
	switch n.Kind {
	case Ref:
		return n.Ref.Trim != 0
	case Local:
		for i := len(s.bound) - 1; i >= 0; i-- {
			if strings.EqualFold(s.bound[i].name, n.Name()) {
				return s.bound[i].array
			}
		}
	case Paren:
		return s.array(n.Kids[0])
	case Unary:
		return n.Op != OpImplicit && s.array(n.Kids[0])
	case Postfix:
		return n.Op == OpSpill || s.array(n.Kids[0])
	case Binary:
		return n.binds() < bindUnion && (s.array(n.Kids[0]) || s.array(n.Kids[1]))
	case Call:
		return n.Ref == nil && s.call(n)
	}
	return false
}

func (s *spiller) call(n *Node) bool {
	name := n.Function()
	switch name {
	case "LET":
		return s.let(n.Kids)
	case "ANCHORARRAY":
		return storagePrefix(n.Text) > 0
	}
	switch results[name] {
	case arrayResult:
		return true
	case liftedResult:
		for _, k := range n.Kids {
			if s.array(k) {
				return true
			}
		}
	}
	return false
}

// let looks at what LET gives, which is its last argument.
func (s *spiller) let(args []*Node) bool {
	outer := len(s.bound)
	for i := 0; i+1 < len(args); i += 2 {
		if args[i].Kind != Local {
			break
		}
		s.bound = append(s.bound, boundName{args[i].Name(), s.array(args[i+1])})
	}
	gives := len(args)%2 == 1 && s.array(args[len(args)-1])
	s.bound = s.bound[:outer]
	return gives
}
