package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusals: what is refused comes into the record within a minute, counted; however many
// machines and requests there are, the lines have a bound.
func TestRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	lines := func() (all []Refused) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var e Refused
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			all = append(all, e)
		}
		return all
	}
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := NewRefusals(l, func(err error) { t.Error(err) })
		began := time.Now()
		r.Add("10.0.0.1", "token_unknown")
		time.Sleep(time.Second)
		r.Add("10.0.0.2", "host")
		r.Add("10.0.0.1", "token_unknown")
		if n := len(lines()); n != 0 {
			t.Errorf("%d lines at once", n)
		}
		time.Sleep(refusalsEvery)
		synctest.Wait()
		got := lines()
		if len(got) != 2 || got[0].Client != "10.0.0.1" || got[0].Refused != "token_unknown" || got[0].Count != 2 || !got[0].Since.Equal(began) || !got[0].Time.Equal(began.Add(time.Second)) || got[1].Count != 1 {
			t.Errorf("after a minute: %+v", got)
		}
		time.Sleep(10 * refusalsEvery)
		synctest.Wait()
		if n := len(lines()); n != 2 {
			t.Errorf("%d lines, though nothing was refused", n)
		}
		for i := range 100_000 {
			r.Add(fmt.Sprint("machine ", i), []string{"host", "token_unknown"}[i%2])
		}
		time.Sleep(refusalsEvery)
		synctest.Wait()
		got = lines()[2:]
		if len(got) != refusedMax+2 {
			t.Errorf("%d lines for 100 000 machines, want %d", len(got), refusedMax+2)
		}
		sum := 0
		for _, e := range got {
			sum += e.Count
		}
		if sum != 100_000 {
			t.Errorf("%d of them counted", sum)
		}
		r.Add("10.0.0.1", "host")
		r.Flush()
		if got := lines(); got[len(got)-1].Count != 1 {
			t.Error("what was gathered is lost at the end")
		}
		// A record that cannot be written is told of, and goes on.
		l.Close()
		gaps := 0
		r.gap = func(error) { gaps++ }
		r.Add("10.0.0.1", "host")
		time.Sleep(refusalsEvery)
		synctest.Wait()
		if gaps != 1 || l.Failed() != 1 {
			t.Errorf("%d gaps told, %d counted", gaps, l.Failed())
		}
	})
	var none *Refusals
	none.Add("10.0.0.1", "host")
	none.Flush()
}

// TestRefusalsOfTheKnown: a client that was told apart stays so when no more can be; and the lines are in the order in
// which the first of each came.
func TestRefusalsOfTheKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := NewRefusals(l, func(err error) { t.Error(err) })
		name := func(i int) string { return fmt.Sprintf("client %02d", refusedMax-i) }
		for i := range refusedMax {
			r.Add(name(i), "host")
			time.Sleep(time.Millisecond)
		}
		r.Add(name(0), "host")
		r.Add("one more", "host")
		r.Flush()
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		want := Refused{Client: Others, Count: 1}
		if i < refusedMax {
			want = Refused{Client: fmt.Sprintf("client %02d", refusedMax-i), Count: 1}
		}
		if i == 0 {
			want.Count = 2
		}
		var e Refused
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Client != want.Client || e.Count != want.Count {
			t.Errorf("line %d: %s, %v; want %d of %q", i, line, err, want.Count, want.Client)
		}
	}
	if len(lines) != refusedMax+1 {
		t.Errorf("%d lines", len(lines))
	}
}
