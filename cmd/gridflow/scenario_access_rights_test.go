//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"pgregory.net/rapid"

	"gridflow/internal/audit"
)

// TestAccessRoots: each principal sees its roots and its forks, whatever tool, resource or era
// it uses; what it does not see is not there.
func TestAccessRoots(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	g := asking(t, "--audit-file="+file)
	for i, era := range eras {
		alice, bob, eve, ops := g.as("alice", era), g.as("bob", era), g.as("eve", era), g.as("ops", era)
		books := map[string]string{}
		for name, s := range map[string]*mcp.ClientSession{"alice": alice, "bob": bob, "eve": eve, "ops": ops} {
			books[name] = do(t, s, "list_workbooks", `{"include_paths":true}`)
			res, err := s.ListResources(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range res.Resources {
				if !strings.Contains(books[name], strings.TrimPrefix(r.URI, "gridflow://")) {
					t.Errorf("%s is offered the resource %s, which is no workbook of its", name, r.URI)
				}
			}
			// bob has made one more by the second time.
			if n, want := len(res.Resources), map[string]int{"alice": 2, "bob": 2 + i, "eve": 4 + i, "ops": 4 + i}[name]; n != want {
				t.Errorf("%s is offered %d resources, want %d", name, n, want)
			}
		}
		if strings.Contains(books["alice"], "messy") || strings.Contains(books["bob"], "loan") || !strings.Contains(books["eve"], "messy") || !strings.Contains(books["eve"], "loan") {
			t.Errorf("%v", books)
		}
		id := func(name, slug string) string {
			return regexp.MustCompile(`(wb-\w+)\t` + slug).FindStringSubmatch(books[name])[1]
		}
		// The same name is the file of each, and clear to each.
		if a, b := id("alice", "budget"), id("bob", "budget"); a == b || !strings.Contains(do(t, alice, "describe_workbook", `{"workbook_id":"budget"}`), a) || !strings.Contains(do(t, bob, "describe_workbook", `{"workbook_id":"budget"}`), b) {
			t.Errorf("budget is %s for alice, %s for bob", a, b)
		}
		refused(t, "WORKBOOK_AMBIGUOUS", eve, "describe_workbook", `{"workbook_id":"budget"}`)
		for _, name := range []string{"messy", id("bob", "messy"), id("bob", "budget"), filepath.Join(g.theirs, "messy.xlsx"), "messy.xlsx"} {
			got := refused(t, "WORKBOOK_NOT_FOUND", alice, "describe_workbook", `{"workbook_id":%q}`, name)
			if strings.Contains(got, "messy") && !strings.Contains(name, "messy") {
				t.Errorf("%s: %s", name, got)
			}
			if _, err := alice.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "gridflow://" + id("bob", "messy")}); err == nil {
				t.Error("alice reads a resource of bob's")
			}
		}

		fork := newFork(t, bob, "messy")
		sheet := firstSheet(t, bob, fork)
		do(t, bob, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"bob's secret"}]}`, fork, sheet)
		do(t, bob, "checkpoint_fork", `{"fork_id":%q,"label":"bob's"}`, fork)
		none := "fork-222222222222"
		for tool, args := range map[string]string{
			"range_values": `{"workbook_or_fork_id":%q,"sheet_name":"` + sheet + `","ranges":["Z1"]}`, "edit_batch": `{"fork_id":%q,"sheet_name":"` + sheet + `","edits":[{"address":"A1","value":1}]}`,
			"save_fork": `{"fork_id":%q,"target_path":"stolen.xlsx"}`, "discard_fork": `{"fork_id":%q}`, "fork_history": `{"fork_id":%q}`, "get_edits": `{"fork_id":%q}`,
			"list_checkpoints": `{"fork_id":%q}`, "list_staged_changes": `{"fork_id":%q}`, "undo": `{"fork_id":%q}`, "recalculate": `{"fork_id":%q}`, "create_fork": `{"workbook_or_fork_id":%q}`,
			"changes_since": `{"fork_id":%q,"since_version":0}`, "get_changeset": `{"fork_id":%q}`, "close_workbook": `{"workbook_or_fork_id":%q}`,
		} {
			got, want := refused(t, "FORK_NOT_FOUND", alice, tool, args, fork), refused(t, "FORK_NOT_FOUND", alice, tool, args, none)
			if strings.ReplaceAll(got, fork, none) != want {
				t.Errorf("%s: %q, of a fork that is not there %q", tool, got, want)
			}
		}
		if list := do(t, alice, "list_forks", `{}`); strings.Contains(list, fork) || strings.Contains(list, "messy") {
			t.Errorf("alice is shown a fork of bob's: %s", list)
		}
		if list := do(t, ops, "list_forks", `{}`); strings.Contains(list, fork) {
			t.Errorf("ops sees the root, and the fork is bob's: %s", list)
		}
		for _, target := range []string{filepath.Join(g.theirs, "new.xlsx"), "../theirs/new.xlsx"} {
			if got := refused(t, "BAD_PATH", alice, "create_workbook", `{"target_path":%q}`, target); !strings.Contains(got, "outside of the folders") {
				t.Error(got)
			}
			refused(t, "BAD_PATH", alice, "export_csv", `{"workbook_or_fork_id":"loan","sheet_name":%q,"target_path":%q}`, firstSheet(t, alice, "loan"), strings.Replace(target, "xlsx", "csv", 1))
		}
		do(t, bob, "create_workbook", `{"target_path":"bobs-%s.xlsx"}`, era)
		if _, err := os.Stat(filepath.Join(g.theirs, "bobs-"+era+".xlsx")); err != nil {
			t.Error(err)
		}
		do(t, bob, "save_fork", `{"fork_id":%q,"overwrite":true}`, fork)

		// Who may read only is not offered what changes something, and it is not done.
		tools, err := eve.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range tools.Tools {
			if !tool.Annotations.ReadOnlyHint {
				t.Errorf("eve is offered %s", tool.Name)
			}
		}
		if all, err := alice.ListTools(t.Context(), nil); err != nil || len(all.Tools) <= len(tools.Tools) {
			t.Errorf("alice is offered %d tools, eve %d", len(all.Tools), len(tools.Tools))
		}
		refused(t, "READ_ONLY", eve, "create_fork", `{"workbook_or_fork_id":"loan"}`)
		refused(t, "READ_ONLY", eve, "create_workbook", `{"target_path":"eve.xlsx"}`)
		do(t, eve, "describe_workbook", `{"workbook_id":"loan"}`)

		// What others do is not told.
		status := do(t, alice, "server_status", `{"recent":100}`)
		users := regexp.MustCompile(`user [0-9a-f]{8}`).FindAllString(status, -1)
		slices.Sort(users)
		if strings.Contains(status, g.theirs) || !strings.Contains(status, g.ours) || len(slices.Compact(users)) != 1 {
			t.Errorf("alice is told: %s", status)
		}
		if status := do(t, ops, "server_status", `{"recent":100}`); !regexp.MustCompile(`user [0-9a-f]{8}\t3\t`).MatchString(status) || !strings.Contains(status, g.theirs) {
			t.Errorf("ops, of weight 3, is told: %s", status)
		}
		refused(t, "FORBIDDEN", alice, "server_status", `{"sections":["metrics"]}`)
	}
	// The audit says who.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]int{}
	for line := range bytes.Lines(text) {
		var e audit.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		who[e.Client+" "+e.Outcome]++
	}
	if who["user bob ok"] < 8 || who["user eve READ_ONLY"] != 4 || who["user alice FORK_NOT_FOUND"] < 8 {
		t.Errorf("%v", who)
	}
}

// TestAccessSessions: a session is of who has opened it; with another token it is not there. A
// principal that the file has no more is out at once, with its streams, and the others stay.
func TestAccessSessions(t *testing.T) {
	t.Parallel()
	g := asking(t)
	alice := g.as("alice", eras[0])
	do(t, alice, "list_workbooks", `{}`)
	ping := `{"jsonrpc":"2.0","id":7,"method":"ping"}`
	use := func(token, id string) int {
		res, _ := g.post(ping, "Mcp-Protocol-Version: 2025-11-25", "Mcp-Session-Id: "+id, "Authorization: Bearer "+token)
		return res.StatusCode
	}
	if a, b, none := use(g.tokens["alice"], alice.ID()), use(g.tokens["bob"], alice.ID()), use(g.tokens["bob"], "nothing"); a != 200 || b != 404 || none != 404 {
		t.Errorf("the session of alice: alice %d, bob %d; one that is not there: %d", a, b, none)
	}
	res, _ := g.request(http.MethodDelete, g.url, "", "Mcp-Protocol-Version: 2025-11-25", "Mcp-Session-Id: "+alice.ID(), "Authorization: Bearer "+g.tokens["bob"])
	if res.StatusCode != 404 || use(g.tokens["alice"], alice.ID()) != 200 {
		t.Errorf("bob ends the session of alice: %s", res.Status)
	}

	// A stream of each era.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan string, 2)
	stream := func(name, method, body string, headers ...string) {
		r, err := http.NewRequestWithContext(ctx, method, g.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream, application/json")
		r.Header.Set("Authorization", "Bearer "+g.tokens["alice"])
		for _, h := range headers {
			k, v, _ := strings.Cut(h, ": ")
			r.Header.Set(k, v)
		}
		res, err := g.http.Do(r)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %v %v", name, res, err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			ended <- name
		}()
	}
	stream("the older", http.MethodGet, "", "Mcp-Protocol-Version: 2025-11-25", "Mcp-Session-Id: "+alice.ID())
	listen := `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["gridflow://loan"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`
	stream("the newer", http.MethodPost, listen, "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: subscriptions/listen")
	bob := g.as("bob", eras[0])

	// A file that is gone or wrong changes nothing, and the log says so.
	good, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(g.file); err != nil {
		t.Fatal(err)
	}
	g.log.await(t, 1, "a file that is followed cannot be read", filepath.Base(g.file))
	if use(g.tokens["alice"], alice.ID()) != 200 {
		t.Error("alice is out because of a file that is gone")
	}
	replaceFile(t, g.file, []byte("principals:\n  alice: {tokens: [], roots: all}\n"))
	g.log.await(t, 1, "principals has changed and is wrong")
	if use(g.tokens["alice"], alice.ID()) != 200 {
		t.Error("alice is out because of a file that is wrong")
	}
	// Without alice.
	replaceFile(t, g.file, []byte(strings.Replace(string(good), "  alice:\n", "  alice2:\n", 1)))
	g.log.await(t, 1, "principals taken from the changed file")
	names := []string{<-ended, <-ended}
	slices.Sort(names)
	if !slices.Equal(names, []string{"the newer", "the older"}) {
		t.Error(names)
	}
	// The token is alice2's now, who is somebody else.
	if status := use(g.tokens["alice"], alice.ID()); status != 404 {
		t.Errorf("a session of who is no more: %d", status)
	}
	do(t, bob, "list_workbooks", `{}`)
	// Another root is another view, from the next call on.
	g.rewrite(func(text string) string { return strings.Replace(text, "bob: {", "bob: {weight: 2, ", 1) })
	g.log.await(t, 2, "principals taken from the changed file")
	if again := g.as("bob", eras[0]); !strings.Contains(do(t, again, "list_workbooks", `{}`), "messy") {
		t.Error("bob is not back")
	}
}

// TestAccessNotices: two principals watch the same URI, which is another workbook for each; each is
// told of its own alone. Who watches another's fork is not told of it, as of one that is not there.
func TestAccessNotices(t *testing.T) {
	t.Parallel()
	g := asking(t)
	for _, era := range eras {
		told := map[string]chan string{"alice": make(chan string, 100), "bob": make(chan string, 100)}
		editor := g.as("alice", era)
		fork := newFork(t, editor, "budget")
		for name := range told {
			c := mcp.NewClient(&mcp.Implementation{Name: "watcher", Version: "1"}, &mcp.ClientOptions{ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) {
				told[name] <- r.Params.URI
			}})
			s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: g.url, HTTPClient: &http.Client{Transport: bearing{g.tokens[name], g.http.Transport}}}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mine := map[string]string{"alice": "gridflow://loan", "bob": "gridflow://messy"}[name]
			for _, uri := range []string{"gridflow://budget", mine} {
				if err := s.Subscribe(t.Context(), &mcp.SubscribeParams{URI: uri}); err != nil {
					t.Fatal(era, name, uri, err)
				}
			}
			for _, id := range []string{fork, "fork-222222222222"} {
				err := s.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "gridflow://" + id})
				if seen := name == "alice" && id == fork; era == eras[0] && (seen != (err == nil) || err != nil && !strings.Contains(err.Error(), "FORK_NOT_FOUND")) {
					t.Errorf("%s watches %s: %v", name, id, err)
				}
			}
			theirs := map[string]string{"alice": "gridflow://messy", "bob": "gridflow://loan"}[name]
			if era == eras[0] {
				if err := s.Subscribe(t.Context(), &mcp.SubscribeParams{URI: theirs}); err == nil {
					t.Errorf("%s watches %s", name, theirs)
				}
			}
		}
		budget, err := os.ReadFile("../../examples/loan.xlsx")
		if err != nil {
			t.Fatal(err)
		}
		do(t, editor, "edit_batch", `{"fork_id":%q,"edits":[{"address":"%s!Z1","value":7}]}`, fork, firstSheet(t, editor, fork))
		if uri := <-told["alice"]; uri != "gridflow://"+fork {
			t.Error(uri)
		}
		// alice's budget changes, then what each watches alone: by then each would have been told.
		replaceFile(t, filepath.Join(g.ours, "budget.xlsx"), append(slices.Clone(budget), 0))
		if uri := <-told["alice"]; uri != "gridflow://budget" {
			t.Error(uri)
		}
		replaceFile(t, filepath.Join(g.theirs, "messy.xlsx"), budget)
		for uri := range told["bob"] {
			if uri == "gridflow://messy" {
				break
			}
			t.Errorf("%s: bob is told of %s, which has changed for alice", era, uri)
		}
	}
}

// TestAccessForkStays: a fork is its principal's after a restart too.
func TestAccessForkStays(t *testing.T) {
	t.Parallel()
	g := asking(t)
	alice := g.as("alice", eras[1])
	fork := newFork(t, alice, "loan")
	sheet := firstSheet(t, alice, fork)
	do(t, alice, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"hers"}]}`, fork, sheet)
	g.cmd.Process.Kill()
	g.cmd.Wait()
	next := launch(t, g.cmd.Path, g.cmd.Args[1:]...)
	g.url = regexp.MustCompile(`https://[0-9.:]+/mcp`).FindString(next.log.await(t, 1, "serving MCP")[0])
	g.running.log = next.log
	if got := at(t, g.as("alice", eras[0]), fork, sheet, "Z1"); got != "hers" {
		t.Errorf("%q", got)
	}
	bob := g.as("bob", eras[0])
	refused(t, "FORK_NOT_FOUND", bob, "fork_history", `{"fork_id":%q}`, fork)
	if list := do(t, bob, "list_forks", `{}`); strings.Contains(list, "fork-") {
		t.Error(list)
	}
}

