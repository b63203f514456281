package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/nearest"
)

// The bounds of the arguments of one call.
const (
	argsBytesMax = 4 << 20
	argsDepthMax = 16
	argsNodesMax = 400_000
)

// node is a parsed JSON value.
type node struct {
	kind  nodeKind
	text  string   // of a text its characters, of a number or boolean its literal
	items []node   // of an array or object
	names []string // of an object: items[i] is its member names[i]
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	textNode
	arrayNode
	objectNode
)

// String gives the kind as messages name it.
func (k nodeKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// parseJSON reads one JSON value, bounded in size and depth. An object that has a
// member twice is refused: which of the two was meant cannot be known.
func parseJSON(raw []byte) (node, error) {
	if len(raw) > argsBytesMax {
		return node{}, fmt.Errorf("the arguments have %d bytes, more than the %d allowed", len(raw), argsBytesMax)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	budget := argsNodesMax
	n, err := parseNode(dec, 0, &budget)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return node{}, errors.New("something follows the JSON value")
	}
	return n, nil
}

func parseNode(dec *json.Decoder, depth int, budget *int) (node, error) {
	if *budget--; *budget < 0 {
		return node{}, fmt.Errorf("the arguments have more than %d values", argsNodesMax)
	}
	token, err := dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return node{}, fmt.Errorf("not JSON: %w", err)
	}
	switch t := token.(type) {
	case nil:
		return node{}, nil
	case bool:
		return node{kind: boolNode, text: strconv.FormatBool(t)}, nil
	case json.Number:
		return node{kind: numberNode, text: t.String()}, nil
	case string:
		return node{kind: textNode, text: t}, nil
	}
	if depth == argsDepthMax {
		return node{}, fmt.Errorf("the arguments are nested more than %d deep", argsDepthMax)
	}
	n := node{kind: arrayNode}
	if token == json.Delim('{') {
		n.kind = objectNode
	}
	var seen map[string]bool
	for dec.More() {
		if n.kind == objectNode {
			token, err := dec.Token()
			if err != nil {
				return node{}, fmt.Errorf("not JSON: %w", err)
			}
			name := token.(string)
			if seen == nil {
				seen = make(map[string]bool)
			}
			if seen[name] {
				return node{}, fmt.Errorf("%q is given twice", clip(name, 64))
			}
			seen[name] = true
			n.names = append(n.names, name)
		}
		item, err := parseNode(dec, depth+1, budget)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	if _, err := dec.Token(); err != nil {
		return node{}, fmt.Errorf("not JSON: %w", err)
	}
	return n, nil
}

// brief shows the value in a message.
func (n node) brief() string {
	switch n.kind {
	case textNode:
		return string(appendQuoted(nil, clip(n.text, 60)))
	case arrayNode, objectNode, nullNode:
		return n.kind.String()
	}
	return clip(n.text, 60)
}

// appendJSON writes the value back for an example: texts are shortened, and arrays to
// their first entries, but it stays a value that may be given.
func (n node) appendJSON(b []byte) []byte {
	switch n.kind {
	case nullNode:
		return append(b, "null"...)
	case textNode:
		return appendQuoted(b, clip(n.text, 60))
	case arrayNode, objectNode:
		b = append(b, "[{"[n.kind-arrayNode])
		for i, item := range n.items {
			if i == 4 && n.kind == arrayNode {
				break
			}
			if i > 0 {
				b = append(b, ',')
			}
			if n.kind == objectNode {
				b = appendQuoted(b, clip(n.names[i], 60))
				b = append(b, ':')
			}
			b = item.appendJSON(b)
		}
		return append(b, "]}"[n.kind-arrayNode])
	}
	return append(b, n.text...)
}

// decode fills v, a struct of the plan's type, from the arguments of a call. It is
// strict about names and lenient about form where nothing is lost: "5" and 5.0 are the
// integer 5, a lone text is an array of one, enum values ignore case, null is absent.
//
// Its error is an INVALID_PARAMS that tells every problem, one argument at a time, and
// shows the call as it could be: what was right in it, the rest from example.
//
// With compat, arguments in camel case count as those of the same name in snake case: A's JavaScript client
// sends what it was given beside what it makes of it. Where A takes the nearest number that it allows, so
// does compat.
func (p *plan) decode(tool, example string, raw json.RawMessage, v reflect.Value, compat bool) error {
	args := node{kind: objectNode}
	if len(bytes.TrimSpace(raw)) > 0 {
		n, err := parseJSON(raw)
		if err != nil {
			return p.refuse(tool, example, nil, []string{err.Error()})
		}
		switch n.kind {
		case objectNode:
			args = n
		case nullNode:
		default:
			return p.refuse(tool, example, nil, []string{"the arguments are " + n.kind.String() + ", wanted an object"})
		}
	}
	if compat {
		args = p.clamped(p.snaked(args))
	}
	good, problems := p.fill(v, args, "")
	if problems != nil {
		return p.refuse(tool, example, good, problems)
	}
	return nil
}

// The bounds of what one error tells: clients cut texts above about 1000 bytes.
const (
	problemsMax   = 6
	problemsBytes = 550
	exampleBytes  = 350
)

// snaked gives arguments in which those in camel case have their names in snake case, if they are known by
// these; those that are given in snake case as well are left out, and so are others in camel case and the
// client's own "options".
func (p *plan) snaked(args node) node {
	given := make(map[*field]bool)
	for _, name := range args.names {
		given[p.byName[name]] = true
	}
	out := node{kind: objectNode}
	for i, name := range args.names {
		if p.byName[name] == nil {
			snake := snakeCase(name)
			f := p.byName[snake]
			if snake == name && name != "options" {
				f = new(field) // it is refused like any other
			}
			if f == nil || given[f] {
				continue
			}
			name, given[f] = snake, true
		}
		out.names, out.items = append(out.names, name), append(out.items, args.items[i])
	}
	return out
}

// clamped gives arguments whose numbers lie within their bounds, where the field says so.
func (p *plan) clamped(args node) node {
	items := slices.Clone(args.items)
	for i, name := range args.names {
		f := p.byName[name]
		if f == nil || f.clamp == "" || items[i].kind != numberNode && items[i].kind != textNode {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(items[i].text), 64)
		switch {
		case err != nil || x != math.Trunc(x): // it is refused like any other
		case f.Max != nil && x > *f.Max:
			items[i] = node{kind: numberNode, text: strconv.FormatFloat(*f.Max, 'f', -1, 64)}
		case f.clamp == "both" && x < *f.Min:
			items[i] = node{kind: numberNode, text: strconv.FormatFloat(*f.Min, 'f', -1, 64)}
		}
	}
	args.items = items
	return args
}

// snakeCase gives a name like sheetName in the form sheet_name.
func snakeCase(name string) string {
	var b []byte
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			b = append(b, '_')
			c |= 0x20
		}
		b = append(b, c)
	}
	return string(b)
}

