package main

import "testing"

// TestPretty: what a person sees is aligned or indented and cannot steer the terminal.
func TestPretty(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"note\n\tA\tB\n10\tlong\tx\n", "note\n    A     B\n10  long  x\n"},
		{`{"a":[1]}`, "{\n  \"a\": [\n    1\n  ]\n}\n"},
		{"[not json\n", "[not json\n"},
		{"a\x1b[31mred\u009b\r\n", "a␛[31mred?␍\n"},
		{"é\tx\nee\ty\n", "é   x\nee  y\n"},
		{"", ""},
	} {
		if got := pretty(c.in); got != c.want {
			t.Errorf("pretty(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "12": 12, "12B": 12, "1kB": 1000, "1 KiB": 1024, "512MiB": 512 << 20, "2gib": 2 << 30, "3GB": 3e9,
		"-1": -1, "": -1, "12q": -1, "1.5GiB": -1, "9223372036854775807GiB": -1, "MiB": -1,
	} {
		got, err := parseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("parseSize(%q) = %d, want %d", text, got, want)
		}
	}
}