// TestAccessNeverShows: whatever two principals call, in whatever order, neither is ever shown
// a workbook, a fork or a cell of the other.
func TestAccessNeverShows(t *testing.T) {
	t.Parallel()
	g := asking(t)
	type party struct {
		name   string
		s      *mcp.ClientSession
		books  []string
		forks  []string
		secret string   // what its cells hold
		others []string // what it must not be shown
	}
	parties := []*party{{name: "alice", secret: "alicesecret", books: []string{"loan", "budget"}}, {name: "bob", secret: "bobsecret", books: []string{"messy", "budget"}}}
	var good, hidden int // calls that were answered well, and that were about what is the other's
	for i, p := range parties {
		p.s = g.as(p.name, eras[i])
		p.books = append(p.books, regexp.MustCompile(`wb-\w+`).FindAllString(do(t, p.s, "list_workbooks", `{}`), -1)...)
	}
	parties[0].others = []string{"bobsecret", g.theirs}
	parties[1].others = []string{"alicesecret", g.ours}
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.IntRange(5, 25).Draw(t, "operations")
		for range ops {
			i := rapid.IntRange(0, 1).Draw(t, "who")
			p, other := parties[i], parties[1-i]
			ids := slices.Concat(p.books, p.forks, p.forks, other.books, other.forks, []string{"fork-222222222222"})
			id := rapid.SampledFrom(ids).Draw(t, "id")
			with := rapid.SampledFrom(ids).Draw(t, "with")
			calls := [][2]string{
				{"list_workbooks", `{"include_paths":true}`}, {"list_forks", `{}`}, {"server_status", `{"recent":50}`},
				{"create_fork", fmt.Sprintf(`{"workbook_or_fork_id":%q,"label":%q}`, id, p.secret)},
				{"describe_workbook", fmt.Sprintf(`{"workbook_or_fork_id":%q}`, id)}, {"list_sheets", fmt.Sprintf(`{"workbook_or_fork_id":%q}`, id)},
				{"find_value", fmt.Sprintf(`{"workbook_or_fork_id":%q,"query":"secret"}`, id)},
				{"fork_history", fmt.Sprintf(`{"fork_id":%q}`, id)}, {"get_edits", fmt.Sprintf(`{"fork_id":%q}`, id)}, {"get_changeset", fmt.Sprintf(`{"fork_id":%q}`, id)},
				{"list_checkpoints", fmt.Sprintf(`{"fork_id":%q}`, id)}, {"list_staged_changes", fmt.Sprintf(`{"fork_id":%q}`, id)},
				{"checkpoint_fork", fmt.Sprintf(`{"fork_id":%q,"label":%q}`, id, p.secret)},
				{"merge_fork", fmt.Sprintf(`{"fork_id":%q,"with":%q}`, id, with)}, {"diff_workbooks", fmt.Sprintf(`{"baseline_workbook_or_fork_id":%q,"current_workbook_or_fork_id":%q}`, id, with)},
				{"save_fork", fmt.Sprintf(`{"fork_id":%q,"target_path":"%s.xlsx","overwrite":true}`, id, p.secret)},
				{"discard_fork", fmt.Sprintf(`{"fork_id":%q}`, id)}, {"undo", fmt.Sprintf(`{"fork_id":%q}`, id)}, {"close_workbook", fmt.Sprintf(`{"workbook_or_fork_id":%q}`, id)},
				{"edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"Data","edits":[{"address":"Z1","value":%q}]}`, id, p.secret)},
			}
			c := rapid.SampledFrom(calls).Draw(t, "call")
			if c[0] == "create_fork" && len(p.forks) > 6 {
				continue
			}
			if c[0] == "edit_batch" && strings.HasPrefix(id, "fork-") && slices.Contains(p.forks, id) {
				sheets, err := call(g.ctx, p.s, "list_sheets", fmt.Sprintf(`{"workbook_or_fork_id":%q}`, id))
				if err != nil {
					t.Fatal(err)
				}
				if _, rows, ok := strings.Cut(sheets.text, "sheet\t"); ok {
					name, _, _ := strings.Cut(strings.Split(rows, "\n")[1], "\t")
					c[1] = strings.Replace(c[1], `"Data"`, fmt.Sprintf("%q", name), 1)
				}
			}
			a, err := call(g.ctx, p.s, c[0], c[1])
			if err != nil {
				t.Fatalf("%s: %v", c[0], err)
			}
			for _, secret := range p.others {
				if strings.Contains(a.text, secret) {
					t.Fatalf("%s is shown %q by %s %s: %s", p.name, secret, c[0], c[1], a.text)
				}
			}
			for _, theirs := range slices.Concat(other.forks, other.books[2:]) {
				if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(a.text, id, ""), with, ""), theirs) {
					t.Fatalf("%s is shown %s by %s %s: %s", p.name, theirs, c[0], c[1], a.text)
				}
			}
			owns := !slices.Contains(other.forks, id)
			if !a.failed {
				good++
			}
			if !owns {
				hidden++
			}
			if !owns && !a.failed && c[0] != "list_workbooks" && c[0] != "list_forks" && c[0] != "server_status" {
				t.Fatalf("%s may %s %s, which is %s's: %s", p.name, c[0], c[1], other.name, a.text)
			}
			switch {
			case c[0] == "create_fork" && !a.failed:
				p.forks = append(p.forks, forkID.FindString(a.text))
			case c[0] == "discard_fork" && !a.failed:
				p.forks = slices.DeleteFunc(p.forks, func(f string) bool { return f == id })
			}
		}
	})
	t.Logf("%d calls were answered well, %d were about a fork of the other", good, hidden)
	if good < 100 || hidden < 20 {
		t.Error("these are too few to show anything")
	}
}

