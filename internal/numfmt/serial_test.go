package numfmt

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// readFloat gives digits × 10^exp, correctly rounded.
func readFloat(t *rapid.T, digits int64, exp int) float64 {
	x, err := strconv.ParseFloat(fmt.Sprintf("%de%d", digits, exp), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Every day of both systems is the day that package time counts, but for the 60
// before March 1900, and reads back.
func TestEveryDay(t *testing.T) {
	for _, sys := range []DateSystem{Date1900, Date1904} {
		start, first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC), 61
		if sys == Date1904 {
			start, first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC), 0
		}
		for day := 0; day <= sys.lastDay(); day++ {
			y, m, d, _, _, _, _, ok := FromSerial(float64(day), sys)
			if !ok {
				t.Fatalf("%v: no date for %d", sys, day)
			}
			back, ok := ToSerial(y, m, d, 0, 0, 0, 0, sys)
			if !ok || back != float64(day) {
				t.Fatalf("%v: %d is %d-%d-%d, which is %v", sys, day, y, m, d, back)
			}
			if day%97 != 0 && day > 1000 || day < first {
				continue
			}
			want := start.AddDate(0, 0, day)
			if y != want.Year() || m != int(want.Month()) || d != want.Day() || sys.weekday(day) != int(want.Weekday()) {
				t.Fatalf("%v: %d is %d-%d-%d (%d), want %v", sys, day, y, m, d, sys.weekday(day), want)
			}
		}
	}
}

func TestSerialBounds(t *testing.T) {
	for _, x := range []float64{-1, -1e-9, 2958466, 2958465.9999999995, math.Inf(1), math.Inf(-1), math.NaN(), 1e300} {
		if _, _, _, _, _, _, _, ok := FromSerial(x, Date1900); ok {
			t.Errorf("FromSerial(%v) is ok", x)
		}
	}
	for _, c := range [][7]int{{1899, 12, 31}, {10000, 1, 1}, {2023, 2, 29}, {2024, 13, 1}, {2024, 0, 1}, {2024, 1, 0}, {2024, 4, 31},
		{2024, 1, 1, 24}, {2024, 1, 1, 0, 60}, {2024, 1, 1, 0, 0, 60}, {2024, 1, 1, 0, 0, 0, 1000}, {2024, 1, 1, -1}, {1900, 2, 30}} {
		if x, ok := ToSerial(c[0], c[1], c[2], c[3], c[4], c[5], c[6], Date1900); ok {
			t.Errorf("ToSerial(%v) = %v", c, x)
		}
	}
	for _, c := range [][3]int{{1903, 12, 31}, {1900, 2, 29}, {1900, 1, 0}} {
		if x, ok := ToSerial(c[0], c[1], c[2], 0, 0, 0, 0, Date1904); ok {
			t.Errorf("ToSerial(%v) = %v in the 1904 system", c, x)
		}
	}
}

// Each millisecond of the calendar reads back, as parts and as ISO text.
func TestMillisecondsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sys := rapid.SampledFrom([]DateSystem{Date1900, Date1904}).Draw(t, "sys")
		day := rapid.IntRange(0, sys.lastDay()).Draw(t, "day")
		ms := rapid.IntRange(0, msPerDay-1).Draw(t, "ms")
		x := float64(day) + float64(ms)/msPerDay
		y, m, d, hh, mm, ss, left, ok := FromSerial(x, sys)
		if !ok || ((hh*60+mm)*60+ss)*1000+left != ms {
			t.Fatalf("%v gives %d:%d:%d.%d", x, hh, mm, ss, left)
		}
		if back, ok := ToSerial(y, m, d, hh, mm, ss, left, sys); !ok || back != x {
			t.Fatalf("%v reads back as %v", x, back)
		}
		for _, kind := range []Kind{Date, Datetime, Time, Duration} {
			text := string(AppendISO(nil, x, sys, kind))
			back, got, ok := ParseISO(text, sys)
			want := x
			switch kind {
			case Date:
				want = float64(day)
			case Time:
				want = float64(ms) / msPerDay
			case Duration:
				if day == 0 {
					kind = Time // the shortest durations read as times of day
				}
			}
			if !ok || got != kind || math.Abs(back-want) > 1e-9 {
				t.Fatalf("%v as %v is %s, which reads as %v %v %v", x, kind, text, back, got, ok)
			}
		}
	})
}

