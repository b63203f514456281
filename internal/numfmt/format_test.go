package numfmt

import (
	"strings"
	"sync"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

func TestKind(t *testing.T) {
	for _, c := range []struct {
		code string
		want Kind
	}{
		{"", General}, {"General", General}, {"[Red]General", General}, {";;;", General}, {"[", General},
		{"0", Number}, {"#,##0.00", Number}, {`"yes";"yes";"no"`, Number}, {`0"y"`, Number}, {`0\d`, Number}, {"[Blue]0_d", Number},
		{"$0", Currency}, {`"€"0`, Currency}, {"[$CHF] 0", Currency}, {"[$-409]0", Number}, {`_("$"* #,##0_);_(@_)`, Currency},
		{"0%", Percent}, {`0"%"`, Number}, {`0\%`, Number}, {`"";0%`, Percent}, {"$0%", Percent},
		{"0.00E+00", Scientific}, {"# ?/?", Fraction}, {"# ?/8", Fraction},
		{"yyyy-mm-dd", Date}, {"mmm", Date}, {"m", Date}, {"[$-F800]yyyy", Date}, {"[$-409]d-mmm;@", Date}, {";yyyy", Date},
		{"h:mm", Time}, {"mm:ss.0", Time}, {"AM/PM", Time}, {"[$-F400]yyyy", Time},
		{"m/d/yyyy h:mm", Datetime}, {"d [h]", Datetime},
		{"[h]:mm", Duration}, {"[mm]:ss", Duration}, {"[s]", Duration}, {"[ss].0", Duration},
		{"@", Text}, {`"x"@`, Text}, {"0;@", Number},
	} {
		f := Compile(c.code)
		if f.Kind() != c.want {
			t.Errorf("%q is a %v, want %v (err %v)", c.code, f.Kind(), c.want, f.Err())
		}
		if f.Code() != c.code {
			t.Errorf("%q: Code is %q", c.code, f.Code())
		}
	}
}

func TestPredicates(t *testing.T) {
	for _, c := range []struct {
		code                    string
		date, percent, currency bool
	}{
		{"General", false, false, false},
		{"[Red]0", false, false, false},
		{`0"dd/mm"`, false, false, false},
		{`0_d\y`, false, false, false},
		{"[$-409]0", false, false, false},
		{"[$USD]0", false, false, true},
		{"0;yyyy", true, false, false},
		{"[h]", true, false, false},
		{"0;0%", false, true, false},
		{"0;-$0", false, false, true},
		{"yyyy 0", false, false, false}, // cannot be read
		{`yyyy"%"`, true, false, false},
	} {
		f := Compile(c.code)
		if f.IsDate() != c.date || f.IsPercent() != c.percent || f.IsCurrency() != c.currency {
			t.Errorf("%q: date %v, percent %v, currency %v", c.code, f.IsDate(), f.IsPercent(), f.IsCurrency())
		}
	}
}

func TestColor(t *testing.T) {
	f := Compile(`[Green]0;[Red]-0;[Color12]"nil";[cyan]@`)
	for want, v := range map[string]cell.Value{
		"Green":   cell.NumberValue(1),
		"Red":     cell.NumberValue(-1),
		"Color12": cell.NumberValue(0),
		"Cyan":    cell.TextValue("x"),
		"":        cell.BoolValue(true),
	} {
		if got := f.Color(v).String(); got != want {
			t.Errorf("colour of %v is %q, want %q", v, got, want)
		}
	}
}

// A nil Format is General, so that a cell without a style needs no special case.
func TestNilFormat(t *testing.T) {
	var f *Format
	if got := string(f.Append(nil, cell.NumberValue(1e11), Date1900)); got != "1E+11" {
		t.Errorf("shows %q", got)
	}
	if f.Kind() != General || f.IsDate() || f.Err() != nil || f.Code() != "General" || f.Color(cell.NumberValue(1)) != 0 {
		t.Error("a nil Format is not General")
	}
}

func TestErrorSaysWhere(t *testing.T) {
	err := Compile(`0.00;[Orange]0`).Err()
	if err == nil || !strings.Contains(err.Error(), "[Orange] is not known (at byte 5)") {
		t.Errorf("error %v", err)
	}
	if Compile(strings.Repeat("0", codeMax)).Err() != nil || Compile(strings.Repeat("0", codeMax+1)).Err() == nil {
		t.Error("the bound on the length of a code does not hold")
	}
}

func TestBuiltin(t *testing.T) {
	for id := -1; id < 200; id++ {
		code, ok := Builtin(id)
		if want := id >= 0 && id <= 22 || id >= 27 && id <= 58; ok != want {
			t.Errorf("Builtin(%d) ok is %v", id, ok)
		}
		f := Compile(code)
		if ok && f.Err() != nil {
			t.Errorf("Builtin(%d): %v", id, f.Err())
		}
		if date := id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58; f.IsDate() != date {
			t.Errorf("Builtin(%d) = %s: IsDate is %v", id, code, f.IsDate())
		}
	}
	for id, want := range map[int]string{0: "1234.5", 2: "1234.50", 3: "1,235", 9: "123450%", 11: "1.23E+03", 12: "1234 1/2",
		14: "5/18/1903", 22: "5/18/1903 12:00", 40: "1,234.50 ", 44: " $1,234.50 ", 46: "29628:00:00", 48: "1.2E+3", 49: "1234.5"} {
		code, _ := Builtin(id)
		if got := string(Compile(code).Append(nil, cell.NumberValue(1234.5), Date1900)); got != want {
			t.Errorf("id %d shows %q, want %q", id, got, want)
		}
	}
}

// Every number shows the same from many goroutines at once, and nothing allocates.
func TestConcurrent(t *testing.T) {
	cases := readShow(t)
	formats := make([]*Format, len(cases))
	for i, c := range cases {
		formats[i] = Compile(c.code)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var buf []byte
			for i, c := range cases {
				if buf = formats[i].Append(buf[:0], c.v, c.sys); string(buf) != c.want {
					t.Errorf("%s: |%s|, want |%s|", c.code, buf, c.want)
				}
			}
		})
	}
	wg.Wait()
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(10, func() {
		for i, c := range cases {
			buf = formats[i].Append(buf[:0], c.v, c.sys)
		}
	}); n != 0 {
		t.Errorf("%v allocations for the whole table", n)
	}
}

