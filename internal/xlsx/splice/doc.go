// Package splice changes some bytes of what a DEFLATE stream stands for, without decoding
// and encoding the rest of it.
//
// DEFLATE (RFC 1951) is a sequence of blocks, and a match reaches back 32 KB at most. So an
// edit of bytes [a, z) concerns the blocks from the one that holds a to the last that begins
// before z + 32 KB: what comes later cannot refer to the bytes that changed. These blocks are
// decoded and encoded anew, with the 32 KB before them as a dictionary; all compressed bits
// before and after are copied. The checksum of the whole is put together from those of the
// pieces, as CRC-32 is linear, so that the copied bits are not even decoded.
//
// Principal types: [Stream], a compressed stream in a file; [Map], what is known of its
// inside; [Edit]; [Result], the new stream, which is written out by [Result.WriteTo].
// Without a Map, or where most blocks would be concerned, one region covers the stream: then
// all of it is decoded and encoded, in pieces and on all processors. Both ways share every
// line but the plan.
//
// The one invariant: what the new stream stands for is what the old one does with the edits
// applied, to the byte, and Result.CRC32 is its checksum.
//
// Start reading at [Splice].
package splice
