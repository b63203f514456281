// Package xf takes cell formats apart and puts them together again. A format is a set of leaves,
// such as font.bold or border.top.color, each with a text; what an edit does to a format is
// [Settings]: some leaves that become something, all others stay. So an edit never has to know all of a
// format, and two edits of different leaves of one cell do not disturb each other.
//
// Principal types: [Leaf], [Leaves], [Settings].
//
// The one invariant: what no setting names is kept, to the pointer: [Leaves.Apply] gives a format
// whose parts are those of the old one where nothing in them changed. Colours stay as they were stated, by
// theme, tint or palette.
//
// Start reading at [Settings] and [Apply].
package xf
