package office

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gridflow/internal/office/wire"
)

// The tests below have workers that are processes: this test binary under another name. Each
// starts another process, as a program of LibreOffice might, and neither ends when its parent
// does, as one that hangs in a system call would not.

const (
	asWorker = "office-test-worker"
	asServer = "office-test-server"
	asChild  = "office-test-child"
)

func TestMain(m *testing.M) {
	switch os.Args[0] {
	case asWorker:
		workerProcess()
	case asServer:
		serverProcess()
	case asChild:
		select {}
	default:
		os.Exit(m.Run())
	}
}

// workerProcess answers each request with its document, or does what that says. It says that
// it is ready once what it has started is there.
func workerProcess() {
	child := exec.Command("/proc/self/exe")
	child.Args[0] = asChild
	if err := child.Start(); err != nil {
		panic(err)
	}
	fmt.Println(child.Process.Pid)
	requests := bufio.NewReader(os.Stdin)
	for {
		line, err := requests.ReadBytes('\n')
		if err != nil {
			select {} // the parent is gone, and this one does not notice
		}
		var r wire.Request
		if err := json.Unmarshal(line, &r); err != nil {
			panic(err)
		}
		doc, err := os.ReadFile(r.In)
		if err != nil {
			panic(err)
		}
		switch {
		case strings.HasPrefix(string(doc), "hang"):
			os.WriteFile(r.In+".seen", nil, 0o600)
			select {}
		case strings.HasPrefix(string(doc), "exit"):
			os.Exit(3)
		case strings.HasPrefix(string(doc), "segv"):
			syscall.Kill(os.Getpid(), syscall.SIGSEGV)
			select {}
		}
		os.WriteFile(r.Out, doc, 0o600)
		fmt.Println("done")
	}
}

// processes starts workers that are processes.
type processes struct{}

type processWorker struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	gone  chan struct{}
	child int
}

func (processes) Start(_ context.Context, at Place) (Worker, error) {
	w := &processWorker{cmd: exec.Command("/proc/self/exe"), gone: make(chan struct{})}
	w.cmd.Args[0] = asWorker
	w.cmd.Env = []string{"HOME=" + at.Dir, "GORACE=atexit_sleep_ms=0"}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.in, w.out = in, bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := w.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	w.child, _ = strconv.Atoi(strings.TrimSpace(line))
	child, err := unix.PidfdOpen(w.child, 0)
	if err != nil {
		return nil, err
	}
	go func() {
		w.cmd.Process.Wait()
		killOf(at.Dir) // what it has started
		// One that is ending has no environment any more, and is not waited for by that.
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(child), Events: unix.POLLIN}}, -1); err != unix.EINTR {
				break
			}
		}
		unix.Close(child)
		in.Close()
		out.Close()
		close(w.gone)
	}()
	return w, nil
}

func (w *processWorker) Kill()                 { syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) }
func (w *processWorker) Gone() <-chan struct{} { return w.gone }
func (w *processWorker) Exit() Exit            { return Exit{What: "it has ended"} }

func (w *processWorker) Do(ctx context.Context, r wire.Request) (wire.Response, error) {
	stop := context.AfterFunc(ctx, w.Kill)
	defer stop()
	line, err := json.Marshal(r)
	if err == nil {
		_, err = w.in.Write(append(line, '\n'))
	}
	if err == nil {
		_, err = w.out.ReadString('\n')
	}
	if err != nil {
		<-w.gone
	}
	return wire.Response{ID: r.ID}, err
}

// processRig gives a pool of processes.
func processRig(t *testing.T, change func(*Options)) *Pool {
	t.Helper()
	o := Options{Limits: Defaults(), Folder: t.TempDir(), Starter: processes{}, Find: func() (Installed, error) { return Installed{Program: "/lo"}, nil }}
	return watched(t, o, change)
}

