//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sys/unix"

	_ "gridflow/internal/office/fake" // --office=fake:… is understood by this program
	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

// The scenarios of LibreOffice, with workers that are processes and behave as the text "fake:…"
// in a workbook's cell says (package internal/office/fake). What they have calculated is a copy of
// what they were given, so that a recalculation that is not to fail otherwise is found to have had
// no effect; their pictures are patterns.

// An officeServer is gridflow with such workers, and one session.
type officeServer struct {
	*running
	session *mcp.ClientSession
	state   string
	sheet   string // of the workbook
}

func servingOffice(t *testing.T, office string, args ...string) *officeServer {
	t.Helper()
	state := t.TempDir()
	r, _ := editing(t, state, append([]string{"--office=" + office, "--office-timeout=10m"}, args...)...)
	return officeOf(r, state)
}

func officeOf(r *running, state string) *officeServer {
	o := &officeServer{running: r, session: r.client(eras[0]), state: state}
	o.sheet = firstSheet(r.t, o.session, "loan")
	return o
}

// fork makes a fork whose workbook says how a worker is to behave; "": nothing.
func (o *officeServer) fork(behaviour string) string {
	o.t.Helper()
	id := newFork(o.t, o.session, "loan")
	if behaviour != "" {
		do(o.t, o.session, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z99","value":%q}]}`, id, o.sheet, "fake:"+behaviour)
	}
	return id
}

// recalculate has LibreOffice calculate a fork, and gives the code of the error, "" where there
// is none.
func (o *officeServer) recalculate(ctx context.Context, fork, more string) (code, text string) {
	if more == "" {
		more = `,"timeout_ms":0`
	}
	return o.ask(ctx, "recalculate", fmt.Sprintf(`{"fork_id":%q,"backend":"libreoffice"%s}`, fork, more))
}

func (o *officeServer) screenshot(ctx context.Context, fork string) (code, text string) {
	return o.ask(ctx, "screenshot_sheet", fmt.Sprintf(`{"workbook_or_fork_id":%q,"sheet_name":%q,"range":"A1:D9"}`, fork, o.sheet))
}

var errorCode = regexp.MustCompile(`^[A-Z_]+`)

func (o *officeServer) ask(ctx context.Context, tool, args string) (code, text string) {
	a, err := call(ctx, o.session, tool, args)
	switch {
	case err != nil:
		return "error", err.Error()
	case a.failed:
		return errorCode.FindString(a.text), a.text
	}
	return "", a.text
}

// wants fails unless a call gave the code.
func (o *officeServer) wants(want string) func(code, text string) {
	return func(code, text string) {
		o.t.Helper()
		if code != want {
			o.t.Errorf("%q, want %q: %s", code, want, clipped(text))
		}
	}
}

// workers gives the processes of workers, with their folders.
func (o *officeServer) workers() map[int]string {
	o.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		o.t.Fatal(err)
	}
	found := make(map[int]string)
	home := "\x00HOME=" + filepath.Join(o.state, "office", "worker-")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue
		}
		if _, rest, ok := strings.Cut("\x00"+string(environ), home); ok {
			number, _, _ := strings.Cut(rest, "\x00")
			found[pid] = filepath.Join(o.state, "office", "worker-"+number)
		}
	}
	return found
}

