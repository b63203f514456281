package lok

import (
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

// What anybody has made of a signal is as it was before, and nothing else is touched.
func TestRestoreActions(t *testing.T) {
	defer signal.Reset(syscall.SIGUSR2)
	before := snapshotActions()
	signal.Ignore(syscall.SIGUSR2)
	if *snapshotActions() == *before {
		t.Fatal("an ignored signal looks as before")
	}
	if changed := before.restore(); !slices.Equal(changed, []int{int(syscall.SIGUSR2)}) {
		t.Errorf("changed %v", changed)
	}
	if *snapshotActions() != *before {
		t.Error("the actions are not as before")
	}
}
