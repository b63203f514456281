package book

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
)

func drawCellEdit(t *rapid.T) CellEdit {
	c := CellEdit{Ref: cell.Ref{
		Row: rapid.OneOf(rapid.IntRange(0, 9), rapid.IntRange(0, cell.MaxRows-1)).Draw(t, "row"),
		Col: rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, cell.MaxCols-1)).Draw(t, "col"),
	}}
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		c.Clear = true
	case 1:
		c.Keep = true
	case 2:
		c.HasFormula, c.Formula = true, rapid.SampledFrom([]string{"A1+1", "SUM(A:A)", "\"ü\""}).Draw(t, "formula")
		c.Array = Arrayness(rapid.IntRange(0, 2).Draw(t, "array"))
	case 3:
		c.Value = cell.TextValue(rapid.String().Draw(t, "text"))
	case 4:
		c.Value = cell.BoolValue(rapid.Bool().Draw(t, "bool"))
	case 5:
		c.Value = cell.ErrorValue(cell.ErrorCode(rapid.IntRange(1, int(cell.ErrCirc)).Draw(t, "error")))
	case 6:
		c.Value = cell.NumberValue(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "number"))
	}
	c.NumFmt = rapid.SampledFrom([]string{"", "", "0.00", "yyyy-mm-dd"}).Draw(t, "format")
	for _, s := range xftest.Settings.Draw(t, "look") {
		if s.Leaf != xf.NumberFormat {
			c.Format = append(c.Format, s)
		}
	}
	return c
}

func drawEdit(t *rapid.T) Edit {
	var e Edit
	for range rapid.IntRange(0, 3).Draw(t, "ops") {
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			f := FormatCells{Sheet: "Sheet1", Anew: rapid.Bool().Draw(t, "anew")}
			if s := xftest.Settings.Draw(t, "look"); len(s) > 0 {
				f.Settings = s
			}
			for range rapid.IntRange(0, 2).Draw(t, "ranges") {
				f.Ranges = append(f.Ranges, cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 9).Draw(t, "row")}, Last: cell.Ref{Row: 1000, Col: 9}})
			}
			e.Ops = append(e.Ops, f)
			continue
		}
		if rapid.IntRange(0, 5).Draw(t, "arranges") == 0 {
			a := Arrange{Sheet: "Blatt ü"}
			if rapid.Bool().Draw(t, "columns") {
				a.Columns = &[]grid.ColumnSpan{{First: 2, Last: 5, Width: rapid.Float64Range(0, 255).Draw(t, "width"), Hidden: true, Outline: 3, Style: 7}}
			}
			if rapid.Bool().Draw(t, "view") {
				a.View = &grid.View{FrozenRows: rapid.IntRange(0, 9).Draw(t, "frozen"), TopLeft: "A10", ZoomPercent: 85, RightToLeft: true}
			}
			if rapid.Bool().Draw(t, "merges") {
				a.Merges = &Ranges{{Last: cell.Ref{Row: 2, Col: 1}}, {First: cell.Ref{Row: 7}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: 9}}}
			}
			if rapid.Bool().Draw(t, "rules") {
				a.Validations = &[]grid.Validation{{Ranges: []cell.Range{{Last: cell.Ref{Row: 8}}}, Type: "list", Operator: "between", Formula1: rapid.String().Draw(t, "formula"), ShowError: true}}
				a.Conditional = &[]grid.ConditionalFormat{{Ranges: []cell.Range{{Last: cell.Ref{Row: cell.MaxRows - 1}}}, Type: "colorScale", DxfID: -1, Stops: []grid.Stop{{Type: "num", Value: "1", Above: true}}, Look: map[string]string{"font.bold": "1"}}}
			}
			if rapid.Bool().Draw(t, "unmerged") {
				a.Merges = &Ranges{}
			}
			e.Ops = append(e.Ops, a)
			continue
		}
		if rapid.IntRange(0, 5).Draw(t, "restructures") == 0 {
			at := cell.Ref{Row: rapid.IntRange(0, 9).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}
			e.Ops = append(e.Ops, Restructure{rapid.SampledFrom([]structure.Change{
				{Kind: structure.InsertRows, Sheet: "Sheet1", At: at.Row, Count: 3},
				{Kind: structure.MoveCells, Sheet: "Blatt ü", Range: cell.Range{First: at, Last: cell.Ref{Row: 9, Col: 9}}, To: at, ToSheet: "Sheet1"},
				{Kind: structure.RenameSheet, Sheet: "Sheet1", Name: "It's \"<1>\""},
				{Kind: structure.AddSheet, Sheet: "New", Position: at.Row},
			}).Draw(t, "change")})
			continue
		}
		if rapid.IntRange(0, 5).Draw(t, "renames") == 0 {
			e.Ops = append(e.Ops, drawNames(t, "Blatt ü"))
			continue
		}
		o := SetCells{Sheet: rapid.SampledFrom([]string{"Sheet1", "Blatt ü", ""}).Draw(t, "sheet")}
		for range rapid.IntRange(0, 5).Draw(t, "cells") {
			o.Cells = append(o.Cells, drawCellEdit(t))
		}
		e.Ops = append(e.Ops, o)
	}
	for range rapid.IntRange(0, 2).Draw(t, "values") {
		o := GiveValues{Sheet: rapid.SampledFrom([]string{"Sheet1", "Blatt ü"}).Draw(t, "sheet")}
		for range rapid.IntRange(0, 5).Draw(t, "cells") {
			c := drawCellEdit(t)
			v := GivenValue{Ref: c.Ref, Value: c.Value}
			if rapid.Bool().Draw(t, "spills") {
				v.Fills = cell.Range{First: c.Ref, Last: cell.Ref{Row: min(c.Ref.Row+3, cell.MaxRows-1), Col: c.Ref.Col}}
			}
			o.Cells = append(o.Cells, v)
		}
		e.Ops = append(e.Ops, o)
	}
	return e
}

