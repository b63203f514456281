// Package crashfs is a file system in memory that shows what a crash of the machine may
// do to what was not synced. It is for tests of durable code.
//
// Principal types: [FS] (a [vfs.FS] that counts its operations, fails them on demand and
// stops after the n-th), [Op] (one counted operation), [Fault] (how one is to fail).
//
// The one invariant: [FS.Crash] keeps everything that was synced, and of all else what
// its source of chance says.
//
// # What a crash does
//
// A file is made of sectors of 512 bytes. Each sector that was written since the last
// [vfs.File.Sync] has, after the crash, one of the contents that it had since then, the
// synced one included, whatever the other sectors have: so writes are lost, kept, torn
// and reordered, but a sector is never half of this and half of that. The size of the
// file is one of those that it had since then, too; what lies below it and was not kept
// is zero.
//
// The entries of a folder that were made, renamed or removed since the last SyncDir
// survive up to some point, in the order in which they were made, as a journalling file
// system has it. With Reorder each survives or not by itself. A name and the content of
// its file have nothing to do with each other: a file that was synced may have no name,
// one that has a name may be empty. A rename within a folder is one change; one across
// folders may come apart.
//
// A Sync that fails leaves its sectors clean but not durable, as Linux does: a later
// Sync that succeeds says nothing about them, unless they were written again.
package crashfs
