package main

import (
	"testing"
	"time"

	"gridflow/internal/office"
)

// TestOfficeLimits: what the operator sets of LibreOffice is what holds, and no job goes on for longer than a call may.
func TestOfficeLimits(t *testing.T) {
	for _, test := range []struct {
		args          []string
		job, start    time.Duration
		workers, jobs int
		memory        int64
		idle          time.Duration
		warm          int
	}{
		{[]string{"--office-timeout=7s", "--office-workers=3", "--office-jobs=9", "--office-memory=500MiB", "--office-idle=8m", "--office-warm=2"}, 7 * time.Second, 20 * time.Second, 3, 9, 500 << 20, 8 * time.Minute, 2},
		{[]string{"--office-timeout=5m", "--tool-timeout=0"}, 5 * time.Minute, 5 * time.Minute, office.DefaultWorkers, office.DefaultJobs, office.DefaultMemory, 5 * time.Minute, 0},
		{[]string{"--office-timeout=5m", "--tool-timeout=40s"}, 40 * time.Second, 5 * time.Minute, office.DefaultWorkers, office.DefaultJobs, office.DefaultMemory, 5 * time.Minute, 0},
	} {
		c, _, err := configure("stdio", test.args, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		l := c.officeLimits()
		if l.JobTimeout != test.job || l.StartTimeout != test.start || l.Workers != test.workers || l.Jobs != test.jobs || l.Memory != test.memory || l.Idle != test.idle || l.Warm != test.warm {
			t.Errorf("%v: %+v", test.args, l)
		}
	}
}
