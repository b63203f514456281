package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	sheets := []string{"Summary", "Inputs", "Sales 2024", "Sales 2025", "Übersicht", "Data"}
	for _, c := range []struct {
		word string
		want []string
	}{
		{"sumary", []string{"Summary"}},
		{"INPUT", []string{"Inputs"}},
		{"Sales", []string{"Sales 2024", "Sales 2025"}},
		{"sales 2026", []string{"Sales 2024", "Sales 2025"}},
		{"dtaa", []string{"Data"}},
		{"Uebersicht", []string{"Übersicht"}},
		{"zzzzzz", nil},
		{"", nil},
		{strings.Repeat("a", 1000), nil},
	} {
		if got := Names(c.word, sheets, 3); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.word, got, c.want)
		}
	}
	if got := Names("Sales", sheets, 1); len(got) != 1 {
		t.Errorf("asked for one, got %q", got)
	}
}