func TestISO(t *testing.T) {
	for _, c := range []struct {
		x    float64
		sys  DateSystem
		kind Kind
		want string
	}{
		{45352, Date1900, Date, "2024-03-01"},
		{45352.75, Date1900, Date, "2024-03-01"},
		{45352, Date1900, Datetime, "2024-03-01T00:00:00"},
		{45352.572916666664, Date1900, Datetime, "2024-03-01T13:45:00"},
		{45352.572916666664, Date1900, Time, "13:45:00"},
		{0.5000057870370371, Date1900, Time, "12:00:00.5"},
		{45352.99999999999, Date1900, Datetime, "2024-03-02T00:00:00"},
		{60, Date1900, Date, "1900-02-29"},
		{0.5, Date1900, Datetime, "1900-01-00T12:00:00"},
		{0, Date1904, Date, "1904-01-01"},
		{45352, Date1900, General, "2024-03-01"},
		{45352.5, Date1900, General, "2024-03-01T12:00:00"},
		{3.14159, Date1900, Duration, "75:23:53.376"},
		{-0.5, Date1900, Duration, "-12:00:00"},
		{0, Date1900, Duration, "00:00:00"},
		{-1, Date1900, Date, "-1"},
		{1e9, Date1900, Datetime, "1000000000"},
		{1e9, Date1900, Duration, "1000000000"},
	} {
		if got := string(AppendISO(nil, c.x, c.sys, c.kind)); got != c.want {
			t.Errorf("%v as %v in %v: %s, want %s", c.x, c.kind, c.sys, got, c.want)
		}
	}
	for text, want := range map[string]float64{
		"2024-03-01": 45352, "2024-03-01T12:00": 45352.5, "2024-03-01 12:00:00": 45352.5, "2024-03-01T12:00:00.000Z": 45352.5,
		"12:00": 0.5, "36:00:00": 1.5, "-12:00:00": -0.5, "1900-02-29": 60, "1900-01-00": 0, "2024-03-01t12:00:00,0": 45352.5,
		"12:00:00.4999999": 0.5 + 500.0/msPerDay,
	} {
		if got, _, ok := ParseISO(text, Date1900); !ok || got != want {
			t.Errorf("%s reads as %v %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "x", "2024", "2024-3-1", "2024-02-30", "2024/03/01", "2024-03-01T", "2024-03-01x12:00",
		"2024-03-01T24:00:00", "2024-03-01T12:00+01:00", "2024-03-01T12", "12", "12:60", "12:00:60", "12:00:00.", "12:00:00.x",
		"1:2", "12:00:00.12345678901234567890", "9999999999:00", "999999999:00", "12:00Z", "1899-12-31", "10000-01-01", "٢٠٢٤-٠٣-٠١"} {
		if got, kind, ok := ParseISO(text, Date1900); ok {
			t.Errorf("%q reads as %v %v", text, got, kind)
		}
	}
}

func FuzzParseISO(f *testing.F) {
	for _, s := range []string{"2024-03-01", "2024-03-01T13:45:00.5Z", "1900-01-00", "75:23:53.376", "-0:00", "1900-02-29T23:59:59.9999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, sys := range []DateSystem{Date1900, Date1904} {
			x, kind, ok := ParseISO(s, sys)
			if !ok {
				continue
			}
			if back, _, ok := ParseISO(string(AppendISO(nil, x, sys, kind)), sys); x < float64(sys.lastDay()) && (!ok || math.Abs(back-x) > 1e-8) {
				t.Fatalf("%q is %v (%v), written and read back %v %v", s, x, kind, back, ok)
			}
		}
	})
}
