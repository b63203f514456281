// Package password makes and checks what workbooks keep of the passwords of protected sheets and workbooks:
// salted hashes, as new files have them, and the 16 bits of old ones.
//
// Such a password keeps nothing secret: what is protected stands in the file for everybody to read. It keeps
// people from changing things by mistake.
//
// The one invariant: what New makes of a text Matches with that text and, as far as hashes go, with no other.
//
// Start reading at [New].
package password
