// Package obs sets up what the process tells its operator: today the structured log.
//
// [NewLogger] is the only entry. The one invariant: nothing here ever writes to
// standard output, which belongs to the protocol (stdio) or to a command's answer.
package obs
