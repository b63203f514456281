//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// muted has reads of a file stand still, as those of a network mount do whose server is gone, until release is called: the
// kernel asks a listener (fanotify) whether each of them may go on, and is not answered. Where nobody may ask so the test is skipped.
func muted(t *testing.T, path string) (release func()) {
	t.Helper()
	group, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_LARGEFILE)
	if err == nil {
		if err = unix.FanotifyMark(group, unix.FAN_MARK_ADD, unix.FAN_ACCESS_PERM, unix.AT_FDCWD, path); err != nil {
			unix.Close(group)
		}
	}
	if err != nil {
		t.Skipf("no reads can be held up here: %v", err)
	}
	open := true
	release = func() {
		if open {
			open = false
			unix.Close(group) // which lets all of them go on
		}
	}
	t.Cleanup(release)
	return release
}

// TestFault_HangingRead: the disk gives no answer to who reads a workbook. He is told so after --read-timeout, all others are served
// meanwhile, and when the disk answers again so is he.
func TestFault_HangingRead(t *testing.T) {
	t.Parallel()
	root := exampleRoot(t)
	r := serving(t, root, "--read-timeout=5s") // what a read that nothing holds up does not take, however busy the machine is
	s := r.client(eras[1])
	mustCall(t, s, "list_workbooks", `{}`)
	release := muted(t, filepath.Join(root, "loan.xlsx"))
	a, err := call(r.ctx, s, "list_sheets", `{"workbook_id":"loan"}`)
	if err != nil || !a.failed || !strings.HasPrefix(a.text, "READ_TIMEOUT:") {
		t.Fatalf("whoever reads what hangs is told %q (%v)", a.text, err)
	}
	at(t, s, "sales", "Sales", "A1")
	release()
	firstSheet(t, s, "loan")
}
