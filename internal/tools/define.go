package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gridflow/internal/book"
)

// Spec is what is said about a tool besides its input and output types.
type Spec struct {
	Name        string
	Title       string
	Description string
	Toolset     string
	Core        bool   // part of the default toolset
	Example     string // arguments of a typical call, as JSON: for the reference, and to mend wrong calls
	Reach       Reach  // how much of a workbook a call looks at
	Disk        bool   // a call writes a file or copies one
	Office      Office // what a call takes of LibreOffice; see Tool.Office

	Writes      bool // changes something; the zero value is a read
	Destructive bool
	Idempotent  bool // for tools that write; reads are idempotent anyway
}

// define makes the table row of a tool. The exported fields of In are its arguments:
//
//	json:"sheet_name"       its name; fields of embedded structs count as In's own
//	doc:"…"                 its description
//	required:"true"         it must be given
//	default:"50"            its value where it is not given
//	enum:"a|b"              its allowed values, matched ignoring case
//	also:"ne=neq|==:eq"     further spellings of them (either = or : separates)
//	min:"1" max:"500"       bounds of a number, or of an array's length
//	alias:"workbook_id"     other names for it, separated by |
//
// Fields are of type string, bool, int, float64, a pointer to one of these (nil where
// not given), []string, []int, Scalars, a struct or a slice of structs. A wrong tag is
// a fault of the program and panics when the tool is first used or shown.
func define[In, Out any](spec Spec, handler func(context.Context, *Env, In) (Out, error)) Tool {
	args := sync.OnceValue(func() *plan {
		args := planOf(reflect.TypeFor[In]())
		if spec.Example != "" {
			var in In
			if err := args.decode(spec.Name, "", json.RawMessage(spec.Example), reflect.ValueOf(&in).Elem(), false); err != nil {
				panic(fmt.Sprintf("the example of %s: %v", spec.Name, err))
			}
		}
		return args
	})
	return Tool{
		Name: spec.Name, Title: spec.Title, Description: spec.Description, Toolset: spec.Toolset, Core: spec.Core, Example: spec.Example, Reach: spec.Reach, Disk: spec.Disk, Office: spec.Office,
		ReadOnly: !spec.Writes, Destructive: spec.Destructive, Idempotent: !spec.Writes || spec.Idempotent,
		Schema: sync.OnceValue(func() json.RawMessage { return args().appendSchema(nil) }),
		Params: sync.OnceValue(func() []Param { return args().params() }),
		Call: func(ctx context.Context, env *Env, raw json.RawMessage) (*Result, error) {
			var in In
			if err := args().decode(spec.Name, spec.Example, raw, reflect.ValueOf(&in).Elem(), env.Profile == Compat); err != nil {
				return nil, err
			}
			seen := new(seenVersion)
			ctx, seen.opened = book.NoteOpened(context.WithValue(ctx, seenKey{}, seen))
			out, err := handler(ctx, env, in)
			if err != nil {
				return nil, env.hinting(MapError(err))
			}
			res, err := render(env, out, seen)
			if err != nil && spec.Writes {
				err = doneUnshown(err)
			}
			return res, err
		},
	}
}

// Scalars is an argument that may be a text, a number, a boolean or an array of these,
// as the value of a filter. Its schema says "string", because schemas without a type
// or with several are refused by clients.
type Scalars []Scalar

// Scalar is one JSON scalar. The zero Scalar is null.
type Scalar struct {
	Kind   ScalarKind
	Text   string // the text, or the number or boolean as it was written
	Number float64
}

// ScalarKind says what a Scalar is.
type ScalarKind uint8

// The kinds of Scalar.
const (
	NullScalar ScalarKind = iota
	TextScalar
	NumberScalar
	BoolScalar // Number is 1 for true
)

// plan is what is known about the arguments of a tool or the members of one of them.
type plan struct {
	fields []*field
	byName map[string]*field // by name and by alias
}

// field is one argument.
type field struct {
	Param
	index   []int             // of the struct field, for FieldByIndex
	typ     reflect.Type      // without the pointer
	pointer bool              // nil stands for "not given"
	also    map[string]string // further spellings of enum values, in lower case
	lead    bool              // most calls need it, though the schema does not: examples have it
	instead string            // the argument that it stands in for: examples have one of them
	line    bool              // a name: one line, without control characters
	clamp   string            // in the compat profile a number beyond a bound is taken for the bound: max or both
	members *plan             // of a struct or the elements of a slice of structs
	preset  node              // the default, nullNode where there is none
}

