// Package workspace stands between the files under the roots and the snapshots that
// handlers read: the catalogue, the byte-bounded cache, freshness and confinement.
//
// Principal types: [Workspace], [Entry].
//
// The one invariant: nothing outside of the roots is ever opened, and a snapshot that
// is handed out is that of the file as it was at that moment.
//
// Start reading at [Workspace.View]. The catalogue is in catalogue.go; scan.go and watch.go
// keep it true, and roots.go knows where the roots are.
package workspace
