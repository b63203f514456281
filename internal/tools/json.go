package tools

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// appendQuoted appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// keptEmpty are the members that stay when they are empty arrays; all other empty
// arrays, empty objects and nulls are left out of objects.
var keptEmpty = map[string]bool{
	"warnings": true, "matches": true, "target_deltas": true, "changed_targets": true, "new_errors": true, "resolved_errors": true,
	"preexisting_errors": true, "named_range_deltas": true, "formula_targets": true, "likely_patch_targets": true,
	"adjacent_sum_targets": true, "merged_ranges_fully_contained": true, "merged_ranges_crossing_boundary": true,
}

// jsonAppender is a value with a JSON form of its own. To append nothing is null.
type jsonAppender interface {
	appendJSON(b []byte) []byte
}

var (
	appenderType = reflect.TypeFor[jsonAppender]()
	rawType      = reflect.TypeFor[json.RawMessage]()
)

// appendJSON appends v as JSON, pruned, its struct members named by their json tags
// (with omitempty for zero values; "-" and unexported ones are left out). It stops and
// gives false once the text is longer than max bytes; max 0 is no bound.
func appendJSON(b []byte, v any, max int) ([]byte, bool) {
	e := jsonEncoder{b: b, start: len(b), max: max}
	e.value(reflect.ValueOf(v))
	return e.b, !e.full()
}

type jsonEncoder struct {
	b     []byte
	start int
	max   int
}

func (e *jsonEncoder) full() bool { return e.max > 0 && len(e.b)-e.start > e.max }

// value appends v and reports whether it is null, an empty array or an empty object.
func (e *jsonEncoder) value(v reflect.Value) (empty bool) {
	if !v.IsValid() {
		e.b = append(e.b, "null"...)
		return true
	}
	t := v.Type()
	switch {
	case t == rawType:
		if v.Len() == 0 {
			e.b = append(e.b, "null"...)
			return true
		}
		e.b = append(e.b, v.Bytes()...)
		s := string(v.Bytes()[:min(v.Len(), 5)])
		return s == "null" || s == "[]" || s == "{}"
	case t.Implements(appenderType) && (t.Kind() != reflect.Pointer || !v.IsNil()):
		n := len(e.b)
		e.b = v.Interface().(jsonAppender).appendJSON(e.b)
		if len(e.b) == n {
			e.b = append(e.b, "null"...)
			return true
		}
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			e.b = append(e.b, "null"...)
			return true
		}
		return e.value(v.Elem())
	case reflect.Struct:
		return e.object(v)
	case reflect.Map:
		return e.mapping(v)
	case reflect.Slice, reflect.Array:
		e.b = append(e.b, '[')
		for i := range v.Len() {
			if e.full() {
				return false
			}
			if i > 0 {
				e.b = append(e.b, ',')
			}
			e.value(v.Index(i))
		}
		e.b = append(e.b, ']')
		return v.Len() == 0
	case reflect.String:
		e.b = appendQuoted(e.b, v.String())
	case reflect.Bool:
		e.b = strconv.AppendBool(e.b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.b = strconv.AppendInt(e.b, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.b = strconv.AppendUint(e.b, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		e.b = cell.AppendNumber(e.b, v.Float())
	default:
		panic("a result has a member of type " + t.String())
	}
	return false
}

// member appends a member of an object, unless it is empty and not one that stays.
func (e *jsonEncoder) member(open int, name string, v reflect.Value) {
	n := len(e.b)
	if n > open {
		e.b = append(e.b, ',')
	}
	e.b = appendQuoted(e.b, name)
	e.b = append(e.b, ':')
	before := len(e.b)
	if e.value(v) {
		if keptEmpty[name] && v.Kind() == reflect.Slice {
			e.b = append(e.b[:before], "[]"...)
			return
		}
		e.b = e.b[:n]
	}
}

func (e *jsonEncoder) object(v reflect.Value) (empty bool) {
	e.b = append(e.b, '{')
	open := len(e.b)
	for _, m := range membersOf(v.Type()) {
		if e.full() {
			return false
		}
		f := v.FieldByIndex(m.index)
		if !m.omitZero || !f.IsZero() {
			e.member(open, m.name, f)
		}
	}
	empty = len(e.b) == open
	e.b = append(e.b, '}')
	return empty
}

func (e *jsonEncoder) mapping(v reflect.Value) (empty bool) {
	e.b = append(e.b, '{')
	open := len(e.b)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		if e.full() {
			return false
		}
		e.member(open, k.String(), v.MapIndex(k))
	}
	empty = len(e.b) == open
	e.b = append(e.b, '}')
	return empty
}

// member is one field of a struct as JSON shows it.
type member struct {
	name     string
	index    []int
	omitZero bool
}

var memberCache sync.Map // reflect.Type → []member

func membersOf(t reflect.Type) []member {
	if m, ok := memberCache.Load(t); ok {
		return m.([]member)
	}
	var list []member
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		list = append(list, member{name, f.Index, options == "omitempty"})
	}
	memberCache.Store(t, list)
	return list
}
