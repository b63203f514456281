package fn

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Category is the group in which Excel's help lists a function.
type Category string

// The categories.
const (
	Compatibility Category = "Compatibility"
	Database      Category = "Database"
	Date          Category = "Date and time"
	Engineering   Category = "Engineering"
	Financial     Category = "Financial"
	Information   Category = "Information"
	Logical       Category = "Logical"
	Lookup        Category = "Lookup and reference"
	Math          Category = "Math and trigonometry"
	Statistical   Category = "Statistical"
	TextFunctions Category = "Text"
	Web           Category = "Web"
	Cube          Category = "Cube"
)

// Function is one row of the table of functions.
type Function struct {
	Name     string // in upper case, without storage prefixes
	Category Category
	Params   string // see [Params]
	Since    int    // the version of Excel that brought it: 2007 (and before), 2010, 2013, 2016, 2019, 2021, 2024
	Volatile bool   // calculated anew at every calculation
	// Errors says that a single error, given where a whole argument has to be, is a value like others.
	Errors bool
	// GivesRefs says that the function gives references, and for arrays of arguments arrays of references; EachRef that of an
	// array of references it takes one after another, where others take the values.
	GivesRefs, EachRef bool

	// Eval is called by [Apply] with arguments of the shapes of Params: single values are
	// coerced, so that a[0].Number() of a "num" is one. An argument that was left empty is
	// what its shape makes of a blank; one of a whole shape then IsOmitted. Nil for a
	// function that the evaluator itself carries out.
	Eval func(c *Context, a Args) Value
	// One and Two, if not nil, are the function where it has one argument, or two, and these are numbers: what Eval
	// gives is then Num of it.
	One func(x float64) float64
	Two func(x, y float64) float64

	params Params
	beyond beyond
}

// Takes gives the parameters in their parsed form.
func (f *Function) Takes() *Params { return &f.params }

// Special reports whether the evaluator itself carries the function out.
func (f *Function) Special() bool { return f.Eval == nil }

// table is made once and never changed afterwards.
var table func() map[string]*Function

// Some functions call others by name, which makes the table depend on itself.
func init() { table = sync.OnceValue(makeTable) }

func makeTable() map[string]*Function {
	t := map[string]*Function{}
	for _, list := range [][]Function{
		specialFunctions, mathFunctions, logicalFunctions, dateFunctions, financialFunctions,
		statisticalFunctions, compatibilityFunctions, databaseFunctions, engineeringFunctions,
		informationFunctions, lookupFunctions, arrayFunctions, lambdaFunctions, textFunctions, webFunctions, addInFunctions,
		roundingFunctions, combinatoricFunctions, numeralFunctions, sumFunctions, subtotalFunctions, matrixFunctions, randomFunctions,
		workdayFunctions, dayCountFunctions, baseFunctions, complexFunctions,
	} {
		for _, f := range list {
			p, err := parseParams(f.Params)
			if err != nil {
				panic(fmt.Sprintf("fn: parameters of %s: %v", f.Name, err))
			}
			f.params, f.beyond = p, beyondOf[f.Name]
			if t[f.Name] != nil {
				panic("fn: two functions of the name " + f.Name)
			}
			t[f.Name] = &f
		}
	}
	return t
}

// Find gives the function of that name (in upper case, without storage prefixes), or nil.
func Find(name string) *Function { return table()[name] }

// All gives every function, sorted by name.
func All() []*Function {
	var all []*Function
	for _, f := range table() {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// specialFunctions are carried out by the evaluator: they decide which of their arguments
// are evaluated at all.
var specialFunctions = []Function{
	{Name: "IF", Category: Logical, Params: "lazy lazy? lazy?", Since: 2007},
	{Name: "IFS", Category: Logical, Params: "(lazy lazy)...", Since: 2019},
	{Name: "IFERROR", Category: Logical, Params: "lazy lazy", Since: 2007},
	{Name: "IFNA", Category: Logical, Params: "lazy lazy", Since: 2013},
	{Name: "CHOOSE", Category: Lookup, Params: "lazy lazy...", Since: 2007},
	{Name: "SWITCH", Category: Logical, Params: "lazy lazy lazy lazy*", Since: 2019},
	{Name: "LET", Category: Logical, Params: "lazy lazy lazy lazy*", Since: 2021},
	{Name: "LAMBDA", Category: Logical, Params: "lazy lazy*", Since: 2024},
	{Name: "ISOMITTED", Category: Logical, Params: "lazy", Since: 2024},
}