// fill sets the members of v. good holds those members that were right.
func (p *plan) fill(v reflect.Value, args node, path string) (good map[*field]node, problems []string) {
	given := make(map[*field]string)
	good = make(map[*field]node)
	for i, name := range args.names {
		f := p.byName[name]
		if f == nil {
			problems = append(problems, fmt.Sprintf("%q is not an argument%s", clip(path+name, 64), p.meant(name)))
			continue
		}
		n := args.items[i]
		if n.kind == nullNode && !(f.pointer && f.typ == scalarsType) { // where null says something
			continue
		}
		if other := given[f]; other != "" {
			problems = append(problems, fmt.Sprintf("%s and %s are the same argument; give one of them", path+other, path+name))
			continue
		}
		given[f] = name
		if problem := f.set(v.FieldByIndex(f.index), n); problem != "" {
			problems = append(problems, path+name+": "+problem)
			continue
		}
		good[f] = n
	}
	for _, f := range p.fields {
		switch {
		case given[f] != "":
		case f.Required:
			problems = append(problems, path+f.Name+" is missing")
		case f.preset.kind != nullNode:
			f.set(v.FieldByIndex(f.index), f.preset)
		}
	}
	return good, problems
}

// meant names the argument nearest to a wrong name, or all of them.
func (p *plan) meant(name string) string {
	names := make([]string, 0, len(p.byName))
	for n := range p.byName {
		names = append(names, n)
	}
	slices.Sort(names)
	if near := nearest.Names(name, names, 1); len(near) > 0 {
		return fmt.Sprintf("; did you mean %q?", p.byName[near[0]].Name)
	}
	names = names[:0]
	for _, f := range p.fields {
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return "; there are none"
	}
	return "; allowed: " + strings.Join(names, ", ")
}

// refuse words the error for a call with problems.
func (p *plan) refuse(tool, example string, good map[*field]node, problems []string) *Error {
	more := ""
	if n := len(problems) - problemsMax; n > 0 {
		problems, more = problems[:problemsMax], fmt.Sprintf("; and %d more", n)
	}
	e := invalid("", "Invalid params for tool '%s': %s%s", tool, clip(strings.Join(problems, "; "), problemsBytes), more)
	if example == "" {
		return e
	}
	model, err := parseJSON([]byte(example))
	if err != nil {
		return e
	}
	stoodInFor := map[string]bool{}
	for f := range good {
		stoodInFor[f.instead] = true
	}
	right := node{kind: objectNode}
	for _, f := range p.fields {
		n, ok := good[f]
		if i := slices.Index(model.names, f.Name); !ok && i >= 0 && (f.Required || f.lead && !stoodInFor[f.Name] || len(good) == 0) {
			n, ok = model.items[i], true
		}
		if ok {
			right.names, right.items = append(right.names, f.Name), append(right.items, n)
		}
	}
	text := right.appendJSON(nil)
	if len(text) > exampleBytes {
		text = model.appendJSON(nil)
	}
	e.Hint = "Example: " + tool + " " + string(text)
	return e
}

