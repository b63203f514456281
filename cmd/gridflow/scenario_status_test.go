//go:build unix

package main

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStatus: whoever asks how the server does, over HTTP or stdio, sees the calls that
// were made and how long each waited and ran; who made them is in neither the answer nor
// in /metrics.
func TestStatus(t *testing.T) {
	t.Parallel()
	root := exampleRoot(t)
	// What takes long here is of another class from then on.
	call := regexp.MustCompile(`(?m)^[0-9.e-]+\tlist_sheets\t(?:fast|medium|slow)\tlocal / (session|program) [0-9a-f]{8}\t[0-9.e-]+\t[0-9.e-]+\tok$`)
	class := regexp.MustCompile(`(?m)^(?:fast|medium|slow)\t0/\d+\t0\t(\d+)\t`)
	r := serving(t, root)
	older, newer := r.client(eras[0]), r.client(eras[1])
	for range 6 {
		mustCall(t, older, "list_sheets", `{"workbook_id":"budget"}`)
		mustCall(t, newer, "list_sheets", `{"workbook_id":"loan"}`)
	}
	text := mustCall(t, newer, "server_status", `{"recent":100}`)
	served := 0
	for _, m := range class.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		served += n
	}
	if n := len(call.FindAllString(text, -1)); n != 12 || served != 12 || !strings.HasPrefix(text, "level ok; 0 of ") || !strings.Contains(text, "\ncache: 2 workbooks, ") {
		t.Errorf("%d calls in the status:\n%s", n, text)
	}
	scraped := metricsOf(t, r, 200)
	if scrape(scraped).sum("gridflow_requests_total", `outcome="ok"`, `tool="list_sheets"`) != 12 {
		t.Errorf("not all calls were counted:\n%s", scraped)
	}
	// With the section metrics it has each series of /metrics.
	all := mustCall(t, newer, "server_status", `{"sections":["metrics"]}`)
	for _, line := range strings.Split(scraped, "\n") {
		series, _, _ := strings.Cut(line, "} ")
		if strings.HasPrefix(series, "gridflow_") && strings.Contains(series, "{") && !strings.Contains(series, "_bucket{") && !strings.Contains(all, "\n"+series+"} ") {
			t.Errorf("not in the status: %s", line)
		}
	}
	for _, secret := range []string{older.ID(), "127.0.0.1"} {
		if strings.Contains(text, secret) || strings.Contains(scraped, secret) {
			t.Errorf("%q can be seen by others", secret)
		}
	}
	metricsOf(t, serving(t, root, "--metrics=false"), 404)

	alone := servingStdio(t, root)
	alone.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_sheets","arguments":{"workbook_id":"budget"}}}`)
	alone.out.await(t, 1, `"id":1`)
	alone.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"server_status","arguments":{}}}`)
	if line := alone.out.await(t, 1, `"id":2`)[0]; !regexp.MustCompile(`\\tlist_sheets\\t(?:fast|medium|slow)\\tlocal / stdio\\t`).MatchString(line) {
		t.Errorf("over stdio: %s", line)
	}
}

// metricsOf gives /metrics, which is to answer with the status.
func metricsOf(t *testing.T, r *running, status int) string {
	t.Helper()
	resp, err := r.http.Get(strings.TrimSuffix(r.url, "/mcp") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("/metrics: %s (%v), want %d", resp.Status, err, status)
	}
	return string(body)
}
