// Package lok is LibreOffice inside of this process: its library is loaded while the program
// runs, and driven through LibreOfficeKit, the C interface that it has for being embedded. No C
// compiler is needed for it.
//
// Principal types: [Program], an installation that [Find] has found; [Office], the library when
// it has been started; [Document], one that it has loaded; [Geometry] and [Zoom], which say on
// which pixels the cells of a sheet lie.
//
// The one invariant: one goroutine, locked to its thread, makes all calls, one after the other.
// LibreOffice can be started once in a process, and never stopped: a process that has loaded it
// is good for nothing else, must run with GODEBUG=asyncpreemptoff=1, and ends with [os.Exit]. A
// fault of LibreOffice's ends the process; so it never runs in a server, but in a worker.
//
// The functions of LibreOfficeKit are found by their place in two tables that newer versions
// only append to. Each use checks that the table reaches that far. The places are those of
// LibreOffice 7.4 to 25.2.
//
// Start reading at [Open] in office_linux.go; how cells become pixels is in geometry.go.
package lok