// busy gives the workers that have jobs.
func (o *officeServer) busy() (pids []int) {
	for pid, dir := range o.workers() {
		if jobs, _ := filepath.Glob(filepath.Join(dir, "jobs", "*")); len(jobs) > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// untilBusy waits until so many workers have jobs.
func (o *officeServer) untilBusy(n int) []int {
	o.t.Helper()
	for {
		if pids := o.busy(); len(pids) == n {
			return pids
		}
		o.pause(fmt.Sprint(n, " workers have jobs"))
	}
}

// fifo makes a named pipe. It holds jobs that wait for it.
func fifo(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// release lets a job go that waits at a fifo, or will.
func release(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	f.Close()
}

const noEffect = "RECALC_NO_EFFECT" // what becomes of a fake recalculation that goes well

// TestS11_Office: of three recalculations of three forks never more than two run, by the gauge
// and by the processes; the third waits where calls wait, which is counted.
func TestS11_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	gates := []string{fifo(t, "a"), fifo(t, "b"), fifo(t, "c")}
	var wg sync.WaitGroup
	for _, g := range gates {
		fork := o.fork("wait=" + g)
		wg.Go(func() { o.wants(noEffect)(o.recalculate(t.Context(), fork, "")) })
	}
	most := 0.0
	look := func(what string, good func(scrape) bool) {
		o.untilMetrics(what, func(m scrape) bool {
			most = max(most, m.value(`gridflow_lo_workers{state="busy"}`), float64(len(o.busy())))
			return good(m)
		})
	}
	waiting := func(m scrape) float64 { return m.sum("gridflow_queue_depth", "class") }
	look("two run and one waits", func(m scrape) bool {
		return m.value(`gridflow_lo_workers{state="busy"}`) == 2 && m.value(`gridflow_resource_used{resource="recalc"}`) == 2 && waiting(m) == 1
	})
	if used := o.scrape().value(`gridflow_resource_used{resource="cpu"}`); used != 0 {
		t.Errorf("while LibreOffice works %g seats of the processors are taken", used)
	}
	for _, g := range gates { // whichever two of them run: a fifo of the third is opened when it comes
		go release(t, g)
	}
	wg.Wait()
	look("all are gone", func(m scrape) bool { return m.value(`gridflow_lo_workers{state="busy"}`) == 0 })
	figure(t, "recalculations that ran at once, by gauge and by processes", most, 2)
	if most != 2 {
		t.Errorf("%g ran at once at the most, want 2", most)
	}
	m := o.scrape()
	if waited := m.sum("gridflow_queue_wait_seconds_count", "class") - m.sum("gridflow_queue_wait_seconds_bucket", `le="0.00025"`); waited < 1 {
		t.Errorf("the wait of the third is not counted:\n%s", clipped(string(m)))
	}
	if n := m.value(`gridflow_lo_queue_wait_seconds_count`); n != 3 {
		t.Errorf("%g jobs got a worker, want 3", n)
	}
}

// TestS12_Office: of two recalculations of the same version of a fork one runs, for both.
func TestS12_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	gate := fifo(t, "a")
	fork := o.fork("wait=" + gate)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { o.wants(noEffect)(o.recalculate(t.Context(), fork, "")) })
	}
	o.untilMetrics("the second has joined the first", func(m scrape) bool { return m.value("gridflow_lo_joined_total") == 1 })
	o.untilBusy(1)
	release(t, gate)
	wg.Wait()
	m := o.scrape()
	figure(t, "runs of two recalculations of one version", m.sum("gridflow_lo_jobs_total", `kind="recalculate"`), 1)
	if n := m.sum("gridflow_lo_jobs_total", `kind="recalculate"`); n != 1 {
		t.Errorf("%g runs, want 1", n)
	}
	if n := m.value("gridflow_permits_joined_total{class=\"medium\"}") + m.value("gridflow_permits_joined_total{class=\"slow\"}"); n != 1 {
		t.Errorf("%g calls came in under another's permit, want 1", n)
	}
}

// TestS12_LibreOffice: two recalculations of one version, by LibreOffice itself: both succeed, the
// fork has the right values, and one version more for each.
func TestS12_LibreOffice(t *testing.T) {
	t.Parallel()
	if _, err := lok.Find(""); err != nil || testing.Short() {
		t.Skip(err)
	}
	o := servingOffice(t, "auto")
	fork := o.fork("")
	sheet := o.sheet
	do(t, o.session, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Y1","value":20},{"address":"Y2","formula":"=Y1*2+1"}]}`, fork, sheet)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { o.wants("")(o.recalculate(t.Context(), fork, "")) })
	}
	wg.Wait()
	if got := at(t, o.session, fork, sheet, "Y2"); got != "41" {
		t.Errorf("Y2 is %q", got)
	}
	if text := do(t, o.session, "list_forks", `{}`); !strings.Contains(text, fork+"\t3\t") {
		t.Errorf("after an edit and two recalculations: %s", text)
	}
}

