// Package access answers who sends an HTTP request: it knows the principals that the operator
// has named, and tells them by a bearer token, by a certificate, or by an access token of an
// OAuth authorization server.
//
// The principal types are [Directory], the principals of a file, which may be read again while
// the server runs; [Guard], which stands before a handler and lets through who proves to be one
// of them; and [Issuer], which verifies access tokens by the keys of their issuer,
// or asks it.
//
// The one invariant: a request that comes through has exactly one principal, and none of what
// proved it: no token is in what a handler is given, in a log, or in an answer.
//
// Start reading at [Guard.Admit].
package access
