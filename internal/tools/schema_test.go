package tools

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// definition is a tool as tools/list shows it.
func definition(t *Tool) []byte {
	b, err := json.Marshal(map[string]any{
		"name": t.Name, "title": t.Title, "description": t.Description, "inputSchema": t.Schema(),
		"annotations": map[string]any{"title": t.Title, "readOnlyHint": t.ReadOnly, "destructiveHint": t.Destructive,
			"idempotentHint": t.Idempotent, "openWorldHint": false},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// TestGoldenSchemas holds the schemas that clients see to what is checked in.
func TestGoldenSchemas(t *testing.T) {
	for i := range Table() {
		tool := &Table()[i]
		var got bytes.Buffer
		if err := json.Indent(&got, definition(tool), "", "  "); err != nil {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		got.WriteByte('\n')
		file := filepath.Join("testdata", "schema", tool.Name+".json")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v; run with -update", err)
		} else if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: the definition has changed; run with -update and look at the diff. Got:\n%s", tool.Name, got.Bytes())
		}
	}
}

// TestSchemaLint keeps definitions to what every client takes: flat schemas of plain
// types, short names, descriptions that no client cuts.
func TestSchemaLint(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	seen := map[string]bool{}
	for _, tool := range Table() {
		if !name.MatchString(tool.Name) || seen[tool.Name] {
			t.Errorf("name %q", tool.Name)
		}
		seen[tool.Name] = true
		if len(tool.Description) >= 2000 || len(tool.Description) < 30 || tool.Title == "" || tool.Toolset == "" || tool.Example == "" {
			t.Errorf("%s: a description of %d bytes, title %q, toolset %q, example %q", tool.Name, len(tool.Description), tool.Title, tool.Toolset, tool.Example)
		}
		var schema map[string]any
		if err := json.Unmarshal(tool.Schema(), &schema); err != nil {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		lintSchema(t, tool.Name, schema)
		var example any
		if err := json.Unmarshal([]byte(tool.Example), &example); err != nil {
			t.Fatalf("%s: %v", tool.Name, err)
		}
		fits(t, tool.Name, schema, example)
		for _, p := range tool.Params() {
			if !name.MatchString(p.Name) {
				t.Errorf("%s: argument %q", tool.Name, p.Name)
			}
		}
	}
	if !slices.IsSortedFunc(Table(), func(a, b Tool) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted by name")
	}
}

// fits checks that an example is written as its schema has it and not in one of the other forms
// that are taken, but for values of cells, for which a schema says "string" (docs/rough-edges.md).
func fits(t *testing.T, at string, schema map[string]any, v any) {
	switch list, _ := schema["enum"].([]any); {
	case list != nil && !slices.Contains(list, v):
		t.Errorf("%s: %v is not one of %v", at, v, list)
	case schema["type"] == "array":
		elements, ok := v.([]any)
		if !ok {
			t.Errorf("%s: %v is no array", at, v)
		}
		for _, element := range elements {
			fits(t, at, schema["items"].(map[string]any), element)
		}
	case schema["type"] == "object" && len(schema["properties"].(map[string]any)) > 0: // not a tree, which its tool checks
		members, ok := v.(map[string]any)
		if !ok {
			t.Errorf("%s: %v is no object", at, v)
		}
		properties := schema["properties"].(map[string]any)
		for name, member := range members {
			property, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s: there is no %q", at, name)
				continue
			}
			fits(t, at+"."+name, property, member)
		}
	}
}

func lintSchema(t *testing.T, at string, schema map[string]any) {
	allowed := map[string][]string{
		"object":  {"type", "description", "properties", "required", "additionalProperties"},
		"array":   {"type", "description", "items", "minItems", "maxItems"},
		"string":  {"type", "description", "enum", "default"},
		"boolean": {"type", "description", "default"},
		"integer": {"type", "description", "default", "minimum", "maximum"},
		"number":  {"type", "description", "default", "minimum", "maximum"},
	}
	kind, _ := schema["type"].(string)
	for key := range schema {
		if !slices.Contains(allowed[kind], key) {
			t.Errorf("%s: a schema of type %q with %q", at, kind, key)
		}
	}
	switch kind {
	case "object":
		properties := schema["properties"].(map[string]any)
		if open := len(properties) == 0 && strings.Contains(at, "."); schema["additionalProperties"] != open { // of a tree, which its tool checks
			t.Errorf("%s: allows additional properties: %v", at, schema["additionalProperties"])
		}
		for name, sub := range properties {
			lintSchema(t, at+"."+name, sub.(map[string]any))
		}
	case "array":
		lintSchema(t, at+"[]", schema["items"].(map[string]any))
	}
}

// The definitions of the default toolset are in every conversation. Tokens are counted
// as bytes/3.6, which is what JSON of this sort has under the o200k vocabulary.
const (
	coreToolsMax  = 24
	coreTokensMax = 7000
)

func TestCoreTokens(t *testing.T) {
	count, bytes := 0, 0
	for i := range Table() {
		tool := &Table()[i]
		if tool.Core {
			count++
			bytes += len(definition(tool))
			t.Logf("%-20s %4.0f tokens", tool.Name, float64(len(definition(tool)))/3.6)
		}
	}
	tokens := float64(bytes) / 3.6
	t.Logf("%d core tools, %.0f tokens", count, tokens)
	if count > coreToolsMax || tokens >= coreTokensMax {
		t.Errorf("%d core tools with %.0f tokens; at most %d with less than %d are allowed", count, tokens, coreToolsMax, coreTokensMax)
	}
}

// TestMarkdown checks that the reference holds every tool and argument.
func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, Table()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	kept, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	if text != string(kept) {
		t.Error("docs/tools.md is not the reference of the tools as they are; run: make generate")
	}
	for _, tool := range Table() {
		_, section, ok := strings.Cut(text, "\n### "+tool.Name+"\n")
		if !ok {
			t.Errorf("the reference lacks %s", tool.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		for _, p := range tool.Params() {
			if !strings.Contains(section, "| `"+p.Name+"`") {
				t.Errorf("the reference of %s lacks %s", tool.Name, p.Name)
			}
		}
	}
}
