package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
)

// orders is a small CSV file with what makes CSV files hard: commas, quotes and
// line breaks inside of fields, leading zeros, empty fields, letters beyond
// ASCII.
func orders() ([]byte, error) {
	rnd := rand.New(rand.NewPCG(12, 34))
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	remarks := []string{"", "", "", "call first", "gate 3, ring twice", `said "urgent"`, "fragile\nthis side up"}
	customers := []string{"Åberg & Söner", "Berg, Ltd.", "Costa", "Dubois SARL", "Müller", "中村商店"}
	rows := [][]string{{"order", "date", "customer", "city", "postcode", "units", "amount", "paid", "remark"}}
	for i := range 40 {
		city := [][2]string{{"Dresden", "01067"}, {"Lyon", "69001"}, {"Boston", "02108"}, {"Oslo", "0150"}}[rnd.IntN(4)]
		rows = append(rows, []string{
			fmt.Sprintf("A-%04d", 1001+i),
			date(2026, 3, 1).AddDate(0, 0, i*2/3).Format("2006-01-02"),
			customers[rnd.IntN(len(customers))], city[0], city[1],
			fmt.Sprint(1 + rnd.IntN(60)),
			fmt.Sprintf("%.2f", float64(500+rnd.IntN(90_000))/100),
			[]string{"true", "false"}[rnd.IntN(2)],
			remarks[rnd.IntN(len(remarks))],
		})
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}