var (
	treeType    = reflect.TypeFor[Tree]()
	rowsType    = reflect.TypeFor[Rows]()
	scalarsType = reflect.TypeFor[Scalars]()
	matrixType  = reflect.TypeFor[Matrix]()
)

// Tree is an argument that is any JSON object, read by its tool. Null stands for no argument, but
// within it null is null.
type Tree struct{ node }

// Rows is an argument of rows of any JSON values. Its schema is that of a [Matrix].
type Rows struct{ rows []node }

// Matrix is an argument of rows of JSON values. Its schema says that they are texts, for
// the same reason.
type Matrix [][]Scalar

var plans sync.Map // reflect.Type → *plan

// planOf gives the plan of a struct type.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := newPlan(t)
	plans.Store(t, p)
	return p
}

// params gives what is told of the arguments.
func (p *plan) params() []Param {
	params := make([]Param, len(p.fields))
	for i, f := range p.fields {
		params[i] = f.Param
	}
	return params
}

// newPlan reads the tags of a struct type.
func newPlan(t reflect.Type) *plan {
	p := &plan{byName: make(map[string]*field)}
	for _, sf := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous || !sf.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("%v.%s has no json tag", t, sf.Name))
		}
		f := newField(t, sf, name)
		p.fields = append(p.fields, f)
		for _, n := range append([]string{name}, f.Aliases...) {
			if p.byName[n] != nil {
				panic(fmt.Sprintf("%v has two arguments %q", t, n))
			}
			p.byName[n] = f
		}
	}
	return p
}

func newField(t reflect.Type, sf reflect.StructField, name string) *field {
	bad := func(what string) { panic(fmt.Sprintf("%v.%s: %s", t, sf.Name, what)) }
	f := &field{index: sf.Index, typ: sf.Type}
	if f.typ.Kind() == reflect.Pointer {
		f.typ, f.pointer = f.typ.Elem(), true
	}
	f.Name, f.Doc, f.Required, f.Default = name, sf.Tag.Get("doc"), sf.Tag.Get("required") == "true", sf.Tag.Get("default")
	f.lead, f.line = sf.Tag.Get("lead") == "true", sf.Tag.Get("line") == "true"
	f.clamp, f.instead = sf.Tag.Get("clamp"), sf.Tag.Get("instead")
	if s := sf.Tag.Get("alias"); s != "" {
		f.Aliases = strings.Split(s, "|")
	}
	if s := sf.Tag.Get("enum"); s != "" {
		f.Enum = strings.Split(s, "|")
	}
	if s := sf.Tag.Get("also"); s != "" {
		f.also = make(map[string]string)
		for pair := range strings.SplitSeq(s, "|") {
			i := strings.LastIndexAny(pair, "=:")
			if i < 1 || !slices.Contains(f.Enum, pair[i+1:]) {
				bad("wrong also tag")
			}
			f.also[pair[:i]] = pair[i+1:]
		}
	}
	f.Min, f.Max = bound(sf.Tag.Get("min"), bad), bound(sf.Tag.Get("max"), bad)
	switch f.clamp {
	case "":
	case "max", "both":
		if f.Max == nil && f.clamp == "max" || f.Min == nil && f.clamp == "both" {
			bad("clamp without a bound")
		}
	default:
		bad("wrong clamp tag")
	}

	switch {
	case f.typ == scalarsType && f.Min != nil: // a list, and not a value that may be one
		f.Type = "array of string"
	case f.typ == scalarsType:
		f.Type = "string"
	case f.typ == matrixType:
		f.Type = "array of array of string"
	case f.typ == treeType:
		f.Type = "object"
	case f.typ == rowsType:
		f.Type = "array of array of string"
	case f.typ.Kind() == reflect.Struct:
		f.Type, f.members = "object", planOf(f.typ)
	case f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct:
		f.Type, f.members = "array of object", planOf(f.typ.Elem())
	case f.typ.Kind() == reflect.Slice && scalarType(f.typ.Elem()) != "":
		f.Type = "array of " + scalarType(f.typ.Elem())
	default:
		f.Type = scalarType(f.typ)
	}
	if f.Type == "" {
		bad("type that no argument can have")
	}
	if f.Default != "" {
		if f.Type == "string" {
			f.Default = string(appendQuoted(nil, f.Default))
		}
		n, err := parseJSON([]byte(f.Default))
		if err != nil {
			bad("wrong default")
		}
		f.preset = n
		if problem := f.set(reflect.New(sf.Type).Elem(), n); problem != "" {
			bad("wrong default: " + problem)
		}
	}
	return f
}

func scalarType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	}
	return ""
}

