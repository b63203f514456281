//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestTranscripts plays testdata/transcripts/*.txtar: calls in the words of a client of
// spreadsheet-mcp to the program itself, over stdio, with all tools and in its shapes.
//
// The files of an archive lie in the folder that is served, beside the examples. One that is called
// BOOK.xlsx/PART is a part of a workbook, in which {N MiB of spaces} is that; the other parts of that which a
// package needs are made.
// "-- tools --" has the names of tools each of which is called. "-- play --" is what is played. Each "## title" in it begins a test; what stands before the first goes before all
// of them. A line is
//
//	> tool {arguments}         a call, which succeeds unless the next line says otherwise:
//	< {…}                      an object that has these members. null: the member is missing. A list has these
//	                           entries, or, where the first is "…", has them among others. "$name" is what it is
//	                           the first time and the same from then on, in arguments too; "~x" a text with a match
//	                           for x; "_" whatever there is
//	! CODE words               an error of the tool with this code, in whose text the words are
//	shows MIME                 a picture is in the last result
//	= part…                    the file that was saved has these parts of the workbook that was forked, to the byte
//	has part text              the part of the file that was saved holds the text
//	each N tool {arguments}    N calls at once, with {i} for which it is; all succeed
//	copy FROM TO               a file of the folder takes the place of another
//	remove FILE                a file of the folder goes
//	restart FLAGS              the server is killed, and another one started in its place with flags of its own;
//	                           what follows in the test is asked of that
//	listed tool {…}            tools/list has the tool, with these members
//	unlisted tool…             tools/list has none of them
//	offers {…}                 what the handshake was answered with has these members
//	http STATUS FLAGS | X=y…   a server with these flags, over HTTP, answers a handshake with these headers with
//	                           this status
//
// ROOT in FLAGS is the folder that is served.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, first, tests := layOut(t, archive)
			for _, f := range archive.Files {
				if f.Name == "tools" {
					for name := range strings.FieldsSeq(string(f.Data)) {
						if !strings.Contains(strings.Join(tests, "\n"), "\n> "+name+" ") {
							t.Errorf("no test calls %s", name)
						}
					}
				}
			}
			p := &player{root: root, state: t.TempDir(), names: map[string]any{}}
			p.serve(t, "")
			p.playAll(t, first)
			titles := map[string]bool{}
			for _, test := range tests {
				title, lines, _ := strings.Cut(test, "\n")
				if titles[title] {
					t.Errorf("%q is there twice", title)
				}
				titles[title] = true
				t.Run(title, func(sub *testing.T) {
					if p.server.t != t { // that of a test with a server of its own
						p.serve(t, "")
					}
					p.playAll(sub, lines)
				})
			}
		})
	}
}

var (
	partOfBook = regexp.MustCompile(`^(.+\.xls[xm])/(.+)$`)
	ofSpaces   = regexp.MustCompile(`\{(\d+) MiB of spaces\}`)
)

// layOut makes the folder of an archive and gives what is to be played: what comes first, and each test.
func layOut(t *testing.T, archive *txtar.Archive) (root, first string, tests []string) {
	t.Helper()
	root = exampleRoot(t)
	books := map[string]map[string][]byte{}
	for _, f := range archive.Files {
		book, part := "", ""
		if m := partOfBook.FindStringSubmatch(f.Name); m != nil {
			book, part = m[1], m[2]
		}
		switch {
		case f.Name == "tools":
		case f.Name == "play":
			tests = strings.Split("\n"+string(f.Data), "\n## ")
			first, tests = tests[0], tests[1:]
		case book != "":
			if books[book] == nil {
				books[book] = map[string][]byte{}
			}
			books[book][part] = ofSpaces.ReplaceAllFunc(bytes.TrimSpace(f.Data), func(said []byte) []byte {
				n, _ := strconv.Atoi(string(ofSpaces.FindSubmatch(said)[1]))
				return bytes.Repeat([]byte(" "), n<<20)
			})
		default:
			writeFile(t, filepath.Join(root, f.Name), f.Data)
		}
	}
	for name, parts := range books {
		writeFile(t, filepath.Join(root, name), zipped(t, parts))
	}
	return root, first, tests
}

