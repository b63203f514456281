package fn

import (
	"testing"

	"gridflow/internal/numfmt"
)

// The letters are those of Microsoft's article on CELL.
func TestFormatLetter(t *testing.T) {
	for code, want := range map[string]string{
		"General":                    "G",
		"0":                          "F0",
		"#,##0":                      ",0",
		"0.00":                       "F2",
		"#,##0.00":                   ",2",
		"$#,##0_);($#,##0)":          "C0",
		"$#,##0_);[Red]($#,##0)":     "C0-",
		"$#,##0.00_);($#,##0.00)":    "C2",
		"$#,##0.00_);[Red]($#,##0)":  "C2-",
		"0%":                         "P0",
		"0.00%":                      "P2",
		"0.00E+00":                   "S2",
		"# ?/?":                      "G",
		"m/d/yy":                     "D4",
		"m/d/yy h:mm":                "D4",
		"d-mmm-yy":                   "D1",
		"d-mmm":                      "D2",
		"mmm-yy":                     "D3",
		"mm/dd":                      "D5",
		"h:mm AM/PM":                 "D7",
		"h:mm:ss AM/PM":              "D6",
		"h:mm":                       "D9",
		"h:mm:ss":                    "D8",
		"@":                          "G",
		"(0.0)":                      "F1()",
		"#,##0_);[Red](#,##0)":       ",0-",
		"#,##0.00_);[Red](#,##0.00)": ",2-",
	} {
		if got := formatLetter(numfmt.Compile(code)); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	if got := formatLetter(nil); got != "G" {
		t.Errorf("no format: %s", got)
	}
}
