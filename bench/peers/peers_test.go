package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func TestMedian(t *testing.T) {
	r := &result{runs: []run{{user: 5 * time.Millisecond}, {user: time.Millisecond}, {user: 3 * time.Millisecond}}}
	if got := r.median(user); got != 3 {
		t.Errorf("of three: %v", got)
	}
	r.runs = append(r.runs, run{user: 9 * time.Millisecond})
	if got := r.median(user); got != 4 {
		t.Errorf("of four: %v", got)
	}
}

func TestDisagreement(t *testing.T) {
	want := map[string]string{"cells": "7", "sum": "0.30000000000000004"}
	for _, tt := range []struct {
		found map[string]string
		want  string
	}{
		{map[string]string{"cells": "7", "sum": "3.0000000000000004e-1"}, ""},
		{map[string]string{"bytes": "9"}, ""},
		{map[string]string{"cells": "8"}, "cells: found 8, not 7"},
		{map[string]string{"cells": "7", "sum": "0.3"}, "sum: found 0.3, not 0.30000000000000004"},
	} {
		if got := disagreement(want, tt.found); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.found, got, tt.want)
		}
	}
}

// The readers in this program count cells with a value, and only those.
func TestReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.xlsx")
	f := excelize.NewFile()
	for ref, v := range map[string]any{"A1": "x", "C1": 2.5, "B4": true} {
		if err := f.SetCellValue("Sheet1", ref, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"excelize-rows": 3, "excelize-formatted": 3, "excelize-cell": -1} {
		if got, err := readers[name](path); err != nil || got != want {
			t.Errorf("%s: %d cells (%v), want %d", name, got, err, want)
		}
	}
	if err := read("nobody", path, 1); err == nil {
		t.Error("a reader that is not there has read")
	}
}

// A process is measured, its output is read, and a failing one is an error.
func TestMeasure(t *testing.T) {
	r, err := measure([]string{"echo", "cells=3", "sum=1.5", "noise"}, 1)
	if err != nil || r.found["cells"] != "3" || r.found["sum"] != "1.5" || r.wall <= 0 || r.peakBytes <= 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := measure([]string{filepath.Join(os.TempDir(), "no such program")}, 1); err == nil {
		t.Error("a program that is not there was measured")
	}
}
