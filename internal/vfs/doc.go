// Package vfs is the file system as durable code sees it: the few operations that the
// journal, base copies and saves need, with what each of them promises about a crash.
//
// Principal types: [FS] and [File] (the interface), [OS] (a folder of the operating
// system), and in the package crashfs a file system in memory that forgets what a crash
// may forget. [WriteFileAtomic] replaces a file as a whole.
//
// The one invariant: nothing outlives a crash for certain but what was synced: the
// content of a file by [File.Sync], its name by [FS.SyncDir] of its folder. All that
// was not synced may be there after a crash, or not, or in parts.
//
// Names are slash-separated and relative to the root of the FS, as in io/fs; "." is the
// root. Errors are those of os, so [errors.Is] finds [io/fs.ErrNotExist] and its kin.
//
// Start reading at vfs.go, then atomic.go.
package vfs
