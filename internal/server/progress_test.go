package server

import (
	"testing"
	"testing/synctest"
)

// TestReportIsDropped: while a report is being sent to a slow client the tool goes on, and
// what it reports meanwhile is dropped.
func TestReportIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan bool)
		var sent []float64
		p := startProgress(func(done, _ float64, _ string) {
			sent = append(sent, done)
			<-hold
		})
		go p.report(1, 10, "")
		synctest.Wait()
		p.report(2, 10, "") // or the bubble would not go on
		close(hold)
		synctest.Wait()
		p.stop()
		if len(sent) != 1 || sent[0] != 1 {
			t.Errorf("sent %v", sent)
		}
	})
}