// Against excelize, on codes where it is reliable.
func TestAgainstExcelize(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	values := []float64{0, 1, -1, 0.25, -0.75, 12.5, 1234.5, -98765.25, 45352.5, 36526.75}
	for _, code := range []string{"0", "0.00", "#,##0", "#,##0.00", "0%", "0.00%", "yyyy-mm-dd", "d-mmm-yy", "hh:mm:ss", "yyyy-mm-dd hh:mm"} {
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
		if err != nil {
			t.Fatal(err)
		}
		compiled := Compile(code)
		for _, x := range values {
			if compiled.IsDate() && x < 61 { // excelize shows no fictitious days
				continue
			}
			if err := f.SetCellValue("Sheet1", "A1", x); err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellStyle("Sheet1", "A1", "A1", style); err != nil {
				t.Fatal(err)
			}
			want, err := f.GetCellValue("Sheet1", "A1")
			if err != nil {
				t.Fatal(err)
			}
			if got := string(compiled.AppendNumber(nil, x, Date1900)); got != want {
				t.Errorf("%s of %v: %q, excelize %q", code, x, got, want)
			}
		}
	}
}

// What a number shows with places enough reads back as its 15 digits.
func TestDigitsReadBack(t *testing.T) {
	fixed, sci := Compile("0."+strings.Repeat("#", 30)), Compile("0.00000000000000E+00")
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.Int64Range(-999999999999999, 999999999999999).Draw(t, "digits")
		exp := rapid.IntRange(-12, 0).Draw(t, "exp")
		x := readFloat(t, digits, exp)
		for _, f := range []*Format{fixed, sci} {
			shown := strings.TrimSuffix(string(f.AppendNumber(nil, x, Date1900)), ".")
			if back := parseValue(shown).Number(); back != x {
				t.Fatalf("%v shows as %s with %s", x, shown, f.Code())
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, c := range readShow(f) {
		f.Add(c.code, c.v.Number(), c.v.Text())
	}
	f.Add("[h]"+strings.Repeat("%", 200)+",", 1e308, "x")
	f.Fuzz(func(t *testing.T, code string, x float64, text string) {
		format := Compile(code)
		for _, sys := range []DateSystem{Date1900, Date1904} {
			// Every op shows at most a number of 309 digits moved by the percent signs,
			// with separators, or a name.
			if got := format.AppendNumber(nil, x, sys); len(got) > codeMax*2000 {
				t.Fatalf("%d bytes", len(got))
			}
			if got := format.Append(nil, cell.TextValue(text), sys); len(got) > codeMax*4+codeMax*len(text)+len(text) {
				t.Fatalf("%d bytes of text", len(got))
			}
		}
		if format.Err() != nil && format.Kind() != General {
			t.Fatal("a code that cannot be read is not General")
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name, code string
		x          float64
	}{
		{"General/integer", "General", 123456},
		{"General/fraction", "General", 1234.5678},
		{"Number", "#,##0.00", 1234567.891},
		{"NumberInteger", "#,##0.00", 1234567},
		{"Date", "yyyy-mm-dd", 45352},
		{"Datetime", "m/d/yyyy h:mm:ss", 45352.6875},
		{"Percent", "0.0%", 0.12345},
		{"Accounting", `_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)`, -1234.5},
		{"Fraction", "# ??/??", 3.14159265},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := Compile(c.code)
			v := cell.NumberValue(c.x)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = f.Append(buf[:0], v, Date1900)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Compile(`_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)`)
	}
}