// TestS18_S20_Office: workers that are killed under their jobs give typed errors; after three the
// breaker is open: what follows is answered at once and starts nothing, while reads, edits and
// pictures go on. When the time has come one of thirty tries (as specified: it takes half a
// minute; of the pool itself TestD24BreakerIsUsed).
func TestS18_S20_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	for range 3 {
		fork := o.fork("hang")
		ended := make(chan [2]string, 1)
		go func() {
			code, text := o.recalculate(t.Context(), fork, "")
			ended <- [2]string{code, text}
		}()
		syscall.Kill(o.untilBusy(1)[0], syscall.SIGKILL)
		got := <-ended
		o.wants("RECALC_BACKEND_CRASHED")(got[0], got[1])
	}
	good := o.fork("")
	o.wants("")(o.screenshot(t.Context(), good)) // after which there are as many workers as should be
	o.untilMetrics("the spare is warm", func(m scrape) bool {
		return m.value(`gridflow_lo_workers{state="starting"}`)+m.value(`gridflow_lo_workers{state="ending"}`) == 0
	})
	before := o.workers()
	var refusing time.Duration // the longest
	for range 20 {
		sent := time.Now()
		code, text := o.recalculate(t.Context(), good, "")
		refusing = max(refusing, time.Since(sent))
		o.wants("CIRCUIT_OPEN")(code, text)
		if !strings.Contains(text, "again") {
			t.Errorf("it does not say when to come back: %s", text)
		}
	}
	figure(t, "killed workers until the breaker opens", 3, 3)
	figure(t, "until CIRCUIT_OPEN, the longest of 20", refusing.Round(100*time.Microsecond), "20ms on a machine at rest")
	if after := o.workers(); !maps.Equal(before, after) {
		t.Errorf("processes were started or ended: %v, then %v", before, after)
	}
	m := o.scrape()
	if m.value(`gridflow_breaker_state{name="libreoffice recalc"}`) != 2 || m.value(`gridflow_breaker_rejected_total{name="libreoffice recalc"}`) != 20 {
		t.Error("the open breaker is not in the metrics")
	}
	// Each refusal was answered without a wait: none was longer than the shortest of the slow.
	if slow := m.sum("gridflow_exec_seconds_count", `tool="recalculate"`) - m.sum("gridflow_exec_seconds_bucket", `tool="recalculate"`, `le="10"`); slow > 3 {
		t.Errorf("%g recalculations took more than ten seconds", slow)
	}
	if got := at(t, o.session, "loan", o.sheet, "A1"); got == "" {
		t.Error("nothing can be read")
	}
	o.fork("something") // which edits
	o.wants("")(o.screenshot(t.Context(), good))
	if status := do(t, o.session, "server_status", `{"sections":["breakers","office"]}`); !strings.Contains(status, "libreoffice recalc\topen\t20") || !strings.Contains(status, "crash 3") {
		t.Errorf("the status is %s", status)
	}
	if ready := o.readiness(); ready != "200 ready" {
		t.Errorf("readiness is %q", ready)
	}
	if !*specified {
		return
	}
	gate := fifo(t, "a")
	probing := o.fork("wait=" + gate)
	first := make(chan string, 1)
	try := func() {
		code, _ := o.recalculate(t.Context(), probing, "")
		first <- code
	}
	go try()
	for len(o.busy()) == 0 {
		select {
		case code := <-first:
			o.wants("CIRCUIT_OPEN")(code, "the time has not come")
			go try()
		default:
		}
		o.pause("the breaker lets one try")
	}
	var wg sync.WaitGroup
	for range 29 {
		fork := o.fork("")
		wg.Go(func() { o.wants("CIRCUIT_OPEN")(o.recalculate(t.Context(), fork, "")) })
	}
	wg.Wait()
	release(t, gate)
	if code := <-first; code != noEffect {
		t.Errorf("the probe gives %q", code)
	}
	o.wants(noEffect)(o.recalculate(t.Context(), good, ""))
	figure(t, "of 30 callers at half-open time those that reached the backend", 1, 1)
	if state := o.scrape().value(`gridflow_breaker_state{name="libreoffice recalc"}`); state != 0 {
		t.Errorf("after two successes the breaker is %g", state)
	}
}

