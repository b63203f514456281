package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gridflow/internal/office/fake"
	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
	"gridflow/internal/office/worker"
)

// The tests start this test program again: as a worker with LibreOffice, as a fake one (the
// package's own init), or as a parent that is going to be killed.
func init() {
	worker.Intercept()
	if len(os.Args) > 2 && os.Args[1] == "doomed-parent" {
		p, err := worker.Start(context.Background(), worker.Options{Program: "fake:hang", Dir: os.Args[2]})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		_, err = p.Do(context.Background(), wire.Request{Op: wire.Ping})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts a fake worker, which is gone when the test is over.
func start(t *testing.T, script string) *worker.Process {
	t.Helper()
	p, err := worker.Start(t.Context(), worker.Options{Program: "fake:" + script, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		<-p.Gone()
	})
	return p
}

// job gives a request for a document with that text, in a folder of its own.
func job(t *testing.T, text string) wire.Request {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.xlsx")
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return wire.Request{Op: wire.Recalculate, In: in, Out: filepath.Join(dir, "out.xlsx")}
}

// alive reports whether there is a process with that number that has not ended.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestJobs(t *testing.T) {
	dir := t.TempDir()
	p, err := worker.Start(t.Context(), worker.Options{Program: "fake:version=7.4.7.2", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if p.Version() != "7.4.7.2" || p.Exit() != nil {
		t.Errorf("version %q, exit %v", p.Version(), p.Exit())
	}
	for i := range 3 {
		r := job(t, "plain")
		got, err := p.Do(t.Context(), r)
		if err != nil || got.Failure != nil || got.ID != uint64(2*i+1) {
			t.Fatalf("%+v, %v", got, err)
		}
		if text, err := os.ReadFile(r.Out); err != nil || string(text) != "plain" {
			t.Errorf("wrote %q, %v", text, err)
		}
		r.Op, r.Range = wire.Paint, wire.Range{FirstRow: 2, FirstCol: 1, LastRow: 4, LastCol: 2}
		got, err = p.Do(t.Context(), r)
		if err != nil || got.Failure != nil || got.Picture == nil || got.Picture.Width != 2*fake.CellWidth || got.Picture.Height != 3*fake.CellHeight {
			t.Fatalf("%+v, %v", got, err)
		}
		pixels, err := os.ReadFile(r.Out)
		if c := fake.Color(0, 2, 1); err != nil || len(pixels) != 4*got.Picture.Width*got.Picture.Height || [4]byte(pixels) != [4]byte{c.R, c.G, c.B, 255} {
			t.Errorf("%d bytes of pixels, %v", len(pixels), err)
		}
	}
	pid := p.PID()
	p.Kill()
	<-p.Gone()
	if e := p.Exit(); e.Cause != worker.Killed || alive(pid) {
		t.Errorf("%v, alive %v", e, alive(pid))
	}
	if _, err := os.Stat(filepath.Join(dir, "tmp")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the scratch folder is still there: %v", err)
	}
	if _, err := p.Do(t.Context(), job(t, "late")); !errors.As(err, new(*worker.Exit)) {
		t.Errorf("a job for a worker that is gone: %v", err)
	}
}

// What a worker does that it must not, and what becomes of it.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		script string
		cause  worker.Cause
		code   int
		detail string // a part of the error
	}{
		{"exit=3", worker.Crashed, 3, "code 3"},
		{"segv", worker.Crashed, 2, "SIGSEGV"},
		{"kill", worker.Memory, -1, "killed"},
		{"garbage", worker.Protocol, -1, "legacy.osl"},
		{"wrongid", worker.Protocol, -1, "job 8 when job 1"},
		{"endless", worker.Protocol, -1, "too long"},
		{"nofile", worker.NoOutput, -1, "no file"},
	} {
		t.Run(test.script, func(t *testing.T) {
			p := start(t, "good")
			_, err := p.Do(t.Context(), job(t, "fake:"+test.script))
			var exit *worker.Exit
			if !errors.As(err, &exit) || exit.Cause != test.cause || exit.Code != test.code || !strings.Contains(err.Error(), test.detail) {
				t.Errorf("%v (%+v)", err, exit)
			}
			select {
			case <-p.Gone():
			default:
				t.Error("Do has returned before the worker was gone")
			}
		})
	}
}

// An answer that nobody has asked for ends the worker, even if the job before was done well.
func TestAnswersTwice(t *testing.T) {
	p := start(t, "good")
	if _, err := p.Do(t.Context(), job(t, "fake:twice")); err != nil && !errors.As(err, new(*worker.Exit)) {
		t.Error(err)
	}
	<-p.Gone()
	if e := p.Exit(); e.Cause != worker.Protocol || !strings.Contains(e.Error(), "none was awaited") {
		t.Errorf("%+v", e)
	}
}

func TestBrokenIsKilled(t *testing.T) {
	p := start(t, "good")
	if got, err := p.Do(t.Context(), job(t, "fake:fail=not_loaded")); err != nil || got.Failure == nil || got.Failure.Code != wire.NotLoaded {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := p.Do(t.Context(), job(t, "fake:fail=broken")); err != nil || got.Failure == nil || got.Failure.Code != wire.Broken {
		t.Fatalf("%+v, %v", got, err)
	}
	<-p.Gone()
	if e := p.Exit(); e.Cause != worker.Killed {
		t.Errorf("%v", e)
	}
}

// A deadline kills the worker and all that it has started, and Do returns when they are gone.
func TestDeadline(t *testing.T) {
	p := start(t, "good")
	file := filepath.Join(t.TempDir(), "pid")
	if _, err := p.Do(t.Context(), job(t, "fake:spawn="+file)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(string(text))
	if err != nil || !alive(child) {
		t.Fatalf("the child %q: %v", text, err)
	}
	if members := worker.GroupMembers(p.PID()); len(members) != 1 || members[0] != child {
		t.Errorf("the group has %v besides its first, not %d", members, child)
	}

	impatient := errors.New("impatient")
	ctx, cancel := context.WithCancelCause(t.Context())
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		f, err := os.OpenFile(fifo, os.O_WRONLY, 0) // returns when the job has begun
		if err == nil {
			f.Close()
		}
		cancel(impatient)
	}()
	if _, err := p.Do(ctx, job(t, "fake:wait="+fifo+",hang")); !errors.Is(err, impatient) {
		t.Errorf("the end of the context: %v", err)
	}
	if alive(p.PID()) || alive(child) {
		t.Errorf("Do returned while the worker (%v) or its child (%v) was alive", alive(p.PID()), alive(child))
	}
	select {
	case <-p.Gone():
	default:
		t.Error("Do returned before Gone")
	}
}

func TestOneJobAtATime(t *testing.T) {
	p := start(t, "good")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	r := job(t, "fake:wait="+fifo+",hang")
	go func() {
		_, err := p.Do(t.Context(), r)
		done <- err
	}()
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0) // returns when the job has begun
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := p.Do(t.Context(), wire.Request{Op: wire.Ping}); !errors.Is(err, worker.ErrBusy) {
		t.Errorf("a second job: %v", err)
	}
	p.Kill()
	var exit *worker.Exit
	if err := <-done; !errors.As(err, &exit) || exit.Cause != worker.Killed {
		t.Errorf("the first job: %v", err)
	}
}

func TestStartFails(t *testing.T) {
	for _, test := range []struct{ script, detail string }{
		{"start-fail", "told not to start"},
		{"start-exit=9", "code 9 (the fake was told to end)"},
		{"start-garbage", "it began with"},
	} {
		t.Run(test.script, func(t *testing.T) {
			dir := t.TempDir()
			_, err := worker.Start(t.Context(), worker.Options{Program: "fake:" + test.script, Dir: dir})
			var failed *worker.StartError
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), test.detail) || failed.Exit == nil {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "tmp")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the scratch folder is still there: %v", err)
			}
		})
	}
	t.Run("start-hang", func(t *testing.T) {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		impatient := errors.New("impatient")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
			if err == nil {
				f.Close()
			}
			cancel(impatient)
		}()
		_, err := worker.Start(ctx, worker.Options{Program: "fake:start-hang,start-wait=" + fifo, Dir: t.TempDir()})
		if !errors.Is(err, impatient) || !errors.As(err, new(*worker.StartError)) {
			t.Error(err)
		}
	})
	t.Run("no program", func(t *testing.T) {
		_, err := worker.Start(t.Context(), worker.Options{Program: t.TempDir(), Dir: t.TempDir()})
		if !errors.As(err, new(*lok.NotFoundError)) {
			t.Error(err)
		}
	})
	t.Run("no self", func(t *testing.T) {
		_, err := worker.Start(t.Context(), worker.Options{Self: filepath.Join(t.TempDir(), "none"), Program: "fake:", Dir: t.TempDir()})
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, new(*worker.StartError)) {
			t.Error(err)
		}
	})
}

