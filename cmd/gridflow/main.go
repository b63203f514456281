// Command gridflow serves spreadsheets to agents over the Model Context Protocol.
//
// The principal types are [config], filled by the one table of settings in
// settings.go, and [program], what the subcommands run with. The one invariant:
// standard output carries nothing but the protocol (stdio) or the answer that was asked
// for (the other commands); everything else goes to standard error or to the log.
//
// Start reading at run in run.go.
package main

import (
	"context"
	"os"

	"gridflow/internal/office/worker"
	"gridflow/internal/tools"
)

// A process that was started to be an office worker is nothing else.
func init() { worker.Intercept() }

func main() {
	p := &program{table: tools.Table(), open: openWorkspace, environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}