// TestS21_Office: what callers do wrong, and that they leave, says nothing of LibreOffice.
func TestS21_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	each := often(10, 50)
	hangs, fails := o.fork("hang"), o.fork("fail=not_loaded")
	mistakes := []struct{ tool, args, code string }{
		{"screenshot_sheet", `{"workbook_or_fork_id":"loan","sheet_name":"Nowhere"}`, "SHEET_NOT_FOUND"},
		{"screenshot_sheet", fmt.Sprintf(`{"workbook_or_fork_id":"loan","sheet_name":%q,"range":"A1:B"}`, o.sheet), "RANGE_INVALID"},
		{"screenshot_sheet", `{"workbook_or_fork_id":"never-was","sheet_name":"x"}`, "WORKBOOK_NOT_FOUND"},
		{"recalculate", fmt.Sprintf(`{"fork_id":%q,"backend":"libreoffice"}`, fails), "RECALC_FAILED"},
		{"screenshot_sheet", fmt.Sprintf(`{"workbook_or_fork_id":%q,"sheet_name":%q,"range":"A1"}`, fails, o.sheet), "RENDER_FAILED"},
	}
	for i := range each {
		m := mistakes[i%len(mistakes)]
		o.wants(m.code)(o.ask(t.Context(), m.tool, m.args))
	}
	for range each {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			o.recalculate(ctx, hangs, "")
		}()
		pid := o.untilBusy(1)[0]
		leave()
		<-left
		for o.workers()[pid] != "" {
			o.pause("the worker of a call that was given up is gone")
		}
	}
	m := o.untilMetrics("each call that was given up has ended a worker", func(m scrape) bool {
		return int(m.value(`gridflow_lo_restarts_total{cause="cancelled"}`)) == each
	})
	if open := m.sum("gridflow_breaker_state", `name="libreoffice`); open != 0 {
		t.Errorf("a breaker is %g", open)
	}
	figure(t, fmt.Sprintf("breakers that %d mistakes and %d cancels opened", each, each), m.sum("gridflow_breaker_state", `name="libreoffice`), 0)
	if set := m.sum("gridflow_breaker_quarantined", `name="libreoffice`); set != 0 {
		t.Errorf("%g workbooks are set aside", set)
	}
	o.wants("")(o.screenshot(t.Context(), "loan"))
}

// TestS22_Office: a workbook that brings LibreOffice down each time is set aside, alone.
func TestS22_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	poison := o.fork("segv")
	for _, want := range []string{"RECALC_BACKEND_CRASHED", "RECALC_BACKEND_CRASHED", "CIRCUIT_OPEN", "CIRCUIT_OPEN"} {
		code, text := o.recalculate(t.Context(), poison, "")
		o.wants(want)(code, text)
		if want == "CIRCUIT_OPEN" && !strings.Contains(text, "this workbook") {
			t.Errorf("it does not say that it is the workbook: %s", text)
		}
	}
	for i := range 10 {
		o.wants(noEffect)(o.recalculate(t.Context(), o.fork(fmt.Sprint("good,", i)), ""))
	}
	m := o.scrape()
	figure(t, "good workbooks that succeed beside one that kills the worker; breakers open", fmt.Sprint(10, "; ", m.value(`gridflow_breaker_state{name="libreoffice recalc"}`)), "10; 0")
	if state, aside := m.value(`gridflow_breaker_state{name="libreoffice recalc"}`), m.value(`gridflow_breaker_quarantined{name="libreoffice recalc"}`); state != 0 || aside != 1 {
		t.Errorf("the breaker is %g, %g workbooks are set aside", state, aside)
	}
}