// set puts n into v, the field's own or a fresh value of its type. It gives the
// problem in words, "" for none.
func (f *field) set(v reflect.Value, n node) string {
	if f.pointer && v.Kind() == reflect.Pointer {
		v.Set(reflect.New(f.typ))
		v = v.Elem()
	}
	switch {
	case f.typ == scalarsType && f.Min != nil:
		if n = embedded(n, arrayNode); n.kind == arrayNode {
			if problem := f.length(len(n.items)); problem != "" {
				return problem
			}
		}
		return setScalars(v, n)
	case f.typ == scalarsType:
		return setScalars(v, n)
	case f.typ == matrixType:
		return f.setMatrix(v, n)
	case f.typ == treeType:
		if n = embedded(n, objectNode); n.kind != objectNode {
			return f.mismatch(n)
		}
		v.Set(reflect.ValueOf(Tree{n}))
		return ""
	case f.typ == rowsType:
		if n = embedded(n, arrayNode); n.kind != arrayNode {
			return f.mismatch(n)
		}
		for i, row := range n.items {
			if row.kind != arrayNode {
				return fmt.Sprintf("row %d: %s was given, wanted an array", i+1, row.kind)
			}
		}
		v.Set(reflect.ValueOf(Rows{n.items}))
		return ""
	case f.typ.Kind() == reflect.Slice:
		return f.setSlice(v, n)
	case f.members != nil:
		return f.setObject(v, n)
	}
	return f.setScalar(v, n)
}

// embedded reads a text that holds the JSON of an array or object: models send those.
func embedded(n node, kind nodeKind) node {
	if s := strings.TrimSpace(n.text); n.kind == textNode && len(s) > 1 && s[0] == "[{"[kind-arrayNode] {
		if inner, err := parseJSON([]byte(s)); err == nil && inner.kind == kind {
			return inner
		}
	}
	return n
}

// length says what is wrong with how many entries an array has, "" for nothing.
func (f *field) length(n int) string {
	switch {
	case f.Min != nil && float64(n) < *f.Min:
		return fmt.Sprintf("wanted at least %v entries, got %d", *f.Min, n)
	case f.Max != nil && float64(n) > *f.Max:
		return fmt.Sprintf("wanted at most %v entries, got %d", *f.Max, n)
	}
	return ""
}

func (f *field) setSlice(v reflect.Value, n node) string {
	n = embedded(n, arrayNode)
	if f.members != nil {
		n = embedded(n, objectNode)
	}
	if n.kind != arrayNode {
		if f.members != nil && n.kind != objectNode {
			return f.mismatch(n)
		}
		n = node{kind: arrayNode, items: []node{n}}
	}
	if problem := f.length(len(n.items)); problem != "" {
		return problem
	}
	elem := *f
	elem.typ, elem.Type, elem.Min, elem.Max = f.typ.Elem(), strings.TrimPrefix(f.Type, "array of "), nil, nil
	s := reflect.MakeSlice(f.typ, len(n.items), len(n.items))
	for i, item := range n.items {
		var problem string
		if elem.members != nil {
			problem = elem.setObject(s.Index(i), item)
		} else {
			problem = elem.setScalar(s.Index(i), item)
		}
		if problem != "" {
			return fmt.Sprintf("entry %d: %s", i+1, problem)
		}
	}
	v.Set(s)
	return ""
}

func (f *field) setObject(v reflect.Value, n node) string {
	n = embedded(n, objectNode)
	if s, ok := v.Addr().Interface().(interface{ setText(string) string }); ok && n.kind == textNode {
		return s.setText(n.text) // it has a short form
	}
	if n.kind != objectNode {
		return f.mismatch(n)
	}
	if _, problems := f.members.fill(v, n, ""); problems != nil {
		return strings.Join(problems[:min(len(problems), problemsMax)], "; ")
	}
	return ""
}

