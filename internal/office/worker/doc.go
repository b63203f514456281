// Package worker is one process that works with LibreOffice: both halves of it, the child that
// has LibreOffice loaded and the parent's handle on it.
//
// Principal types: [Options] and [Start], which starts this same program again as a worker;
// [Process], the handle: one job at a time by [Process.Do], and an end by [Process.Kill], after
// which [Process.Gone] says when nothing is left of it; [Exit], why it ended. The child's half
// is [Intercept], which the program calls before anything else.
//
// The one invariant: when Gone is closed, no process of the worker's group is alive and its
// scratch folder is empty; until then its slot is not free. A call that ends by its context
// returns only after that.
//
// A worker is made for the worst document. It has no network and no files but its own and those
// of its jobs, where the system can see to that (namespaces, Landlock); LibreOffice's settings
// say the same once more, written anew at each start. Its memory, its files and its core dumps
// are limited. It dies with its parent, by the end of its request pipe, even in the middle of a
// job. What LibreOffice prints is kept only to say what happened.
//
// Start reading at Start in process.go; the child's half begins in main.go.
package worker
