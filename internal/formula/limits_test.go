package formula

import (
	"strings"
	"testing"
)

// TestParseTyped: what Excel takes is taken, and no more.
func TestParseTyped(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("ABS(", n) + "1" + strings.Repeat(")", n) }
	long := func(n int) string { return `A1&"` + strings.Repeat("x", n) + `"` }
	many := func(n int) string { return "SUM(" + strings.Repeat("1,", n-1) + "1)" }
	for _, text := range []string{nested(64), long(255), many(255), "(" + nested(64) + ")", strings.Repeat("(", 70) + "1" + strings.Repeat(")", 70), long(253) + `&""""`, "LAMBDA(x,x)(" + nested(63) + ")"} {
		if _, err := ParseTyped(text); err != nil {
			t.Errorf("%.40s…: %v", text, err)
		}
	}
	for text, why := range map[string]string{
		nested(65): "64 functions within", long(256): "at most 255 characters, and one has 256", many(256): "at most 255 arguments, and one is given 256",
		"IF(A1>0," + nested(64) + ",0)": "64 functions", "LAMBDA(x,x)(" + nested(64) + ")": "64 functions", `SUM({"` + strings.Repeat("y", 300) + `"})`: "one has 300",
		`"` + strings.Repeat("\U0001F600", 128) + `"`: "one has 256", "1+": "expected",
	} {
		if _, err := ParseTyped(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40s…: %v, want %s", text, err, why)
		}
		if _, err := Parse(text); (err == nil) != (why != "expected") {
			t.Errorf("Parse of %.40s…: %v", text, err)
		}
	}
}
