package fn

import (
	"math"
	"testing"

	"gridflow/internal/numfmt"
)

func TestParseNumber(t *testing.T) {
	no := math.NaN()
	for text, want := range map[string]float64{
		"1": 1, " 1.5 ": 1.5, "-1e3": -1000, "(5)": -5, "$1,234.5": 1234.5, "-$5": -5, "55%": 0.55, "€100": 100, " 100€ ": 100, "5 £": 5, "$5$": no, " 2020-01-02": 43832, "2020-01-02 ": no, "1 1/2": 1.5, "1,2": no,
		"": no, "x": no, "1e": no, "1E400": no, "12345678901234567": 12345678901234500, "0.12345678901234567": 0.123456789012345,
		"1/2/2020": 43832, "01-02-20": 43832, "1/2/30": 10960, "1/2/29": 47120, "2020/1/2": 43832, "2020-01-02": 43832,
		"2-Jan-2020": 43832, "2 January 2020": 43832, "Jan 2, 2020": 43832, "january 2 2020": 43832, "Jan-2020": 43831,
		"Jan 2020": 43831, "2jan2020": 43832, "Jan2 2020": no, "Jan2020": no, "1/2020": 43831, "2020-01": 43831, "2/29/1900": 60, "1/1/1900": 1, "12/31/9999": 2958465,
		"13/1/2020": no, "2/30/2020": no, "1/2/1899": no, "1/0/1900": no, "1/2/200": no, "1.2.2020": no, "Sept 2, 2020": no,
		"2020-01-02T03:00:00": no, "1/2/10000": no, "1/2/3/4": no, "1//2020": no, "/1/2020": no, "1/2/": no,
		"6:00": 0.25, "18:00:00": 0.75, "6:00 PM": 0.75, "6 pm": 0.75, "6 p": 0.75, "6p": no, "12A": no, "6:00PM": no, "12:00 AM": 0, "12 PM": 0.5, "0:30.5": 30.5 / 86400,
		"36:00": 1.5, "9999:59:59": (9999*3600 + 59*60 + 59) / 86400.0, "10000:00": no, "13:00 PM": no, "6:60": no, "6:00:60": no, ":30": no,
		"1:00:00.25": 3600.25 / 86400, "1/2/2020 6:00": 43832.25, "1/2/2020 6:00 PM": 43832.75, "6:00 PM 1/2/2020": 43832.75,
		"2020-01-02 18:00:00": 43832.75, "Jan 2, 2020 6 am": 43832.25, "1/2/2020 25:00": no, "1/2": no, "2 Jan": no, "am": no, "1 a b": no,
	} {
		got, ok := ParseNumber(text, numfmt.Date1900)
		if ok == math.IsNaN(want) || ok && math.Abs(got-want) > 1e-12*math.Max(1, math.Abs(want)) {
			t.Errorf("ParseNumber(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
	c := gridBook{}.context() // in 2023
	for text, want := range map[string]float64{
		"1/2": 44928, "2 Jan": 44928, "Jan 2": 44928, "2-jan 6:00": 44928.25, "2/29": 47150, "2/30": 10990, "Jan-50": 18264, "12/31": 45291,
	} {
		if got, ok := c.ParseNumber(text); !ok || got != want {
			t.Errorf("in 2023, %q is %v, %v; want %v", text, got, ok, want)
		}
	}
	if got, _ := ParseNumber("1/2/1904", numfmt.Date1904); got != 1 {
		t.Errorf("in the 1904 system, its second day is %v", got)
	}
}

// No text is too odd to be read or refused.
func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1/2/2020 3:00 PM", "Jan 2", "(1 1/2)%", "$-1,000.5E3", "6 p", "::", "a p", "12:30.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := gridBook{}.context()
		if x, ok := c.ParseNumber(s); ok && x-x != 0 {
			t.Errorf("%q is %v", s, x)
		}
	})
}
