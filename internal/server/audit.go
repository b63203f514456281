package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/audit"
)

// audited are the arguments that say what a call is about. None of them is what is in cells.
var audited = []string{
	"workbook_or_fork_id", "workbook_id", "fork_id", "with", "target_path", "source", "expected_version", "version", "checkpoint_id", "change_id", "mode", "drop_fork", "overwrite",
}

// aboutMax bounds a text that the record takes over from a caller, in bytes.
const aboutMax = 300

// keepRecord writes a line of the audit for each call of a tool that may change something,
// before the call is answered, also where it ends in a panic: what it had changed by then is
// changed. A line that cannot be written keeps nobody from working: what was done is in the
// journal, and the log says that the record has a gap.
func (s *Server) keepRecord(next mcp.MethodHandler) mcp.MethodHandler {
	if s.conf.Audit == nil {
		return next
	}
	return func(ctx context.Context, method string, req mcp.Request) (res mcp.Result, err error) {
		tool := s.tools[toolName(req)]
		if method != methodCallTool || tool == nil || tool.ReadOnly {
			return next(ctx, method, req)
		}
		call, _ := req.(*mcp.CallToolRequest)
		var arguments json.RawMessage
		if call != nil && call.Params != nil {
			arguments = call.Params.Arguments
		}
		who := audit.Entry{Client: client(req), Part: hashed(part(req)), Program: clip(strings.TrimSpace(programName(req)), aboutMax), Tool: tool.Name}
		Audited(ctx, s.conf.Audit, s.log, who, arguments, func(ctx context.Context) string {
			res, err = next(ctx, method, req)
			return outcomeIn(ctx, err)
		})
		return res, err
	}
}

// Audited runs a call of a tool and writes its line: who is completed by what the arguments
// name, what came of the call, in a word, and what it has changed.
func Audited(ctx context.Context, record *audit.Log, log *slog.Logger, who audit.Entry, arguments json.RawMessage, run func(ctx context.Context) (outcome string)) {
	ctx, changes := audit.Collect(ctx)
	who.Outcome = codeInternal // of a call that does not come back
	defer func() {
		who.Time, who.About, who.Changes = time.Now().UTC(), about(arguments), changes()
		if err := record.Write(who); err != nil {
			log.LogAttrs(ctx, slog.LevelError, "the audit has a gap", slog.String("error", err.Error()), slog.String("tool", who.Tool), slog.String("outcome", who.Outcome))
		}
	}()
	who.Outcome = run(ctx)
}

// hashed keeps a session's id, which is as good as a password, out of the record. The same
// session has the same hash in all lines.
func hashed(part string) string {
	id, ok := strings.CutPrefix(part, "session ")
	if !ok {
		return clip(part, aboutMax)
	}
	return "session " + hashedID(id)
}

// hashedID tells sessions apart without giving their ids away, which are drawn at random
// and cannot be found by trying.
func hashedID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:4])
}

// programName gives what a client says that it is, in either era.
func programName(req mcp.Request) string {
	if named, ok := req.(interface{ ClientInfo() *mcp.Implementation }); ok {
		if info := named.ClientInfo(); info != nil {
			return info.Name + " " + info.Version
		}
	}
	return programOf(req)
}

// about gives the arguments that say what a call is about.
func about(arguments json.RawMessage) map[string]any {
	var args map[string]json.RawMessage
	if json.Unmarshal(arguments, &args) != nil {
		return nil
	}
	out := map[string]any{}
	for _, name := range audited {
		var v any
		if raw, ok := args[name]; !ok || json.Unmarshal(raw, &v) != nil {
			continue
		}
		switch v := v.(type) {
		case string:
			out[name] = clip(v, aboutMax)
		case bool, float64:
			out[name] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
