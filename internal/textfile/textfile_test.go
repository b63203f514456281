package textfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

func read(t *testing.T, name, text string) *grid.Sheet {
	t.Helper()
	f, err := Open(t.Context(), strings.NewReader(text), int64(len(text)), name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dump(s *grid.Sheet) string {
	var out strings.Builder
	for c := range s.Cells(cell.WholeSheet) {
		fmt.Fprintf(&out, "%v=%v:%v", c.Ref, c.Value.Kind(), c.Value)
		if c.Style > 0 {
			fmt.Fprintf(&out, "/%d", c.Style)
		}
		out.WriteByte(' ')
	}
	return strings.TrimSpace(out.String())
}

func TestFields(t *testing.T) {
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("ä;b\nc;d\n")
	for _, c := range []struct{ name, text, want string }{
		{"a.csv", "id,n\n00123,1.5\n7,-2\n", "A1=text:id B1=text:n A2=text:00123 B2=number:1.5 A3=number:7 B3=number:-2"},
		{"a.csv", "1234567890123456,123456789012345\n", "A1=text:1234567890123456 B1=number:123456789012345"},
		{"a.csv", "1E5,1.5E3,1e-7,0.5,.5,5.,0,-0.1,1e9999\n", "A1=text:1E5 B1=number:1500 C1=number:1E-07 D1=number:0.5 E1=number:0.5 F1=text:5. G1=number:0 H1=number:-0.1 I1=text:1e9999"},
		{"a.csv", "TRUE,false,#N/A,\"1,234\",5%\n", "A1=bool:TRUE B1=bool:FALSE C1=error:#N/A D1=text:1,234 E1=text:5%"},
		{"a.csv", "2024-03-01,2024-03-01T12:00:00,10:30,2024-13-01\n", "A1=number:45352/1 B1=number:45352.5/2 C1=text:10:30 D1=text:2024-13-01"},
		{"a.csv", "a,b\n\n\nc,\"d\n\ne\"\n\nf\n", "A1=text:a B1=text:b A4=text:c B4=text:d\n\ne A6=text:f"},
		{"a.csv", "a;b,x;c\n1;2,5;3\n", "A1=text:a B1=text:b,x C1=text:c A2=number:1 B2=text:2,5 C2=number:3"},
		{"a.tsv", "a\tb, c\n1\t2\n", "A1=text:a B1=text:b, c A2=number:1 B2=number:2"},
		{"a.csv", "\xEF\xBB\xBFä,b\n", "A1=text:ä B1=text:b"},
		{"a.csv", "\xE4,b\n", "A1=text:ä B1=text:b"},
		{"a.csv", utf16, "A1=text:ä B1=text:b A2=text:c B2=text:d"},
		{"a.csv", "a,b\n1,2,3\n4\n", "A1=text:a B1=text:b A2=number:1 B2=number:2 C2=number:3 A3=number:4"},
		{"a.csv", "say \"hi\",b\n", "A1=text:say \"hi\" B1=text:b"},
		{"a.csv", "", ""},
		// Line ends of old Macs, also in quotes.
		{"a.csv", "a,b\r1,2\r\r\"x\ry\",3\r", "A1=text:a B1=text:b A2=number:1 B2=number:2 A4=text:x\ny B4=number:3"},
		{"a.csv", "a;b\r1;2", "A1=text:a B1=text:b A2=number:1 B2=number:2"},
		// A first line that names the separator is no row.
		{"a.csv", "sep=;\na;b,c\n1;2\n", "A1=text:a B1=text:b,c A2=number:1 B2=number:2"},
		{"a.csv", "\xEF\xBB\xBFsep=|\r\na|b;c\r\n", "A1=text:a B1=text:b;c"},
		{"a.csv", "\"sep=\t\"\ra\tb\r", "A1=text:a B1=text:b"},
		{"a.csv", "sep=;", ""},
		{"a.csv", "sep=ab\n1,2\n", "A1=text:sep=ab A2=number:1 B2=number:2"},
	} {
		if got := dump(read(t, c.name, c.text)); got != c.want {
			t.Errorf("%q\n\tgot  %q\n\twant %q", c.text, got, c.want)
		}
	}
}

func TestSheetName(t *testing.T) {
	for name, want := range map[string]string{"sales.csv": "sales", "a[b]:c.csv": "a_b__c", ".csv": "Sheet1", strings.Repeat("é", 40) + ".tsv": strings.Repeat("é", 31)} {
		if got := sheetName(name); got != want {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, code := range map[string]xlsx.Code{"PK\x03\x04rest": xlsx.Unsupported, "a\x00b": xlsx.Unsupported} {
		_, err := Open(t.Context(), strings.NewReader(text), int64(len(text)), "a.csv")
		if e, ok := errors.AsType[*xlsx.Error](err); !ok || e.Code != code {
			t.Errorf("%q: got %v", text, err)
		}
	}
	wide := strings.Repeat(",", cell.MaxCols)
	f, err := Open(t.Context(), strings.NewReader(wide), int64(len(wide)), "a.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Sheet(t.Context(), 0, 10)
	if e, ok := errors.AsType[*xlsx.Error](err); !ok || e.Code != xlsx.TooLarge {
		t.Errorf("a line that is too wide: got %v", err)
	}
}

// FuzzRead: no input makes the reader panic, and every number reads back as its field.
func FuzzRead(f *testing.F) {
	f.Add("a,b\n1,2\n", "x.csv")
	f.Add("00,1e5\t\"", "x.tsv")
	f.Add("\xFF\xFEa\x00", "x.csv")
	f.Fuzz(func(t *testing.T, text, name string) {
		file, err := Open(t.Context(), strings.NewReader(text), int64(len(text)), name)
		if err != nil {
			return
		}
		if _, err := file.Sheet(t.Context(), 0, cell.MaxRows-1); err != nil {
			return
		}
	})
}