// TestS23_Office: a call whose time is over is told so, and by then nothing of its worker is
// left; the workbook is as it was, and the next job has another worker.
func TestS23_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	fork := o.fork("hang")
	var took time.Duration
	for may := 500 * time.Millisecond; ; may *= 2 {
		began := time.Now()
		code, text := o.recalculate(t.Context(), fork, fmt.Sprintf(`,"timeout_ms":%d`, may.Milliseconds()))
		took = time.Since(began)
		o.wants("TIMEOUT")(code, text)
		if took < may {
			t.Errorf("it was given up after %v", took)
		}
		if o.scrape().value("gridflow_lo_queue_wait_seconds_count") > 0 || t.Failed() {
			break
		}
		// Where the machine is slow no worker has begun by then.
	}
	figure(t, "a call that may take 500 ms took, with the start of a worker", took.Round(time.Millisecond), "800ms on a machine at rest")
	if pids := o.busy(); len(pids) > 0 {
		t.Errorf("when the call has its answer %v still have its job", pids)
	}
	if after := do(t, o.session, "list_forks", `{}`); !strings.Contains(after, fork+"\t1\t1\tunsaved") {
		t.Errorf("the fork has changed: %s", after)
	}
	o.wants("")(o.screenshot(t.Context(), "loan"))
	o.untilMetrics("the worker has been replaced", func(m scrape) bool {
		return m.value(`gridflow_lo_workers{state="idle"}`) >= 1 && m.value(`gridflow_lo_starts_total`) >= 2
	})
}

// TestS24_Office: a worker that says it is done and has done nothing is never believed.
func TestS24_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	for _, behaviour := range []string{"nofile", "good"} {
		fork := o.fork(behaviour)
		o.wants(noEffect)(o.recalculate(t.Context(), fork, ""))
		if text := do(t, o.session, "fork_history", `{"fork_id":%q}`, fork); strings.Contains(text, "recalculate") {
			t.Errorf("%s: the history is %s", behaviour, text)
		}
	}
	for _, behaviour := range []string{"wrongid", "garbage"} {
		o.wants("RECALC_BACKEND_CRASHED")(o.recalculate(t.Context(), o.fork(behaviour), ""))
	}
	if !t.Failed() {
		figure(t, "of four workers that say they are done and have done nothing, believed", 0, 0)
	}
}

// TestS25_Office: two recalculations and a picture at once, each with a folder of its own; one
// worker is killed, and its job alone fails.
func TestS25_Office(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good", "--office-workers=3")
	gates := map[string]string{"b": fifo(t, "b"), "c": fifo(t, "c")}
	forks := map[string]string{"a": o.fork("hang"), "b": o.fork("wait=" + gates["b"]), "c": o.fork("wait=" + gates["c"])}
	var wg sync.WaitGroup
	wg.Go(func() { o.wants("RECALC_BACKEND_CRASHED")(o.recalculate(t.Context(), forks["a"], "")) })
	victim := o.untilBusy(1)[0]
	wg.Go(func() { o.wants(noEffect)(o.recalculate(t.Context(), forks["b"], "")) })
	wg.Go(func() { o.wants("")(o.screenshot(t.Context(), forks["c"])) })
	o.untilBusy(3)
	homes := make(map[string]bool)
	for _, pid := range o.busy() {
		homes[o.workers()[pid]] = true
	}
	if len(homes) != 3 {
		t.Errorf("three workers have the folders %v", homes)
	}
	syscall.Kill(victim, syscall.SIGKILL)
	o.untilBusy(2)
	for _, g := range gates {
		release(t, g)
	}
	wg.Wait()
	figure(t, "folders of three workers; jobs that fail with the one that is killed", fmt.Sprint(len(homes), "; 1"), "3; 1")
}