// The parts that a workbook of one sheet has where the archive says nothing else.
var plainParts = map[string]string{
	"_rels/.rels":                `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
	"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`,
	"xl/styles.xml":              `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs></styleSheet>`,
}

// partTypes are the content types of parts, by how their names begin.
var partTypes = []struct{ prefix, kind string }{
	{"xl/workbook.xml", "openxmlformats-officedocument.spreadsheetml.sheet.main"},
	{"xl/styles.xml", "openxmlformats-officedocument.spreadsheetml.styles"},
	{"xl/theme/", "openxmlformats-officedocument.theme"},
	{"xl/worksheets/", "openxmlformats-officedocument.spreadsheetml.worksheet"},
	{"xl/tables/", "openxmlformats-officedocument.spreadsheetml.table"},
	{"xl/pivotTables/", "openxmlformats-officedocument.spreadsheetml.pivotTable"},
	{"xl/pivotCache/pivotCacheDefinition", "openxmlformats-officedocument.spreadsheetml.pivotCacheDefinition"},
	{"xl/pivotCache/pivotCacheRecords", "openxmlformats-officedocument.spreadsheetml.pivotCacheRecords"},
	{"xl/slicers/", "ms-excel.slicer"},
	{"xl/slicerCaches/", "ms-excel.slicerCache"},
	{"xl/externalLinks/", "openxmlformats-officedocument.spreadsheetml.externalLink"},
	{"xl/connections.xml", "openxmlformats-officedocument.spreadsheetml.connections"},
	{"xl/queryTables/", "openxmlformats-officedocument.spreadsheetml.queryTable"},
}

// zipped makes a package of parts.
func zipped(t *testing.T, parts map[string][]byte) []byte {
	t.Helper()
	for name, text := range plainParts {
		if parts[name] == nil {
			parts[name] = []byte(text)
		}
	}
	types := `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>`
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		for _, k := range partTypes {
			if !strings.HasPrefix(name, k.prefix) || strings.Contains(name, "_rels") {
				continue
			}
			kind := k.kind
			if parts["xl/vbaProject.bin"] != nil && name == "xl/workbook.xml" {
				kind = "ms-excel.sheet.macroEnabled.main"
			}
			types += fmt.Sprintf(`<Override PartName="/%s" ContentType="application/vnd.%s+xml"/>`, name, kind)
		}
	}
	parts["[Content_Types].xml"] = []byte(types + `</Types>`)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range append([]string{"[Content_Types].xml"}, slices.Sorted(maps.Keys(parts))...) {
		if data := parts[name]; data != nil {
			w, err := z.Create(name)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				t.Fatal(err)
			}
			delete(parts, name)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A player plays the lines of one transcript.
type player struct {
	root, state string
	server      *running
	calls       int
	names       map[string]any // what $name is
	last        reply
	call        string // the one that last answers
	forked      string // the workbook that was forked last
}

// A reply is what a request was answered with.
type reply struct {
	Result struct {
		IsError           bool                              `json:"isError"`
		Content           []struct{ Text, MIMEType string } `json:"content"`
		StructuredContent any                               `json:"structuredContent"`
		Tools             []map[string]any                  `json:"tools"`
	} `json:"result"`
	Error any `json:"error"`
}

func (r *reply) text() (text string) {
	for _, c := range r.Result.Content {
		text += c.Text
	}
	return text
}

// serve starts a server in the place of the one that there is.
func (p *player) serve(t *testing.T, flags string) {
	t.Helper()
	if p.server != nil {
		p.server.cmd.Process.Kill()
		p.server.cmd.Wait()
	}
	args := []string{"--toolsets=all", "--output-profile=compat", "--office=off", "--state-dir=" + p.state}
	p.server = servingStdio(t, p.root, append(args, strings.Fields(strings.ReplaceAll(flags, "ROOT", p.root))...)...)
}

// ask sends a request and gives how to wait for the answer.
func (p *player) ask(t *testing.T, method, params string) (await func() reply) {
	t.Helper()
	p.calls++
	id := fmt.Sprintf(`"id":"call %d"`, p.calls)
	p.server.send(fmt.Sprintf(`{"jsonrpc":"2.0",%s,"method":%q,"params":%s}`, id, method, params))
	server := p.server
	return func() (r reply) {
		t.Helper()
		line := server.out.await(t, 1, id)[0]
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if r.Error != nil {
			t.Fatalf("%s %s: an error of the protocol: %v", method, params, r.Error)
		}
		return r
	}
}

var dollar = regexp.MustCompile(`\$[a-z]\w*`)

func (p *player) playAll(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "! ") {
			p.succeeded(t)
		}
		p.play(t, line)
		if strings.HasPrefix(line, "! ") {
			p.last = reply{}
		}
	}
	p.succeeded(t)
}