// TestAccessProgress: two principals give their calls the same token for progress; each is told how
// far its own are, and of the sheets of its own workbook alone.
func TestAccessProgress(t *testing.T) {
	t.Parallel()
	g := asking(t)
	books := map[string]string{"alice": "loan", "bob": "messy"}
	for _, era := range eras {
		told := map[string]*sync.Map{"alice": {}, "bob": {}}
		sheets := map[string]string{}
		var calls sync.WaitGroup
		for name, heard := range told {
			c := mcp.NewClient(&mcp.Implementation{Name: "one", Version: "1"}, &mcp.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
				heard.Store(strings.TrimPrefix(r.Params.Message, "searching "), true)
			}})
			s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: g.url, HTTPClient: &http.Client{Transport: bearing{g.tokens[name], g.http.Transport}}}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sheets[name] = do(t, s, "list_sheets", `{"workbook_id":%q}`, books[name])
			for range 4 {
				calls.Go(func() {
					for range 10 {
						params := &mcp.CallToolParams{Name: "find_value", Arguments: map[string]any{"workbook_id": books[name], "query": "nothing of the kind"}}
						params.SetProgressToken("the same")
						if _, err := s.CallTool(t.Context(), params); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		calls.Wait()
		for name, heard := range told {
			n := 0
			heard.Range(func(sheet, _ any) bool {
				n++
				if !strings.Contains(sheets[name], "\n"+sheet.(string)+"\t") {
					t.Errorf("%s: %s is told of %q; its sheets are %s", era, name, sheet, sheets[name])
				}
				return true
			})
			if n == 0 {
				t.Errorf("%s: %s is told of no progress", era, name)
			}
		}
	}
}
