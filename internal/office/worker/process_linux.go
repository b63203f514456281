package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gridflow/internal/office/wire"
)

// start starts the process. A goroutine on a thread of its own starts it and stays with it to its
// end: the system kills a child with the thread that it was started from (Pdeathsig), and so
// that thread must be nobody else's.
func (p *Process) start(n Network, hello chan<- wire.Hello) error {
	requestsIn, requests, err := os.Pipe()
	if err != nil {
		return err
	}
	answers, answersIn, err := os.Pipe()
	if err != nil {
		requestsIn.Close()
		requests.Close()
		return err
	}
	p.requests = requests
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.startIsolated(n, requestsIn, answersIn) // which become descriptors 3 and 4
		requestsIn.Close()
		answersIn.Close()
		started <- err
		if err != nil {
			requests.Close()
			answers.Close()
			return
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			p.read(answers, hello)
		}()
		p.reap()
		answers.Close() // ends the reader, should anything outside of the group hold the pipe
		<-read
		requests.Close()
		close(p.gone)
	}()
	return <-started
}

// startIsolated starts the process with as little of the network as the system allows.
func (p *Process) startIsolated(n Network, pipes ...*os.File) error {
	base := syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if n == Inherit {
		p.cmd = p.command(pipes...)
		p.cmd.SysProcAttr = &base
		p.isolation.Network = "inherited"
		return p.cmd.Start()
	}
	var refused error
	for _, try := range []struct {
		name  string
		attr  func(a *syscall.SysProcAttr)
		skips bool
	}{
		{"namespace", func(a *syscall.SysProcAttr) { a.Cloneflags = unix.CLONE_NEWNET }, os.Geteuid() != 0},
		{"user namespace", func(a *syscall.SysProcAttr) {
			a.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNET
			a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
			a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		}, false},
		{"", func(*syscall.SysProcAttr) {}, false},
	} {
		if try.skips {
			continue
		}
		attr := base
		try.attr(&attr)
		p.cmd = p.command(pipes...)
		p.cmd.SysProcAttr = &attr
		err := p.cmd.Start()
		if err == nil {
			p.isolation.Network = try.name
			if try.name == "" {
				p.isolation.Network = fmt.Sprintf("none: %v", refused)
			}
			return nil
		}
		if !namespaceRefused(err) {
			return err
		}
		refused = err
	}
	return refused
}

// namespaceRefused reports whether the system said no to a namespace: by a policy, a limit, or
// because it has none.
func namespaceRefused(err error) bool {
	for _, errno := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.ENOSYS, unix.EUSERS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// read takes what the worker says, until it says nothing any more.
func (p *Process) read(from *os.File, hello chan<- wire.Hello) {
	in := bufio.NewReader(from)
	for first := true; ; first = false {
		line, err := wire.ReadLine(in)
		if errors.Is(err, wire.ErrLineTooLong) {
			p.end(&Exit{Cause: Protocol, Detail: err.Error()})
		}
		if err != nil {
			return
		}
		if first {
			var h wire.Hello
			if err := json.Unmarshal(line, &h); err != nil {
				p.end(&Exit{Cause: Protocol, Detail: fmt.Sprintf("it began with %.60q", line)})
				return
			}
			p.mu.Lock()
			p.warm = h.Usage.RSS
			p.mu.Unlock()
			hello <- h
			continue
		}
		var r wire.Response
		if err := json.Unmarshal(line, &r); err != nil {
			p.end(&Exit{Cause: Protocol, Detail: fmt.Sprintf("it answered %.60q", line)})
			return
		}
		p.mu.Lock()
		awaited := p.awaited
		p.awaited = 0
		p.mu.Unlock()
		if awaited == 0 || awaited != r.ID {
			p.end(&Exit{Cause: Protocol, Detail: fmt.Sprintf("it answered job %d when %s was awaited", r.ID, name(awaited))})
			return
		}
		p.answers <- r // there is room: one answer is awaited at a time
	}
}

func name(job uint64) string {
	if job == 0 {
		return "none"
	}
	return "job " + strconv.FormatUint(job, 10)
}

// send writes a job to the worker. When it cannot be written the worker is dying, and the
// reader and the reaper say so.
func (p *Process) send(r wire.Request) {
	line, err := json.Marshal(r)
	if err != nil {
		p.end(&Exit{Cause: Protocol, Detail: err.Error()})
		return
	}
	_, _ = p.requests.Write(append(line, '\n'))
}

// end kills the group for a reason, of which the first counts.
func (p *Process) end(why *Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if p.ended == nil {
		p.ended = why
	}
	_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
}

// reap waits for the end of the process and of all others in its group. The process itself stays
// a zombie until the others are gone, so that its number remains the group's.
func (p *Process) reap() {
	pid := p.cmd.Process.Pid
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != unix.EINTR {
			break
		}
	}
	for {
		_ = unix.Kill(-pid, unix.SIGKILL)
		others := groupMembers(pid)
		if len(others) == 0 {
			break
		}
		for _, other := range others {
			awaitExit(other)
		}
	}
	p.mu.Lock()
	p.reaped = true
	ended, warm := p.ended, p.warm
	p.mu.Unlock()
	err := p.cmd.Wait()

	exit := &Exit{Cause: Crashed, Code: p.cmd.ProcessState.ExitCode()}
	var noMemory bool
	exit.Printed, exit.Detail, noMemory = p.printed.said()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	if usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		exit.RSSMax = usage.Maxrss << 10
	}
	switch {
	case ended != nil:
		exit.Cause, exit.Detail = ended.Cause, ended.Detail
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		// Not by us: on most systems nobody else does that but the kernel, when it has no memory.
		exit.Cause = Memory
	case err != nil && (noMemory || p.limit > 0 && exit.RSSMax > (p.limit+warm)/2):
		// C++ that is refused memory says so, or runs into a null pointer. What it was refused may
		// have been as much as it had.
		exit.Cause = Memory
	}
	os.RemoveAll(filepath.Join(p.dir, scratchName))
	p.exit = exit
}

// groupMembers are the living processes of a group but for its first.
func groupMembers(group int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == group {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// The name in brackets may have anything in it; behind it are state, parent and group.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" && fields[0] != "X" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// awaitExit waits until a process has ended.
func awaitExit(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
			return
		}
	}
}