func bound(s string, bad func(string)) *float64 {
	if s == "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		bad("wrong bound")
	}
	return &v
}

// appendSchema appends the JSON Schema of an object with these members. It is flat
// where the input is: plain types, no unions, no references.
func (p *plan) appendSchema(b []byte) []byte {
	b = append(b, `{"type":"object","properties":{`...)
	var required []string
	for i, f := range p.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, f.Name)
		b = append(b, ':')
		b = f.appendSchema(b)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	b = append(b, '}')
	if len(required) > 0 {
		b = append(b, `,"required":`...)
		b = appendStrings(b, required)
	}
	return append(b, `,"additionalProperties":false}`...)
}

func (f *field) appendSchema(b []byte) []byte {
	elem, array := strings.CutPrefix(f.Type, "array of ")
	elem, matrix := strings.CutPrefix(elem, "array of ")
	doc := func() {
		if f.Doc != "" {
			b = append(b, `,"description":`...)
			b = appendQuoted(b, f.Doc)
		}
	}
	limits := func(low, high string) {
		if f.Min != nil {
			b = append(b, `,"`+low+`":`...)
			b = strconv.AppendFloat(b, *f.Min, 'f', -1, 64)
		}
		if f.Max != nil {
			b = append(b, `,"`+high+`":`...)
			b = strconv.AppendFloat(b, *f.Max, 'f', -1, 64)
		}
	}
	if array {
		b = append(b, `{"type":"array"`...)
		doc()
		limits("minItems", "maxItems")
		b = append(b, `,"items":`...)
	}
	if matrix {
		return append(append(append(b, `{"type":"array","items":{"type":"`...), elem...), `"}}}`...)
	}
	if f.members != nil {
		if array {
			b = f.members.appendSchema(b)
			return append(b, '}')
		}
		object := f.members.appendSchema(nil)
		b = append(b, `{"type":"object"`...)
		doc()
		return append(b, object[len(`{"type":"object"`):]...)
	}
	b = append(b, `{"type":"`...)
	b = append(b, elem...)
	b = append(b, '"')
	if f.typ == treeType {
		doc()
		return append(b, `,"properties":{},"additionalProperties":true}`...)
	}
	if len(f.Enum) > 0 {
		b = append(b, `,"enum":`...)
		b = appendStrings(b, f.Enum)
	}
	if array {
		return append(b, '}', '}')
	}
	doc()
	limits("minimum", "maximum")
	if f.Default != "" {
		b = append(b, `,"default":`...)
		b = append(b, f.Default...)
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, s)
	}
	return append(b, ']')
}

// callText writes the call of a tool with the arguments in, leaving out those that
// have their default: `sheet_page {"workbook_or_fork_id":"wb-…","start_row":52}`.
// Handlers name the next call of a cut result with it.
func callText(tool string, in any) string {
	b := append([]byte(tool), ' ')
	return string(appendArgs(b, planOf(reflect.TypeOf(in)), reflect.ValueOf(in)))
}

func appendArgs(b []byte, p *plan, v reflect.Value) []byte {
	b = append(b, '{')
	start := len(b)
	for _, f := range p.fields {
		m := v.FieldByIndex(f.index)
		if f.pointer {
			if m.IsNil() {
				continue
			}
			m = m.Elem()
		} else if f.preset.kind != nullNode {
			preset := reflect.New(f.typ).Elem()
			f.set(preset, f.preset)
			if reflect.DeepEqual(preset.Interface(), m.Interface()) {
				continue
			}
		} else if m.IsZero() && !f.Required {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = appendQuoted(b, f.Name)
		b = append(b, ':')
		b = appendArg(b, f, m)
	}
	return append(b, '}')
}

func appendArg(b []byte, f *field, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Struct:
		switch s := v.Interface().(type) {
		case Scalar:
			return s.appendJSON(b)
		case Tree:
			return s.node.appendJSON(b)
		case Rows:
			return node{kind: arrayNode, items: s.rows}.appendJSON(b)
		}
		return appendArgs(b, f.members, v)
	case reflect.Slice:
		if v.Type() == scalarsType && v.Len() == 1 {
			return v.Index(0).Interface().(Scalar).appendJSON(b)
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendArg(b, f, v.Index(i))
		}
		return append(b, ']')
	case reflect.String:
		return appendQuoted(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int:
		return strconv.AppendInt(b, v.Int(), 10)
	}
	return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
}

func (s Scalar) appendJSON(b []byte) []byte {
	switch s.Kind {
	case TextScalar:
		return appendQuoted(b, s.Text)
	case NullScalar:
		return append(b, "null"...)
	}
	return append(b, s.Text...)
}