// succeeded checks that the last call has.
func (p *player) succeeded(t *testing.T) {
	t.Helper()
	if last := p.last; last.Result.IsError {
		p.last = reply{}
		t.Fatalf("> %s\n%s", p.call, clipped(last.text()))
	}
}

// play plays one line.
func (p *player) play(t *testing.T, line string) {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	rest = dollar.ReplaceAllStringFunc(rest, func(name string) string {
		if s, ok := p.names[name].(string); ok && verb != "<" {
			return s
		}
		return name
	})
	switch verb {
	case "", "#":
	case ">":
		tool, args, _ := strings.Cut(rest, " ")
		p.call = rest
		p.last = p.ask(t, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, args))()
		if in := (struct {
			A string `json:"workbook_or_fork_id"`
			B string `json:"workbook_id"`
		}{}); tool == "create_fork" && json.Unmarshal([]byte(args), &in) == nil {
			p.forked = in.A + in.B
		}
	case "<":
		if wrong := p.differs(p.want(t, rest), p.last.Result.StructuredContent, ""); wrong != "" {
			got, _ := json.Marshal(p.last.Result.StructuredContent)
			t.Errorf("> %s\n< %s\n%s\nin %s", p.call, rest, wrong, clipped(string(got)))
		}
	case "!":
		code, words, _ := strings.Cut(rest, " ")
		if text := p.last.text(); !p.last.Result.IsError || !strings.HasPrefix(text, code+":") || !strings.Contains(text, words) {
			t.Errorf("> %s\n%s\nwant the error %s: …%s…", p.call, clipped(text), code, words)
		}
	case "shows":
		if content := p.last.Result.Content; !slices.ContainsFunc(content, func(c struct{ Text, MIMEType string }) bool { return c.MIMEType == rest }) {
			t.Errorf("> %s\nshows no %s", p.call, rest)
		}
	case "=":
		saved := p.saved(t)
		was, is := p.parts(t, p.forked+filepath.Ext(saved)), p.parts(t, saved)
		for part := range strings.FieldsSeq(rest) {
			if was[part] == nil || !bytes.Equal(was[part], is[part]) {
				t.Errorf("%s: the part %s is another (%d bytes, %d in the workbook)", saved, part, len(is[part]), len(was[part]))
			}
		}
	case "has":
		part, text, _ := strings.Cut(rest, " ")
		if is := p.parts(t, p.saved(t))[part]; !bytes.Contains(is, []byte(text)) {
			t.Errorf("> %s\n%s has no %s: %s", p.call, part, text, clipped(string(is)))
		}
	case "each":
		count, call, _ := strings.Cut(rest, " ")
		tool, args, _ := strings.Cut(call, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		var waiting []func() reply
		for i := range n {
			waiting = append(waiting, p.ask(t, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, strings.ReplaceAll(args, "{i}", strconv.Itoa(i+1)))))
		}
		for i, await := range waiting {
			if r := await(); r.Result.IsError {
				t.Errorf("%d of %s: %s", i+1, rest, r.text())
			}
		}
	case "copy":
		from, to, _ := strings.Cut(rest, " ")
		data, err := os.ReadFile(filepath.Join(p.root, from))
		if err != nil {
			t.Fatal(err)
		}
		replaceFile(t, filepath.Join(p.root, to), data)
	case "remove":
		if err := os.Remove(filepath.Join(p.root, rest)); err != nil {
			t.Fatal(err)
		}
	case "restart":
		p.serve(t, rest)
	case "listed", "unlisted":
		tools := p.ask(t, "tools/list", `{}`)().Result.Tools
		has := func(name string) map[string]any {
			i := slices.IndexFunc(tools, func(tool map[string]any) bool { return tool["name"] == name })
			if i < 0 {
				return nil
			}
			return tools[i]
		}
		if verb == "unlisted" {
			for name := range strings.FieldsSeq(rest) {
				if has(name) != nil {
					t.Errorf("%s is listed", name)
				}
			}
			return
		}
		name, want, _ := strings.Cut(rest, " ")
		if tool := has(name); tool == nil {
			t.Errorf("%s is not listed", name)
		} else if wrong := p.differs(p.want(t, want), tool, ""); wrong != "" {
			t.Errorf("listed %s: %s", name, wrong)
		}
	case "offers":
		var hello struct{ Result any }
		if err := json.Unmarshal([]byte(p.server.out.await(t, 1, `"id":0`)[0]), &hello); err != nil {
			t.Fatal(err)
		}
		if wrong := p.differs(p.want(t, rest), hello.Result, ""); wrong != "" {
			t.Errorf("%s: %s", line, wrong)
		}
	case "http":
		status, flags, _ := strings.Cut(rest, " ")
		flags, headers, _ := strings.Cut(flags, "|")
		r := serving(t, p.root, strings.Fields(strings.ReplaceAll(flags, "ROOT", p.root))...)
		req, err := http.NewRequest("POST", r.url, strings.NewReader(strings.SplitAfter(handshake, "\n")[0]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		for header := range strings.FieldsSeq(headers) {
			name, value, _ := strings.Cut(header, "=")
			if name == "Host" {
				req.Host = value
			}
			req.Header.Set(name, value)
		}
		res, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if strconv.Itoa(res.StatusCode) != status {
			t.Errorf("%s: status %d", line, res.StatusCode)
		}
	default:
		t.Fatalf("nobody knows what %q is", line)
	}
}

// want reads what a line says of an object.
func (p *player) want(t *testing.T, text string) (want any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return want
}

// differs tells where got is not what is wanted, "" where it is.
func (p *player) differs(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is no object but %v", at, got)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			member, there := object[name]
			if want[name] == nil && !there {
				continue
			}
			if !there {
				return fmt.Sprintf("%s.%s is missing", at, name)
			}
			if wrong := p.differs(want[name], member, at+"."+name); wrong != "" {
				return wrong
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s is no list but %v", at, got)
		}
		if len(want) > 0 && want[0] == "…" {
			for _, entry := range want[1:] {
				if !slices.ContainsFunc(list, func(one any) bool { return p.differs(entry, one, at) == "" }) {
					return fmt.Sprintf("%s has no %v", at, entry)
				}
			}
			return ""
		}
		if len(list) != len(want) {
			return fmt.Sprintf("%s has %d entries, not %d: %v", at, len(list), len(want), got)
		}
		for i := range want {
			if wrong := p.differs(want[i], list[i], fmt.Sprintf("%s[%d]", at, i)); wrong != "" {
				return wrong
			}
		}
		return ""
	case string:
		if dollar.FindString(want) == want && want != "" {
			if is, known := p.names[want]; known {
				return p.differs(is, got, at)
			}
			p.names[want] = got
			return ""
		}
		if want == "_" {
			return ""
		}
		if pattern, ok := strings.CutPrefix(want, "~"); ok {
			if text, ok := got.(string); !ok || !regexp.MustCompile(pattern).MatchString(text) {
				return fmt.Sprintf("%s is %v, not a text like %s", at, got, pattern)
			}
			return ""
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	return ""
}

// saved gives the file that the last call has saved.
func (p *player) saved(t *testing.T) string {
	t.Helper()
	result, _ := p.last.Result.StructuredContent.(map[string]any)
	name, ok := result["saved_to"].(string)
	if !ok {
		t.Fatalf("> %s\nsaves nothing: %s", p.call, p.last.text())
	}
	return name
}

// parts reads a workbook of the folder.
func (p *player) parts(t *testing.T, name string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(p.root, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	parts := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return parts
}
