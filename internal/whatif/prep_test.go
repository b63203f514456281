package whatif
import ("testing";"fmt";"gridflow/internal/cell")
func BenchmarkPrep(b *testing.B) {
	for _, s := range scenes() {
		m := model(b, s.cells)
		for _, n := range []int{4, 256} {
		b.Run(fmt.Sprint(s.name, "/", n), func(b *testing.B) {
			b.ReportAllocs()
			start := processor()
			for b.Loop() {
				m.Run(b.Context(), n, 1, func(i int) []Input { return []Input{{0, ref("A1"), cell.NumberValue(float64(i) / 1e4)}} }, []Cell{{0, ref(s.output)}}, func(int, []cell.Value) error { return nil })
			}
			b.ReportMetric((processor()-start).Seconds()/float64(b.N)*1e3, "cpu-ms")
		})
	}}
}
