//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// group makes a command the head of a process group, all of which is killed with it: soffice
// is a script, and what it starts would live on.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