// watched gives a pool that may leave no process and no file behind.
func watched(t testing.TB, o Options, change func(*Options)) *Pool {
	t.Helper()
	o.JobTimeout, o.StartTimeout = time.Minute, time.Minute // a slow machine is not at fault
	if change != nil {
		change(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close(context.Background())
		if left := living("\x00HOME=" + o.Folder); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		for _, where := range []string{"jobs/*", "worker-*/jobs/*", "worker-*/tmp/*"} {
			if left, _ := filepath.Glob(filepath.Join(o.Folder, where)); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	})
	return p
}

// living gives the processes of which the environment has an entry that begins so.
func living(begin string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && hasVariable(pid, []byte(begin)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// alive tells whether there is a process that has not ended.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// begun waits until a worker works at the document "hang" of a job, and gives the worker.
func begun(t *testing.T, p *Pool) Worker {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if seen, _ := filepath.Glob(filepath.Join(p.home.path, "worker-*/jobs/*/in.seen")); len(seen) == 0 {
			continue
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.r.slots {
			if s.state == busy {
				return s.worker
			}
		}
	}
	t.Fatal("the job has not begun")
	return nil
}

// TestS23GroupIsGone (D16): when a call ends at its deadline, or is broken off, nothing of its
// worker is left, and the next job has another one.
func TestS23GroupIsGone(t *testing.T) {
	p := processRig(t, func(o *Options) { o.JobTimeout = time.Hour })
	for _, end := range []string{"deadline", "cancel"} {
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx, "k", job(wire.Recalculate, "hang", nil)) }()
		w := begun(t, p).(*processWorker)
		if end == "deadline" {
			stop(context.DeadlineExceeded) // as if its time had come
		} else {
			stop(nil)
		}
		if err := <-ended; err == nil {
			t.Error("a hang gives a result")
		}
		if alive(w.cmd.Process.Pid) || alive(w.child) {
			t.Errorf("after the %s of its job the worker lives: %v, what it started: %v", end, alive(w.cmd.Process.Pid), alive(w.child))
		}
		if err := p.Run(t.Context(), "k", job(wire.Recalculate, "well", nil)); err != nil {
			t.Error(err)
		}
	}
}

// TestKilled: whoever is killed, only its own job fails, with a code, and others go on.
func TestKilled(t *testing.T) {
	p := processRig(t, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(t.Context(), "k", job(wire.Recalculate, "hang", nil)); code(err) != "RECALC_BACKEND_CRASHED" {
			t.Error(err)
		}
	})
	w := begun(t, p).(*processWorker)
	if err := p.Run(t.Context(), "beside", job(wire.Paint, "well", nil)); err != nil {
		t.Error(err)
	}
	unix.Kill(w.cmd.Process.Pid, unix.SIGKILL) // the worker alone, not what it has started
	wg.Wait()
	if alive(w.child) {
		t.Error("what the worker had started lives")
	}
	for _, doc := range []string{"exit", "segv"} {
		if err := p.Run(t.Context(), doc, job(wire.Convert, doc, nil)); code(err) != "CONVERT_BACKEND_CRASHED" {
			t.Errorf("%s: %v", doc, err)
		}
	}
	if err := p.Run(t.Context(), "after", job(wire.Recalculate, "well", nil)); err != nil {
		t.Error(err)
	}
}

// serverProcess is a server whose worker hangs. It tells the number of the worker. It has no other worker: one that is being
// started when the server is killed has the lock of the folder until it is another program.
func serverProcess() {
	folder := os.Getenv("OFFICE_FOLDER")
	one := Defaults()
	one.Workers, one.ProcessesMax = 1, 1
	p, err := New(Options{Limits: one, Folder: folder, Starter: processes{}, Find: func() (Installed, error) { return Installed{}, nil }})
	if err != nil {
		panic(err)
	}
	j := job(wire.Recalculate, "hang", nil)
	prepare := j.Prepare
	j.Prepare = func(dir string) (wire.Request, error) {
		os.MkdirAll(filepath.Join(folder, "worker-0", "tmp", "lu42"), 0o700)
		return prepare(dir)
	}
	go p.Run(context.Background(), "k", j)
	for {
		if seen, _ := filepath.Glob(filepath.Join(folder, "worker-*/jobs/*/in.seen")); len(seen) > 0 {
			fmt.Println("it hangs")
			select {}
		}
		time.Sleep(time.Millisecond)
	}
}

// TestServerKilled: the next server on a folder ends what a killed one has left, processes and
// files, and leaves others alone.
func TestServerKilled(t *testing.T) {
	for _, leader := range []bool{true, false} {
		t.Run(fmt.Sprint("leader lives: ", leader), func(t *testing.T) { serverKilled(t, leader) })
	}
}

func serverKilled(t *testing.T, leaderLives bool) {
	folder := t.TempDir()
	server := exec.Command("/proc/self/exe")
	server.Args[0] = asServer
	server.Env = []string{"OFFICE_FOLDER=" + folder}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Kill()
		server.Wait()
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	// Somebody else's process, which works in the folder and says so.
	other := exec.Command("/proc/self/exe")
	other.Args[0] = asChild
	other.Dir = folder
	other.Env = []string{"PWD=" + filepath.Join(folder, "worker-0"), "NOTE=HOME=" + filepath.Join(folder, "worker-0")}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	server.Process.Kill()
	server.Wait()
	before := living("\x00HOME=" + folder)
	if len(before) == 0 {
		t.Fatal("nothing has outlived the server, so that there is nothing to sweep")
	}
	if !leaderLives {
		for _, pid := range before {
			if group, err := unix.Getpgid(pid); err == nil && group == pid {
				fd, err := unix.PidfdOpen(pid, 0)
				if err != nil {
					t.Fatal(err)
				}
				unix.Kill(pid, unix.SIGKILL)
				unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
				unix.Close(fd)
			}
		}
		if len(living("\x00HOME="+folder)) == 0 {
			t.Fatal("nothing is left")
		}
	}
	p, err := New(Options{Limits: Defaults(), Folder: folder, Starter: processes{}, Find: func() (Installed, error) { return Installed{}, errors.New("none") }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	if left := living("\x00HOME=" + folder); len(left) > 0 {
		t.Errorf("of %v there are still %v", before, left)
	}
	if !alive(other.Process.Pid) {
		t.Error("somebody else's process was killed")
	}
	for _, where := range []string{"jobs/*", "worker-*/jobs/*", "worker-*/tmp/*"} {
		if left, _ := filepath.Glob(filepath.Join(folder, where)); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}