// A worker has nothing of its parent's: no variable, no network.
func TestInheritsNothing(t *testing.T) {
	t.Setenv("GRIDFLOW_TEST_SECRET", "hunter2")
	p := start(t, "good")
	proc := fmt.Sprintf("/proc/%d/", p.PID())
	environ, err := os.ReadFile(proc + "environ")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(environ); strings.Contains(text, "hunter2") || !strings.Contains(text, "GODEBUG=asyncpreemptoff=1") {
		t.Errorf("environment %q", text)
	}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.Readlink(proc + "ns/net")
	if err != nil {
		t.Fatal(err)
	}
	isolated := strings.HasSuffix(p.Isolation().Network, "namespace")
	if isolated == (ours == theirs) {
		t.Errorf("isolation %q, and the networks are %s and %s", p.Isolation().Network, ours, theirs)
	}
	if !isolated && !strings.HasPrefix(p.Isolation().Network, "none: ") {
		t.Errorf("isolation %q", p.Isolation().Network)
	}
}

// A worker does not outlive its parent, even one that ignores the end of its pipe.
func TestParentKilled(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0], "doomed-parent", t.TempDir())
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanln(out, &pid); err != nil || !alive(pid) {
		t.Fatalf("the worker %d: %v", pid, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	worker.AwaitExit(pid)
	if alive(pid) {
		t.Error("the worker has outlived its parent")
	}
}
