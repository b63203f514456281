package scan

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"gridflow/internal/cell"
)

// Cells that are written like those above give what the general path makes of them, to
// which windows that are too small for any other leave all.
func TestLikeAbove(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte('0' + byte(r.IntN(10)))
		}
		return b.String()
	}
	odd := []string{"", " 7 ", "-0", "0.0", "-12", "-3.5", "5.", ".5", "1E5", "1.5e-7", "00012", "x", "1x", "1.2.3", "true", "2", "NaN", "<!-- -->1"}
	values := func() string {
		switch r.IntN(12) {
		case 0:
			return odd[r.IntN(len(odd))]
		case 1, 2, 3:
			return digits(1 + r.IntN(11))
		default:
			return digits(1+r.IntN(8)) + "." + digits(r.IntN(20))
		}
	}
	for _, attributes := range [][]string{
		{"", ` s="1"`, ` s="12"`, ` s="123" t="n"`, ` s="4294967"`},
		{` t="s"`, ` s="7" t="s"`, ` t="b"`, ` s="70" t="b"`, ` t="str"`, ` t="e"`, ` t="/"`},
	} {
		var rows strings.Builder
		for row := 1; row <= 1200; row += 1 + r.IntN(50)/49 {
			fmt.Fprintf(&rows, `<row r="%d" spans="1:%d">`, row, 9+row/700)
			for col := range 30 {
				ref := cell.Ref{Row: row - 1, Col: []int{col, 20 + col, 700 + col}[col/10]}
				kind := attributes[col%len(attributes)]
				switch r.IntN(100) {
				case 0:
					continue
				case 1:
					kind = attributes[r.IntN(len(attributes))]
				}
				value := values()
				switch {
				case col%10 == 9:
					fmt.Fprintf(&rows, `<c r="%v"%s/>`, ref, kind)
				case col%10 == 8 || col%10 == 7 && r.IntN(2) == 0:
					fmt.Fprintf(&rows, `<c r="%v"%s><f>A%d&amp;"b"</f><v>%s</v></c>`, ref, kind, row, value)
				case col%10 == 6 && r.IntN(2) == 0:
					// A formula without a value, below which a cell without anything is no cell.
					fmt.Fprintf(&rows, `<c r="%v"><f>NOW()</f></c>`, ref)
				case col%10 == 6:
					fmt.Fprintf(&rows, `<c r="%v"/>`, ref)
				default:
					fmt.Fprintf(&rows, `<c r="%v"%s><v>%s</v></c>`, ref, kind, value)
				}
			}
			rows.WriteString("</row>")
		}
		xml := []byte(wrap("", rows.String()))
		fast, err := feedAll(xml, len(xml)+1)
		if err != nil {
			t.Fatal(err)
		}
		general, err := feedAll(xml, fastReach/2)
		if err != nil {
			t.Fatal(err)
		}
		if fast != general {
			a, b := strings.Split(fast, "\n"), strings.Split(general, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("line %d: got %s, want %s", i, a[i], b[i])
				}
			}
			t.Fatalf("%d lines, want %d", len(a), len(b))
		}
	}
}

func TestDecimal(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	read := func(text string) (float64, uint, bool) {
		b := append(bytes.Clone([]byte(text)), make([]byte, 64)...)
		w := load64(unsafe.Pointer(&b[0]), 0) ^ zeros
		return decimal(unsafe.Pointer(&b[0]), 0, uint(digits8(w)), w)
	}
	taken := 0
	for range 200000 {
		text := strconv.Itoa(1e8 + r.IntN(9e8))[:1+r.IntN(8)] + "."
		for range r.IntN(22) {
			text += string(rune('0' + r.IntN(10)))
		}
		got, next, ok := read(text + "</v></c>")
		if !ok {
			continue
		}
		taken++
		want, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) || int(next) != len(text)+len("</v></c>") {
			t.Fatalf("%s: got %v, ends at %d, want %v", text, got, next, want)
		}
	}
	if taken < 100000 {
		t.Errorf("only %d were taken", taken)
	}
	for _, text := range []string{"1.5</v></d>", "1.5e3</v></c>", "1,5</v></c>", "12345678.5</v></c>", ".5</v></c>", "1.2.3</v></c>", "-1.5</v></c>", "1.23456789012345678901</v></c>"} {
		if f, _, ok := read(text); ok {
			t.Errorf("%s gave %v", text, f)
		}
	}
}
