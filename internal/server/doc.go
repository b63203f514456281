// Package server is the edge where the Model Context Protocol meets the tools: it
// serves a table of [tools.Tool] over stdio and over streamable HTTP, in both
// protocol eras (with and without the initialize handshake).
//
// The principal types are [Server], made by [New] from a [Config]; [Resources], what
// the workspace offers as MCP resources; [Call], what admission decides about; and
// [Pipe], which serves a client by way of a server in another process.
// The one invariant: nothing that a client sends and nothing that a tool does ends the
// process. A malformed line, an oversized body, a panic and a client that leaves are
// answered or cleaned up, and the next request is served.
//
// Start reading at New in server.go, then the chain in middleware.go, then a
// transport: stdio.go or http.go; what is checked before the SDK sees a message is in
// message.go. Stopping is in drain.go. Several processes on one state folder: peers.go has
// the side that serves, pipe.go and replay.go the side that is served.
package server
