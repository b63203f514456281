//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"pgregory.net/rapid"

	"gridflow/internal/access"
	"gridflow/internal/audit"
)

// An authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, n: 1}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign gives a certificate and its key, in PEM.
func (a *authority) sign(subject pkix.Name) (cert, key []byte) {
	a.t.Helper()
	a.n++
	k := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: subject, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// A guarded is a running server that asks who calls, with two roots, ours and theirs, over TLS.
type guarded struct {
	*running
	ours, theirs string
	file         string // of principals
	authority    *authority
	certs        string            // folder of the server's certificate
	tokens       map[string]string // by principal
	extra        string            // more lines of the file
}

// asking starts one with the principals alice (of ours), bob (of theirs), eve (of both, may read
// only) and ops (of both, may read metrics).
func asking(t *testing.T, args ...string) *guarded {
	t.Helper()
	return askingWith(t, "", args...)
}

// askingWith is asking with more lines in the file of principals.
func askingWith(t *testing.T, more string, args ...string) *guarded {
	t.Helper()
	base := t.TempDir()
	g := &guarded{
		ours: filepath.Join(base, "ours"), theirs: filepath.Join(base, "theirs"), file: filepath.Join(base, "conf", "principals.yaml"),
		extra: more, certs: filepath.Join(base, "certs"), authority: newAuthority(t), tokens: map[string]string{},
	}
	for root, names := range map[string][]string{g.ours: {"loan", "budget"}, g.theirs: {"messy", "budget"}} {
		for _, name := range names {
			data, err := os.ReadFile("../../examples/" + name + ".xlsx")
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(root, name+".xlsx"), data)
		}
	}
	hashes := map[string]string{}
	for _, name := range []string{"alice", "bob", "eve", "ops"} {
		g.tokens[name], hashes[name] = access.NewToken()
	}
	writeFile(t, g.file, []byte(g.principals(hashes)))
	cert, key := g.authority.sign(pkix.Name{CommonName: "server"})
	writeFile(t, filepath.Join(g.certs, "tls.crt"), cert)
	writeFile(t, filepath.Join(g.certs, "tls.key"), key)
	writeFile(t, filepath.Join(g.certs, "ca.crt"), g.authority.pem())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"http", "--listen=127.0.0.1:0", "--root=" + g.ours, "--root=" + g.theirs, noDeadline, "--log-level=debug", "--toolsets=all",
		"--principals=" + g.file, "--tls-cert=" + filepath.Join(g.certs, "tls.crt"), "--tls-key=" + filepath.Join(g.certs, "tls.key"), "--state-dir=" + filepath.Join(base, "state"),
	}, args...)
	g.running = launch(t, self, args...)
	line := g.log.await(t, 1, "serving MCP")[0]
	if g.url = regexp.MustCompile(`https://[0-9.:]+/mcp`).FindString(line); g.url == "" {
		t.Fatalf("no URL in %q", line)
	}
	g.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.authority.pool}, MaxIdleConnsPerHost: 64}}
	t.Cleanup(g.http.CloseIdleConnections)
	return g
}

func (g *guarded) principals(hashes map[string]string) string {
	return fmt.Sprintf(`principals:
  alice:
    tokens: [%q]
    roots: [ours]
    certificate: CN=alice,O=Acme
  bob: {tokens: %q, roots: %q}
  eve: {tokens: [%q], roots: all, read_only: true}
  ops: {tokens: [%q], roots: all, metrics: true, weight: 3}
`, hashes["alice"], hashes["bob"], g.theirs, hashes["eve"], hashes["ops"]) + g.extra
}

// rewrite puts the file of principals anew, as edit makes it of what it was.
func (g *guarded) rewrite(edit func(text string) string) {
	g.t.Helper()
	text, err := os.ReadFile(g.file)
	if err != nil {
		g.t.Fatal(err)
	}
	replaceFile(g.t, g.file, []byte(edit(string(text))))
}

// bearing sends a token with each request.
type bearing struct {
	token   string
	through http.RoundTripper
}

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.through.RoundTrip(r)
}

