package patch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/ziptest"
)

// million is a workbook of a million cells, of which 100,000 are formulas, each of its own or all shared.
func million(b *testing.B, shared bool) []byte {
	var s strings.Builder
	s.WriteString(`<worksheet ` + main + `><dimension ref="A1:J100000"/><sheetData>`)
	for row := 1; row <= 100_000; row++ {
		fmt.Fprintf(&s, `<row r="%d">`, row)
		for col := range 9 {
			fmt.Fprintf(&s, `<c r="%s%d" s="1"><v>%d.%d</v></c>`, cell.ColumnName(col), row, row*7919%10007, col)
		}
		switch {
		case !shared:
			fmt.Fprintf(&s, `<c r="J%d"><f>IF(A%d&gt;0,B%d*$C$1,SUM(D%d:I%d))</f><v>1</v></c>`, row, row, row, row, row)
		case row == 1:
			s.WriteString(`<c r="J1"><f t="shared" ref="J1:J100000" si="0">IF(A1&gt;0,B1*$C$1,SUM(D1:I1))</f><v>1</v></c>`)
		default:
			fmt.Fprintf(&s, `<c r="J%d"><f t="shared" si="0"/><v>1</v></c>`, row)
		}
		s.WriteString("</row>")
	}
	s.WriteString("</sheetData></worksheet>")
	return ziptest.Pack(b, parts(s.String()))
}

// BenchmarkStructure inserts a row at the top of a sheet of a million cells and writes the file, and has excelize open it, do
// the same and write it: x-excelize is the part of its time that we take.
func BenchmarkStructure(b *testing.B) {
	for _, shared := range []bool{false, true} {
		b.Run(map[bool]string{false: "formulas", true: "shared"}[shared], func(b *testing.B) {
			file := million(b, shared)
			f, err := openBytes(file)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Sheet(context.Background(), 0, cell.MaxRows-1); err != nil { // as it is when somebody has edited it
				b.Fatal(err)
			}
			var ours, theirs, cpu, theirCPU time.Duration
			n := 0
			for b.Loop() {
				n++
				used, start := processorTime(), time.Now()
				change := structure.Change{Kind: structure.InsertRows, Sheet: "S", At: 0, Count: 1}
				if _, err := Save(context.Background(), f, Patch{Structure: []structure.Change{change}}, io.Discard); err != nil {
					b.Fatal(err)
				}
				ours, cpu = ours+time.Since(start), cpu+processorTime()-used
				if n > 1 {
					continue // it takes long, once is enough
				}
				used, start = processorTime(), time.Now()
				x, err := excelize.OpenReader(bytes.NewReader(file))
				if err != nil {
					b.Fatal(err)
				}
				if err := x.InsertRows("S", 1, 1); err != nil {
					b.Fatal(err)
				}
				if err := x.Write(io.Discard); err != nil {
					b.Fatal(err)
				}
				theirs, theirCPU = time.Since(start), processorTime()-used
				x.Close()
			}
			b.ReportMetric(ours.Seconds()*1e3/float64(n), "save-ms")
			b.ReportMetric(cpu.Seconds()*1e3/float64(n), "save-cpu-ms")
			b.ReportMetric(theirs.Seconds()*1e3, "excelize-ms")
			b.ReportMetric(theirCPU.Seconds()*1e3, "excelize-cpu-ms")
			b.ReportMetric(cpu.Seconds()/float64(n)/max(theirCPU.Seconds(), 1e-9), "x-excelize-cpu")
			b.ReportMetric(ours.Seconds()/float64(n)/theirs.Seconds(), "x-excelize")
		})
	}
}