func (f *field) setScalar(v reflect.Value, n node) string {
	if n.kind == arrayNode && len(n.items) == 1 && v.Kind() == reflect.String {
		n = n.items[0]
	}
	switch v.Kind() {
	case reflect.String:
		if n.kind != textNode && n.kind != numberNode {
			return f.mismatch(n)
		}
		s, problem := f.enumValue(n.text)
		if f.line && problem == "" {
			problem = lineProblem(s)
		}
		v.SetString(s)
		return problem
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(n.text)))
		if err != nil || n.kind > textNode {
			return f.mismatch(n)
		}
		v.SetBool(b)
		return ""
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(n.text), 64)
	if n.kind == numberNode && errors.Is(err, strconv.ErrRange) {
		return n.brief() + " is too large"
	}
	if (n.kind != textNode && n.kind != numberNode) || err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return f.mismatch(n)
	}
	if v.Kind() == reflect.Int {
		if x != math.Trunc(x) {
			return n.brief() + " is not a whole number"
		}
		if math.Abs(x) > 1<<53 {
			return n.brief() + " is too large for an integer"
		}
		v.SetInt(int64(x))
	} else {
		v.SetFloat(x)
	}
	switch {
	case f.Min != nil && x < *f.Min:
		return fmt.Sprintf("%s is below the minimum %s", n.brief(), cell.AppendNumber(nil, *f.Min))
	case f.Max != nil && x > *f.Max:
		return fmt.Sprintf("%s is above the maximum %s", n.brief(), cell.AppendNumber(nil, *f.Max))
	}
	return ""
}

// lineProblem says why a text cannot be the name of something, "" where it can: a name is a line
// of a list.
func lineProblem(s string) string {
	if !strings.ContainsFunc(s, cell.BreaksName) {
		return ""
	}
	return node{kind: textNode, text: s}.brief() + " has the end of a line or another control character in it; give one line"
}

// enumValue gives the canonical spelling of s.
func (f *field) enumValue(s string) (value, problem string) {
	if len(f.Enum) == 0 {
		return s, ""
	}
	low := strings.ToLower(strings.TrimSpace(s))
	for _, e := range f.Enum {
		if strings.ToLower(e) == low {
			return e, ""
		}
	}
	if e, ok := f.also[low]; ok {
		return e, ""
	}
	problem = fmt.Sprintf("%s is not one of %s", node{kind: textNode, text: s}.brief(), strings.Join(f.Enum, ", "))
	if near := nearest.Names(s, f.Enum, 1); len(near) > 0 {
		problem += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return "", problem
}

// mismatch says what was given and what is wanted.
func (f *field) mismatch(n node) string {
	wanted := f.Type
	switch {
	case wanted == "array of object":
		wanted = "an array of objects"
	case strings.HasPrefix(wanted, "array"):
		wanted = "an " + wanted + "s"
	case strings.IndexByte("aeiou", wanted[0]) >= 0:
		wanted = "an " + wanted
	default:
		wanted = "a " + wanted
	}
	switch n.kind {
	case arrayNode, objectNode, nullNode:
		return n.kind.String() + " was given, wanted " + wanted
	}
	return n.brief() + " is " + n.kind.String() + ", wanted " + wanted
}

func (f *field) setMatrix(v reflect.Value, n node) string {
	n = embedded(n, arrayNode)
	if n.kind != arrayNode {
		return f.mismatch(n)
	}
	if f.Min != nil && float64(len(n.items)) < *f.Min || f.Max != nil && float64(len(n.items)) > *f.Max {
		return fmt.Sprintf("%d rows, wanted %v to %v", len(n.items), *f.Min, *f.Max)
	}
	rows := make(Matrix, len(n.items))
	for i, item := range n.items {
		if item.kind != arrayNode {
			return fmt.Sprintf("row %d: %s was given, wanted an array", i+1, item.kind)
		}
		var row Scalars
		if problem := setScalars(reflect.ValueOf(&row).Elem(), item); problem != "" {
			return fmt.Sprintf("row %d: %s", i+1, problem)
		}
		rows[i] = row
	}
	v.Set(reflect.ValueOf(rows))
	return ""
}

func setScalars(v reflect.Value, n node) string {
	if n.kind != arrayNode {
		n = node{kind: arrayNode, items: []node{n}}
	}
	list := make(Scalars, len(n.items))
	for i, item := range n.items {
		var problem string
		if list[i], problem = scalarOf(item); problem != "" {
			return problem
		}
	}
	v.Set(reflect.ValueOf(list))
	return ""
}

// scalarOf gives a JSON scalar, or says why it is none.
func scalarOf(n node) (s Scalar, problem string) {
	switch n.kind {
	case nullNode:
	case textNode:
		s = Scalar{Kind: TextScalar, Text: n.text}
	case boolNode:
		s = Scalar{Kind: BoolScalar, Text: n.text}
		if n.text == "true" {
			s.Number = 1
		}
	case numberNode:
		x, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return s, n.brief() + " is out of range"
		}
		s = Scalar{Kind: NumberScalar, Text: n.text, Number: x}
	default:
		return s, n.kind.String() + " was given, wanted a text, number or boolean"
	}
	return s, ""
}
