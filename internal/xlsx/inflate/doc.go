// Package inflate decodes raw DEFLATE (RFC 1951), the compression of the parts
// of a zip package, faster than compress/flate and with block marks for random access.
//
// The principal types are [Reader], which decodes one stream of known
// compressed length into windows that the caller owns, [Mark], a place where
// decoding can begin anew, and [CorruptError].
//
// The invariant: a Reader accepts and rejects exactly the streams that
// compress/flate does, and gives the same bytes before it rejects one. It holds
// a fixed amount of memory whatever the stream says, and never panics on it.
//
// Read reader.go first (the life of a stream: headers, stored and coded blocks),
// then codes.go (how a prefix code becomes a table), then decode.go (the loop in
// which the time is spent; the only file that uses unsafe).
package inflate
