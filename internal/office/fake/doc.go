// Package fake is an office worker without LibreOffice, for tests: a real process that speaks
// the protocol of package wire, and behaves in whichever way a test wants to see handled.
//
// A test program has it by importing it, blank if need be; its init function turns the process
// into the fake where the program folder that it is told to use begins with "fake:". A program
// that does not import it, as the one that ships, cannot be made to.
//
// A script is words with commas between them. The folder's, behind "fake:", says how the worker
// starts, and how it does jobs whose documents say nothing themselves:
//
//	start-fail        it says in its Hello that it cannot
//	start-exit=N      it ends before its Hello
//	start-hang        it never says anything
//	start-slow=D      it takes a while (50ms, 2s)
//	start-wait=FIFO   it says Hello when the named pipe is opened for writing
//	start-garbage     its Hello is none
//	version=V         its version; 25.2.3.2 else
//
// A document's is a text "fake:…" in any part of a workbook (a cell, a sheet's name), or in a
// file that is no workbook; the characters of a script end it:
//
//	good              as without any: copies the document, paints its pattern
//	file=PATH         writes that file instead of the copy
//	slow=D, wait=FIFO good, but later
//	hang              does not answer, and does not even end with its parent's pipe
//	exit=N            ends
//	segv, kill        ends by a fault, as LibreOffice would; by SIGKILL, as for lack of memory
//	nofile            says that it is done, and has written nothing
//	wrongid           answers another job
//	garbage           answers what is no message
//	endless           answers without an end
//	twice             answers twice
//	fail=CODE         fails with a code of package wire
//	spawn=PATH        good, but starts a process that hangs, and writes its number to that file
//	grow=N            good, but has N bytes more than before each time
//
// The one invariant: it does the same each time. A picture of it is a pattern ([Color]) with a
// fixed geometry ([Edges]), so that tests can look at single pixels of it.
//
// Start reading at run in fake_linux.go.
package fake