// TestOfficeServerKilled: workers end with their server, and what they were at is gone when the
// next one has begun.
func TestOfficeServerKilled(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good")
	fork := o.fork("hang")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.recalculate(t.Context(), fork, "")
	}()
	o.untilBusy(1)
	o.cmd.Process.Kill()
	o.cmd.Wait()
	<-ended
	next, _ := editing(t, o.state, "--office=fake:good")
	if left := o.workers(); len(left) > 0 {
		t.Errorf("of the server that was killed there are %v", left)
	}
	for _, where := range []string{"jobs/*", "worker-*/jobs/*", "worker-*/tmp/*"} {
		if left, _ := filepath.Glob(filepath.Join(o.state, "office", where)); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	// It works, and ends what it has started.
	s := officeOf(next, o.state)
	s.wants("")(s.screenshot(t.Context(), "loan"))
	next.cmd.Process.Signal(syscall.SIGTERM)
	next.cmd.Wait()
	if left := o.workers(); len(left) > 0 {
		t.Errorf("of the server that has ended there are %v", left)
	}
}

// TestOfficeConversionSeats: who reads a workbook that LibreOffice has to convert first takes a seat for that, as
// recalculations do, and none of the processors; others wait for the same conversion with it, and a
// fork's reads go on.
func TestOfficeConversionSeats(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	r, root := editing(t, state, "--office=fake:good", "--office-timeout=10m")
	gate := fifo(t, "a")
	// The fake gives back what it is given, which is no .xlsx file.
	writeFile(t, filepath.Join(root, "other.ods"), openDocument(t, "fake:wait="+gate))
	o := officeOf(r, state)
	o.untilMetrics("the workbook is in the catalogue", func(m scrape) bool {
		return strings.Contains(do(t, o.session, "list_workbooks", `{"slug_prefix":"other"}`), "other")
	})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { o.wants("FILE_UNREADABLE")(o.ask(t.Context(), "list_sheets", `{"workbook_id":"other"}`)) })
	}
	o.untilBusy(1)
	m := o.untilMetrics("one has a permit, two have joined it", func(m scrape) bool {
		return m.sum("gridflow_permits_joined_total", "class") == 2
	})
	if recalc, cpu := m.value(`gridflow_resource_used{resource="recalc"}`), m.value(`gridflow_resource_used{resource="cpu"}`); recalc != 1 || cpu != 0 {
		t.Errorf("while LibreOffice converts, %g of its seats and %g of the processors' are taken", recalc, cpu)
	}
	if got := at(t, o.session, "loan", o.sheet, "A1"); got == "" {
		t.Error("nothing can be read meanwhile")
	}
	release(t, gate)
	wg.Wait()
}

