// Command gridflow serves spreadsheets to agents over the Model Context Protocol.
//
// The principal types are [config], filled by the one table of settings in
// settings.go, and [program], what a subcommand runs with. The one invariant: the
// process is touched only in main; everything below it takes its arguments, streams
// and environment as parameters, so that tests can run it whole.
//
// Start reading at run in run.go.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
