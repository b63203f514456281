package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Rows that several clients append at the same time are all there, and the table has grown
// over all of them.
func TestAppendAtTheSameTime(t *testing.T) {
	env := editingEnv(t, Dense)
	call := func(tool Tool, args string, a ...any) string {
		res, err := tool.Call(context.Background(), env, json.RawMessage(fmt.Sprintf(args, a...)))
		if err != nil {
			t.Error(err)
			return ""
		}
		return res.Text
	}
	fork, _, _ := strings.Cut(call(createFork, `{"workbook_or_fork_id":"sales"}`), ",")
	const clients, rows = 8, 4
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range rows {
				call(appendRows, `{"fork_id":%q,"sheet_name":"Data","rows":[["2026-12-01","by %d: %d",1]]}`, fork, c, n)
			}
		})
	}
	wg.Wait()
	text := call(readTable, `{"workbook_or_fork_id":%q,"table_name":"Sales","limit":1000}`, fork)
	for c := range clients {
		for n := range rows {
			if want := fmt.Sprintf("by %d: %d\t", c, n); strings.Count(text, want) != 1 {
				t.Errorf("%q is there %d times", want, strings.Count(text, want))
			}
		}
	}
	if want := fmt.Sprintf("Data!A1:D%d,", 4+clients*rows); !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
}
