package regex

import (
	"testing"

	"github.com/dlclark/regexp2"
)

// BenchmarkFind searches a line of text beside regexp2.
func BenchmarkFind(b *testing.B) {
	const text = "order 20481 of 2026-11-27, customer Smith & Sons <office@example.org>, 3 items"
	for name, pattern := range map[string]string{"date": `\d{4}-\d{2}-\d{2}`, "address": `[\w.]+@[\w.]+\.\w+`, "words": `(\w+) & (\w+)`, "nothing": `xyz`} {
		b.Run(name+"/here", func(b *testing.B) {
			re, err := Compile(pattern, false)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := re.Find([]rune(text), 0, &Budget{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/regexp2", func(b *testing.B) {
			re := regexp2.MustCompile(pattern, regexp2.None)
			for b.Loop() {
				if _, err := re.FindStringMatch(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