// TestEditsReadBack checks that an edit is what its bytes say, and that no part of them is one.
func TestEditsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEdit(t)
		b := e.AppendTo([]byte("before"))[len("before"):]
		back, err := DecodeEdit(b)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%+v came back as %+v: %v", e, back, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := DecodeEdit(b[:cut]); err == nil {
			t.Fatalf("%d of %d bytes are an edit", cut, len(b))
		}
		if _, err := DecodeEdit(append(b, 0)); err == nil {
			t.Fatal("an edit with a byte more is one")
		}
	})
}

// TestEditBytes holds the binary form of version 1, which never changes.
func TestEditBytes(t *testing.T) {
	e := Edit{Ops: []Op{SetCells{"S", []CellEdit{
		{Ref: cell.Ref{Row: 300, Col: 2}, Value: cell.NumberValue(1.5), NumFmt: "0%"},
		{Ref: cell.Ref{}, HasFormula: true, Formula: "A2"},
		{Ref: cell.Ref{Col: 1}, Value: cell.TextValue("é")},
		{Clear: true}, {Keep: true}, {Value: cell.BoolValue(true)}, {Value: cell.ErrorValue(cell.ErrNA)},
		{HasFormula: true, Formula: "A2", Array: ArrayNever}, {HasFormula: true, Formula: "A2", Array: ArrayAlways},
	}}}}
	values := Edit{Ops: []Op{GiveValues{"S", []GivenValue{
		{Ref: cell.Ref{Row: 300, Col: 2}, Value: cell.NumberValue(1.5)},
		{Value: cell.TextValue("é"), Fills: cell.Range{Last: cell.Ref{Row: 4, Col: 1}}},
	}}}}
	if got, want := hex.EncodeToString(values.AppendTo(nil)), "0101061701530201ac0202000000000000f83f0a000002c3a90401"; got != want {
		t.Errorf("values: %s, want %s", got, want)
	}
	want := "01" + "01" + "01" + "38" + "0153" + "09" + // version, operations, kind, bytes, sheet, cells
		"41" + "ac02" + "02" + "000000000000f83f" + "023025" +
		"20" + "0000" + "024132" +
		"02" + "0001" + "02c3a9" +
		"080000" + "100000" + "03000001" + "04000007" + "250000024132" + "260000024132"
	got := hex.EncodeToString(e.AppendTo(nil))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	looks := Edit{Ops: []Op{
		SetCells{"S", []CellEdit{{Keep: true, NumFmt: "0", Format: xf.Settings{{Leaf: xf.FontBold, Value: "1"}, {Leaf: xf.FillPattern, Reset: true}}}}},
		FormatCells{Sheet: "S", Anew: true, Ranges: []cell.Range{{Last: cell.Ref{Row: 300, Col: 2}}}, Settings: xf.Settings{{Leaf: xf.ProtectHidden, Value: "1"}}},
		Arrange{Sheet: "S", View: &grid.View{ZoomPercent: 90}},
	}}
	want = "01" + "03" +
		"01" + "0f" + "0153" + "01" + "d00000" + "0130" + "02" + "03000131" + "0c01" +
		"04" + "0e" + "0153" + "01" + "01" + "0000ac0202" + "01" + "28000131" +
		"05" + "21" + "20" + hex.EncodeToString([]byte(`{"sheet":"S","view":{"zoom":90}}`))
	if got := hex.EncodeToString(looks.AppendTo(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	names := Edit{Ops: []Op{EditNames{[]NameEdit{{Name: "a", RefersTo: "1"}, {Name: "b", Sheet: "S", Delete: true}}}}}
	want = "01" + "01" + "10" + "4d" + "4c" + hex.EncodeToString([]byte(`{"names":[{"name":"a","refers":"1"},{"name":"b","sheet":"S","delete":true}]}`))
	if got := hex.EncodeToString(names.AppendTo(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, text := range map[string]string{
		"nothing": "", "another version": "0200", "an unknown kind": "01010700", "kind 0": "01010000", "many operations": "01ffffffff7f",
		"many cells": "010101070153ffffffff7f", "a flag": "010101060153" + "01" + "800000", "a value of no kind": "010101060153" + "01" + "060000",
		"logical 2": "010101070153" + "01" + "03000002", "error 0": "010101070153" + "01" + "04000000",
		"a row too far": "010101080153" + "01" + "0880804000", "an empty format": "010101070153" + "01" + "40000000",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		var e *Error
		if _, err := DecodeEdit(b); !errors.As(err, &e) || e.Code != BadEdit {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecodeEdit feeds any bytes: what is an edit is written as one that reads back, and can
// be applied or is refused.
func FuzzDecodeEdit(f *testing.F) {
	f.Add([]byte{})
	f.Add(set(f, "Sheet1", "A1=1 B2==A1*2 C3='text D4= A2!0.00").AppendTo(nil))
	f.Add(Edit{Ops: []Op{Restructure{structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", At: 1, Count: 2}}, Restructure{structure.Change{Kind: structure.DeleteColumns, Sheet: "Sheet1", Count: 1}}}}.AppendTo(nil))
	f.Add([]byte("\x01\x01\x01\x06\x01S\x01\x08\x00\x00"))
	f.Add(Edit{Ops: []Op{EditNames{[]NameEdit{{Name: "a", Sheet: "Sheet1", RefersTo: "A1"}, {Name: "a", Delete: true}}}}}.AppendTo(nil))
	f.Add(Edit{Ops: []Op{Arrange{Sheet: "Sheet1", Merges: &Ranges{{Last: cell.Ref{Row: 2}}}, Validations: &[]grid.Validation{{Type: "list", Ranges: Ranges{{}}, Formula1: "A1"}},
		Conditional: &[]grid.ConditionalFormat{{Type: "top10", Rank: 3, Ranges: Ranges{{}}, DxfID: -1, Look: map[string]string{"font.bold": "1"}}}}}}.AppendTo(nil))
	m := newBook(f, "A1=1 B2==A1")
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEdit(b)
		if err != nil {
			return
		}
		written := e.AppendTo(nil)
		back, err := DecodeEdit(written)
		if err != nil || !bytes.Equal(back.AppendTo(nil), written) {
			t.Fatalf("%x became %x: %v", b, written, err)
		}
		for i, op := range e.Ops {
			if o, ok := op.(SetCells); ok && strings.HasPrefix(o.Sheet, "S") {
				o.Sheet = "Sheet1"
				e.Ops[i] = o
			}
		}
		var wrong *Error
		if _, _, err := storedSnapshot("wb", "rev", m).Apply(t.Context(), e); err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	})
}

// A SetResults is values and nothing else, is no edit of its own, and comes back as it was.
func TestSetResults(t *testing.T) {
	e := Edit{Ops: []Op{
		SetCells{Sheet: "s", Cells: []CellEdit{{Ref: cell.Ref{Row: 1}, Value: cell.NumberValue(2)}}},
		SetResults{Sheet: "s", Cells: []CellEdit{{Ref: cell.Ref{Row: 2}, Value: cell.TextValue("x")}, {Ref: cell.Ref{Row: 3}}}},
	}}
	got, err := DecodeEdit(e.AppendTo(nil))
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Fatalf("%+v, %v", got, err)
	}
	if !e.HasResults() || e.Cells() != 1 || e.WithoutResults().HasResults() || len(e.WithoutResults().Ops) != 1 || len(e.Ops) != 2 {
		t.Errorf("%+v", e.WithoutResults())
	}
	s := storedSnapshot("wb", "rev", largeBook(t, 10))
	name := s.Workbook().Sheets[0].Name
	for _, c := range []CellEdit{{Clear: true}, {Keep: true}, {HasFormula: true, Formula: "1"}, {NumFmt: "0.00"}, {Ref: cell.Ref{Row: -1}}} {
		if _, err := s.WithResults(t.Context(), Edit{Ops: []Op{SetResults{Sheet: name, Cells: []CellEdit{c}}}}); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if _, err := s.WithResults(t.Context(), Edit{Ops: []Op{SetResults{Sheet: "nowhere"}}}); err == nil {
		t.Error("a sheet that is not there was taken")
	}
}