func (g *guarded) as(name, era string) *mcp.ClientSession {
	g.t.Helper()
	return g.clientAs(era, "scenario", &http.Client{Transport: bearing{g.tokens[name], g.http.Transport}})
}

// post sends a request as it is written, and gives the answer with its body read.
func (g *guarded) post(body string, headers ...string) (*http.Response, string) {
	g.t.Helper()
	return g.request(http.MethodPost, g.url, body, headers...)
}

func (g *guarded) request(method, url, body string, headers ...string) (*http.Response, string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := g.http.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res, string(data)
}

const listTools = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`

var modern = []string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"}

// TestAccess: who has no good token is told so as RFC 6750 has it, before anything of his
// request is read or taken for it, and the log has no token.
func TestAccess(t *testing.T) {
	t.Parallel()
	g := asking(t)
	good := g.tokens["alice"]
	for _, c := range []struct {
		name      string
		headers   []string
		query     string
		status    int
		challenge string
	}{
		{"nobody", nil, "", 401, `Bearer realm="gridflow"`},
		{"unknown", []string{"Authorization: Bearer gridflow_" + strings.Repeat("A", 43)}, "", 401, `error="invalid_token"`},
		{"a part of a token", []string{"Authorization: Bearer " + good[:len(good)-1]}, "", 401, `error="invalid_token"`},
		{"a hash", []string{"Authorization: Bearer " + strings.TrimPrefix(access.HashToken(good), "sha256:")}, "", 401, `error="invalid_token"`},
		{"another scheme", []string{"Authorization: Basic " + good}, "", 401, `error="invalid_request"`},
		{"no scheme", []string{"Authorization: " + good}, "", 401, `error="invalid_request"`},
		{"empty", []string{"Authorization: Bearer "}, "", 401, ""},
		{"two", []string{"Authorization: Bearer " + good, "Authorization: Bearer " + good}, "", 400, `error="invalid_request"`},
		{"two in one", []string{"Authorization: Bearer " + good + ", Bearer " + good}, "", 400, `error="invalid_request"`},
		{"huge", []string{"Authorization: Bearer " + strings.Repeat("x", 40<<10)}, "", 400, `error="invalid_request"`},
		{"in the query", nil, "?access_token=" + good, 400, `error="invalid_request"`},
		{"in the query, escaped", nil, "?access%5Ftoken=" + good, 400, `error="invalid_request"`},
		{"in the query and the header", []string{"Authorization: Bearer " + good}, "?access_token=" + good, 400, `error="invalid_request"`},
	} {
		res, text := g.request(http.MethodPost, g.url+c.query, listTools, append(slices.Clone(modern), c.headers...)...)
		if res.StatusCode != c.status && !(c.name == "empty" && res.StatusCode == 400) || !strings.Contains(res.Header.Get("WWW-Authenticate"), c.challenge) || !res.Close {
			t.Errorf("%s: %s, %q, closed %v: %s", c.name, res.Status, res.Header.Get("WWW-Authenticate"), res.Close, text)
		}
		if strings.Contains(text+fmt.Sprint(res.Header), good) {
			t.Errorf("%s: the answer has the token", c.name)
		}
	}
	res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: bearer "+good)...)
	if res.StatusCode != 200 || !strings.Contains(text, `"edit_batch"`) {
		t.Fatalf("the scheme in small letters: %s: %s", res.Status, text)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401, "/nothing": 404} {
		if res, _ := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+path, ""); res.StatusCode != want {
			t.Errorf("%s without a token: %s", path, res.Status)
		}
	}
	for name, want := range map[string]int{"alice": 403, "ops": 200} {
		res, text := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+"/metrics", "", "Authorization: Bearer "+g.tokens[name])
		if res.StatusCode != want || want == 200 && !strings.Contains(text, `gridflow_http_refused_total{reason="token_unknown"} `) {
			t.Errorf("metrics for %s: %s\n%s", name, res.Status, clipped(text))
		}
	}

	// Attempts without end are answered at once, and a good token goes on being good.
	statuses := map[int]int{}
	for range 60 {
		res, _ := g.post(listTools, "Authorization: Bearer guess")
		statuses[res.StatusCode]++
		if res.StatusCode == 429 && res.Header.Get("Retry-After") == "" {
			t.Error("a refusal does not say when to come back")
		}
	}
	if statuses[429] < 30 || statuses[401]+statuses[429] != 60 {
		t.Errorf("60 guesses: %v", statuses)
	}
	if n := len(g.log.matching("request refused", "token_")); n > 40 {
		t.Errorf("%d lines of the log for them", n)
	}
	if res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+good)...); res.StatusCode != 200 {
		t.Errorf("a good token after them: %s %s", res.Status, text)
	}
	for _, token := range g.tokens {
		if lines := g.log.matching(token); lines != nil {
			t.Errorf("the log has a token: %s", lines[0])
		}
	}
}

// TestAccessBeforeBody: a request without a good token is answered though its body never comes,
// and takes no place from others.
func TestAccessBeforeBody(t *testing.T) {
	t.Parallel()
	g := asking(t, "--max-request-bytes=5MiB")
	address := strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp")
	for i := range 20 {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: g.authority.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{", address)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 401 {
			t.Fatalf("%d: %v, %v", i, res, err)
		}
	}
	s := g.as("alice", eras[1])
	do(t, s, "list_workbooks", `{}`)
	if s := do(t, g.as("ops", eras[0]), "server_status", `{"sections":["metrics"]}`); strings.Contains(s, `reason="bodies"`) {
		t.Error("bodies were taken for requests of nobody")
	}
}

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

	// A file that is wrong changes nothing.
	good, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
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
// told of its own alone.
func TestAccessNotices(t *testing.T) {
	t.Parallel()
	g := asking(t)
	for _, era := range eras {
		told := map[string]chan string{"alice": make(chan string, 100), "bob": make(chan string, 100)}
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

// TestAccessTLS: a changed certificate is shown from then on, and one that is wrong is not; the
// connections are of TLS 1.2 at least; who must show a certificate and shows none is out, and
// the subject of one may name a principal.
func TestAccessTLS(t *testing.T) {
	t.Parallel()
	g := asking(t)
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp"), &tls.Config{RootCAs: g.authority.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	first := serial()
	if _, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp"), &tls.Config{RootCAs: g.authority.pool, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	replaceFile(t, filepath.Join(g.certs, "tls.crt"), []byte("nonsense"))
	g.log.await(t, 1, "the certificate has changed and is wrong")
	if now := serial(); now != first {
		t.Errorf("the certificate %d is shown", now)
	}
	cert, key := g.authority.sign(pkix.Name{CommonName: "server"})
	replaceFile(t, filepath.Join(g.certs, "tls.key"), key)
	replaceFile(t, filepath.Join(g.certs, "tls.crt"), cert)
	g.log.await(t, 1, "the changed certificate is shown from now on")
	if now := serial(); now != first+1 {
		t.Errorf("the certificate %d is shown, not the new one", now)
	}
	// Plain HTTP to it is answered, and does not get in.
	if res, err := http.Get("http" + strings.TrimPrefix(g.url, "https")); err == nil {
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("plain HTTP: %s", res.Status)
		}
	}

	m := asking(t, "--tls-client-ca="+filepath.Join(g.certs, "ca.crt"))
	roots := m.authority.pool // of the server's certificate; clients' are of the other authority
	with := func(subject pkix.Name, a *authority) *http.Client {
		cert, key := a.sign(subject)
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	for _, c := range []struct {
		name   string
		client *http.Client
		token  string
		status int // 0: there is no connection
	}{
		{"no certificate", m.http, m.tokens["alice"], 0},
		{"a certificate of another authority", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, newAuthority(t)), m.tokens["alice"], 0},
		{"alice's certificate", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), "", 200},
		{"alice's certificate and token", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), m.tokens["alice"], 200},
		{"alice's certificate and bob's token", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), m.tokens["bob"], 401},
		{"nobody's certificate", with(pkix.Name{CommonName: "carol"}, g.authority), "", 401},
		{"nobody's certificate, bob's token", with(pkix.Name{CommonName: "carol"}, g.authority), m.tokens["bob"], 200},
	} {
		m.http = c.client
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url, strings.NewReader(listTools))
		for _, h := range append(slices.Clone(modern), "Content-Type: application/json", "Accept: application/json, text/event-stream") {
			k, v, _ := strings.Cut(h, ": ")
			r.Header.Set(k, v)
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := c.client.Do(r)
		switch {
		case c.status == 0 && err == nil:
			t.Errorf("%s: %s", c.name, res.Status)
		case c.status != 0 && (err != nil || res.StatusCode != c.status):
			t.Errorf("%s: %v %v", c.name, res, err)
		}
		if err == nil {
			res.Body.Close()
		}
	}
}

// TestAccessSettings: settings that would let tokens be read on the way, or do nothing, are
// refused when the program starts.
func TestAccessSettings(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	file := writeFile(t, filepath.Join(t.TempDir(), "p.yaml"), []byte("principals: {}\n"))
	bad := writeFile(t, filepath.Join(t.TempDir(), "p.yaml"), []byte("principals:\n  a: {roots: [elsewhere]}\n"))
	for want, args := range map[string][]string{
		"tokens would go in plain": {"--listen=0.0.0.0:0", "--principals=" + file},
		"without --tls-key":        {"--tls-cert=x"},
		"without --tls-cert":       {"--tls-client-ca=x"},
		"without --principals":     {"--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp"},
		"--oauth-resource is":      {"--oauth-issuer=https://id.example.com", "--principals=" + file},
		"has to begin with https":  {"--oauth-issuer=http://id.example.com", "--principals=" + file},
		"is no root that is":       {"--principals=" + bad},
		"no such file":             {"--principals=" + file + "x"},
	} {
		cmd := exec.Command(self, append([]string{"http", "--listen=127.0.0.1:0", "--root=" + root, "--state-dir=none"}, args...)...)
		cmd.Args[0] = "gridflow"
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	r := launch(t, self, "http", "--root="+root, "--principals="+file, "--listen=0.0.0.0:0", "--behind-tls")
	r.log.await(t, 1, "serving MCP")
	if lines := r.log.matching("asks nobody"); lines != nil {
		t.Error(lines)
	}
}

// TestAccessOAuth: the server tells where access tokens come from, and takes those of its issuer:
// with the rights of their subject and their scopes, for itself alone.
func TestAccessOAuth(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	var fetched atomic.Int64
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	t.Cleanup(issuer.Close)
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer.URL, issuer.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256"}}})
	})
	const resource = "https://localhost/mcp"
	g := askingWith(t, "  paula: {roots: [ours], subject: auth0|paula}\ndefault: {roots: [theirs], read_only: false}\n", "--oauth-issuer="+issuer.URL, "--oauth-resource="+resource)
	token := func(id string, by *ecdsa.PrivateKey, change func(map[string]any)) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: by}, (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", id))
		if err != nil {
			t.Fatal(err)
		}
		claims := map[string]any{"iss": issuer.URL, "aud": resource, "sub": "auth0|paula", "exp": time.Now().Add(time.Hour).Unix(), "scope": "gridflow:read gridflow:write"}
		change(claims)
		text, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	as := func(change func(map[string]any)) string { return token("k", key, change) }
	g.tokens["paula"] = as(func(map[string]any) {})
	g.tokens["reader"] = as(func(c map[string]any) { c["scope"] = "gridflow:read" })
	g.tokens["one"] = as(func(c map[string]any) { c["sub"] = "one" })
	g.tokens["two"] = as(func(c map[string]any) { c["sub"] = "two" })

	// How a client finds out.
	res, _ := g.post(listTools, modern...)
	challenge := res.Header.Get("WWW-Authenticate")
	if res.StatusCode != 401 || !strings.Contains(challenge, `resource_metadata="https://localhost/.well-known/oauth-protected-resource/mcp"`) || !strings.Contains(challenge, `scope="gridflow:read"`) {
		t.Errorf("%s: %s", res.Status, challenge)
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		if m, err := oauthex.GetProtectedResourceMetadata(t.Context(), strings.TrimSuffix(g.url, "/mcp")+path, resource, g.http); err != nil || !slices.Equal(m.AuthorizationServers, []string{issuer.URL}) {
			t.Errorf("the SDK's client finds %+v, %v", m, err)
		}
		res, text := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+path, "", "Origin: https://anywhere.example.com")
		var m oauthex.ProtectedResourceMetadata
		if err := json.Unmarshal([]byte(text), &m); err != nil || res.StatusCode != 200 || m.Resource != resource || !slices.Equal(m.AuthorizationServers, []string{issuer.URL}) ||
			!slices.Equal(m.ScopesSupported, []string{"gridflow:read", "gridflow:write"}) || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s %s", path, res.Status, text)
		}
	}
	for _, era := range eras {
		paula, reader := g.as("paula", era), g.as("reader", era)
		if list := do(t, paula, "list_workbooks", `{}`); !strings.Contains(list, "loan") || strings.Contains(list, "messy") {
			t.Error(list)
		}
		fork := newFork(t, paula, "loan")
		do(t, reader, "fork_history", `{"fork_id":%q}`, fork) // it is her own, without the right to change it
		if era == eras[0] {
			refused(t, "READ_ONLY", reader, "discard_fork", `{"fork_id":%q}`, fork)
		} else if _, err := call(t.Context(), reader, "discard_fork", fmt.Sprintf(`{"fork_id":%q}`, fork)); err == nil {
			t.Error("without the scope a fork is discarded")
		}
		// Two of whom the file has nothing have the same rights, and nothing of one another.
		one, two := g.as("one", era), g.as("two", era)
		theirs := newFork(t, one, "messy")
		refused(t, "FORK_NOT_FOUND", two, "fork_history", `{"fork_id":%q}`, theirs)
		refused(t, "WORKBOOK_NOT_FOUND", two, "describe_workbook", `{"workbook_id":"loan"}`)
		if list := do(t, one, "list_forks", `{}`); !strings.Contains(list, theirs) || strings.Contains(list, fork) {
			t.Error(list)
		}
	}
	discard := strings.NewReplacer("tools/list", "tools/call", `"params":{`, `"params":{"name":"discard_fork","arguments":{"fork_id":"fork-222222222222"},`).Replace(listTools)
	res, _ = g.post(discard, "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: discard_fork", "Authorization: Bearer "+g.tokens["reader"])
	if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != 403 || !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="gridflow:read gridflow:write"`) {
		t.Errorf("without the scope: %s %s", res.Status, got)
	}
	none := "." + strings.Split(g.tokens["paula"], ".")[1] + "."
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"expired":      {as(func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), 401},
		"for another":  {as(func(c map[string]any) { c["aud"] = "https://localhost/other" }), 401},
		"of another":   {as(func(c map[string]any) { c["iss"] = "https://evil.example.com" }), 401},
		"no scope":     {as(func(c map[string]any) { delete(c, "scope") }), 403},
		"another key":  {token("k", newKey(t), func(map[string]any) {}), 401},
		"unsigned":     {"eyJhbGciOiJub25lIn0" + none, 401},
		"a name alone": {"paula", 401},
	} {
		if res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+c.token)...); res.StatusCode != c.status {
			t.Errorf("%s: %s %s", name, res.Status, text)
		}
	}
	// Keys that nobody has are not asked for again and again.
	stranger := newKey(t)
	for i := range 40 {
		g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+token(fmt.Sprint("none", i), stranger, func(map[string]any) {}))...)
	}
	if n := fetched.Load(); n > 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
	for name := range g.tokens {
		if lines := g.log.matching(g.tokens[name]); lines != nil {
			t.Errorf("the log has a token: %s", lines[0])
		}
	}
}