// openDocument is a spreadsheet with a text in it.
func openDocument(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
		{"META-INF/manifest.xml", `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>`},
		{"content.xml", `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">` + text + `</office:document-content>`},
	} {
		w, err := z.Create(part[0])
		if err == nil {
			_, err = w.Write([]byte(part[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOfficeComesLater (D44): without LibreOffice the server is as ready as ever, says what is
// missing, and finds it once it is there.
func TestOfficeComesLater(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	o := servingOffice(t, program)
	fork := o.fork("")
	code, text := o.recalculate(t.Context(), fork, "")
	o.wants("BACKEND_UNAVAILABLE")(code, text)
	if !strings.Contains(text, "libreoffice-calc-nogui") {
		t.Errorf("it does not say what to do: %s", text)
	}
	o.wants("BACKEND_UNAVAILABLE")(o.screenshot(t.Context(), fork))
	if ready := o.readiness(); ready != "200 ready" {
		t.Errorf("readiness is %q", ready)
	}
	// Something is there by now, which does not start: that is another matter.
	if err := os.MkdirAll(program, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(program, "libmergedlo.so"), []byte("no library"))
	o.untilMetrics("what has come is seen", func(m scrape) bool {
		o.screenshot(t.Context(), fork) // who wants it looks
		return m.value("gridflow_lo_installed") == 1
	})
}

// TestOfficeWarms: workers that are to be warm are started though nobody calls, and not before the server has had a moment
// for its first calls.
func TestOfficeWarms(t *testing.T) {
	t.Parallel()
	started := time.Now()
	r, _ := editing(t, t.TempDir(), "--office=fake:good", "--office-workers=2", "--office-warm=2")
	for _, line := range r.log.await(t, 2, "a worker of LibreOffice is warm") {
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		warm, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if after := warm.Sub(started); after < warmAfter {
			t.Errorf("a worker was warm %v after the start of the program", after)
		}
	}
	r.untilMetrics("two workers are warm", func(m scrape) bool { return m.value(`gridflow_lo_workers{state="idle"}`) == 2 })
}

// TestOfficeReload: the bounds of LibreOffice follow the configuration file.
func TestOfficeReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "gridflow.yaml")
	replaceFile(t, file, []byte("office-workers: 1\n"))
	o := servingOffice(t, "fake:good", "--config="+file)
	if n := o.scrape().value("gridflow_lo_slots"); n != 1 {
		t.Errorf("%g slots", n)
	}
	replaceFile(t, file, []byte("office-workers: 3\noffice-warm: 2\n"))
	o.untilMetrics("three slots", func(m scrape) bool {
		return m.value("gridflow_lo_slots") == 3 && m.value("gridflow_lo_workers_max") == 4
	})
	o.wants("")(o.screenshot(t.Context(), "loan"))
	replaceFile(t, file, []byte("office-workers: 0\n"))
	o.untilMetrics("no slots, no workers", func(m scrape) bool {
		return m.value("gridflow_lo_slots") == 0 && m.value(`gridflow_lo_workers{state="idle"}`) == 0
	})
	o.wants("BACKEND_UNAVAILABLE")(o.screenshot(t.Context(), o.fork("")))
}

// TestOfficeMemory: a worker is started with the bound of its memory that the operator has set, and may have twice of what it is replaced for.
func TestOfficeMemory(t *testing.T) {
	t.Parallel()
	o := servingOffice(t, "fake:good", "--office-memory=500MiB")
	o.wants("")(o.screenshot(t.Context(), "loan"))
	seen := 0
	for pid := range o.workers() {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue // it is ending
		}
		start, ok, err := wire.ParseStart(strings.Split(strings.TrimSuffix(string(command), "\x00"), "\x00")[1:])
		if seen++; !ok || err != nil || start.DataLimit != 1000<<20 {
			t.Errorf("a worker may have %d bytes (%v): %q", start.DataLimit, err, command)
		}
	}
	if seen == 0 {
		t.Error("no worker was seen")
	}
}

// TestOfficeFileStays: whatever LibreOffice does with a workbook, the file of the user keeps its
// bytes.
func TestOfficeFileStays(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	r, root := editing(t, state, "--office=fake:good")
	o := officeOf(r, state)
	path := filepath.Join(root, "loan.xlsx")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(before)
	for _, behaviour := range []string{"good", "exit=3", "segv", "nofile", "twice"} {
		fork := o.fork(behaviour)
		o.recalculate(t.Context(), fork, "")
		o.screenshot(t.Context(), fork)
	}
	after, err := os.ReadFile(path)
	if now := sha256.Sum256(after); err != nil || !bytes.Equal(sum[:], now[:]) {
		t.Errorf("the file has changed (%v)", err)
	}
}
