package inflate

import (
	"math/bits"
	"sync"
)

// Limits of the format (RFC 1951, 3.2.5 and 3.2.7).
const (
	maxCodeBits    = 15
	numLitSyms     = 288 // the fixed code has 288, of which 286 and 287 stand for nothing
	maxLitSyms     = 286
	numDistSyms    = 32 // likewise 30 and 31
	maxDistSyms    = 30
	numLengthSyms  = 19 // symbols of the code that the code lengths are written in
	maxLengthBits  = 7
	endOfBlock     = 256
	firstMatchSym  = 257
	maxMatchLength = 258
)

// Index widths of the primary tables. A code longer than that goes on in a
// secondary table. Wider tables hold more fused entries but take longer to
// build and more of the first-level cache.
const (
	litBits  = 10
	distBits = 8
	litMask  = 1<<litBits - 1
	distMask = 1<<distBits - 1

	// Every secondary table holds at least two codes, since codes are complete.
	litTableSize  = 1<<litBits + numLitSyms/2<<(maxCodeBits-litBits)
	distTableSize = 1<<distBits + numDistSyms/2<<(maxCodeBits-distBits)
)

// An entry tells what to do with the bits that index it. One layout serves the
// three codes; a primary literal/length entry may stand for up to two literals
// followed by up to one length, as many as its index bits spell out ("fused").
//
//	bits  0-5   bits to consume: of all codes, and extra bits of the length or distance
//	bit   6     entryMatch: gives a length, so a distance code follows
//	bit   7     entryOther: neither literal nor match: a link, end of block, or no symbol
//	bits  8-13  bits of all codes, i.e. where the extra bits begin
//	bit   14    entryLink: go on in the secondary table
//	bit   15    entryEnd: end of block
//	bits 16-31  the literals, first one low | base distance | symbol | first index of the secondary table
//	bits 32-47  base length | mask of a distance's extra bits | index mask of the secondary table
//	bits 48-52  mask of a length's extra bits
//	bits 53-56  bits of the first code
//	bits 62-63  number of literals
//
// A sequence of bits that is no code has entryOther alone.
type entry uint64

const (
	entryMatch = 1 << 6
	entryOther = 1 << 7
	entryLink  = 1 << 14
	entryEnd   = 1 << 15

	consumeMask  = 63
	codesShift   = 8
	valueShift   = 16
	baseShift    = 32
	litExtraMask = 48
	firstShift   = 53
	countShift   = 62

	// codeUnit times a code's length adds the length to all fields that count bits of it.
	codeUnit = 1 | 1<<codesShift | 1<<firstShift
)

func (e entry) consume() uint    { return uint(e & consumeMask) }
func (e entry) codes() uint      { return uint(e>>codesShift) & consumeMask }
func (e entry) first() uint      { return uint(e>>firstShift) & 15 }
func (e entry) literals() uint   { return uint(e >> countShift) }
func (e entry) value() uint      { return uint(uint16(e >> valueShift)) }
func (e entry) base() uint       { return uint(uint16(e >> baseShift)) }
func (e entry) lengthMask() uint { return uint(e>>litExtraMask) & 31 }

// Entries of the symbols, without their code lengths.
var (
	litSyms    = litSymbols()
	distSyms   = distSymbols()
	lengthSyms = lengthSymbols()
)

func litSymbols() (t [numLitSyms]entry) {
	for s := range endOfBlock {
		t[s] = entry(s)<<valueShift | 1<<countShift
	}
	t[endOfBlock] = entryOther | entryEnd
	base := 3
	for s := firstMatchSym; s < maxLitSyms-1; s++ {
		extra := max(0, (s-firstMatchSym)/4-1)
		t[s] = entryMatch | entry(base)<<baseShift | entry(1<<extra-1)<<litExtraMask | entry(extra)
		base += 1 << extra
	}
	t[maxLitSyms-1] = entryMatch | maxMatchLength<<baseShift
	t[286], t[287] = entryOther, entryOther
	return t
}

func distSymbols() (t [numDistSyms]entry) {
	base := 1
	for s := range maxDistSyms {
		extra := max(0, s/2-1)
		t[s] = entryMatch | entry(base)<<valueShift | entry(1<<extra-1)<<baseShift | entry(extra)
		base += 1 << extra
	}
	t[30], t[31] = entryOther, entryOther
	return t
}

func lengthSymbols() (t [numLengthSyms]entry) {
	for s := range t {
		t[s] = entry(s) << valueShift
	}
	return t
}

// codes holds the decoding tables of one block.
type codes struct {
	lit  [litTableSize]entry
	dist [distTableSize]entry
	// Fewest bits that must be there before a symbol is decoded. For literals and
	// lengths it is at least the length of the end-of-block code, with which the
	// bits of every block end: this decides where a truncated stream is cut.
	litMin, distMin uint
}

// fixedCodes gives the codes of block type 1, shared by all Readers.
var fixedCodes = sync.OnceValue(func() *codes {
	var lens [numLitSyms + numDistSyms]uint8
	for s := range lens {
		switch {
		case s < 144:
			lens[s] = 8
		case s < 256:
			lens[s] = 9
		case s < 280:
			lens[s] = 7
		case s < numLitSyms:
			lens[s] = 8
		default:
			lens[s] = 5
		}
	}
	c := new(codes)
	c.init(lens[:numLitSyms], lens[numLitSyms:], true) // it is a prefix code, so this cannot fail
	return c
})

// init builds the tables from the code lengths of both alphabets, and reports
// whether they make prefix codes. Fusing entries takes as long as it saves in some
// kilobytes of input: fuse says whether there are so many.
func (c *codes) init(lit, dist []uint8, fuse bool) bool {
	var ok bool
	if c.litMin, ok = build(c.lit[:], litBits, lit, litSyms[:]); !ok {
		return false
	}
	c.litMin = max(c.litMin, uint(lit[endOfBlock]))
	if c.distMin, ok = build(c.dist[:], distBits, dist, distSyms[:]); !ok {
		return false
	}
	if fuse {
		c.fuse()
	}
	return true
}

// build fills table, whose primary part has 1<<width entries, for the canonical
// code with the given length for each symbol (0: the symbol does not occur). It
// returns the length of the shortest code, and false if the lengths are
// over-subscribed or incomplete. As in zlib and compress/flate a single code of
// one bit is fine, and so is no code at all; then some or all bit sequences are no code.
//
// DEFLATE sends the first bit of a code first, so that the table is indexed by
// reversed codes: the entries of an n-bit code are 1<<n apart. The table grows
// by doubling: when all codes of up to n bits are in its first 1<<n entries, a
// copy of these makes it ready for codes of n+1 bits.
func build(table []entry, width uint, lens []uint8, syms []entry) (shortest uint, ok bool) {
	var count [maxCodeBits + 1]int
	for _, n := range lens {
		count[n&maxCodeBits]++
	}
	count[0] = 0
	longest := uint(maxCodeBits)
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	if longest == 0 {
		fill(table[:1<<width], entryOther)
		return 0, true
	}
	var next [maxCodeBits + 1]int // of each length, where its next symbol goes in the sorted order
	room := 1                     // codes of the present length not taken yet
	total := 0
	for n := uint(1); n <= longest; n++ {
		if shortest == 0 && count[n] != 0 {
			shortest = n
		}
		next[n] = total
		total += count[n]
		if room = room<<1 - count[n]; room < 0 {
			return 0, false
		}
	}
	single := longest == 1 && total == 1
	if room != 0 && !single {
		return 0, false
	}
	var sorted [numLitSyms]uint16 // symbols by length of code
	for s, n := range lens {
		if n != 0 {
			sorted[next[n&maxCodeBits]] = uint16(s)
			next[n&maxCodeBits]++
		}
	}

	var (
		code     uint                           // reversed
		size     uint                           // codes of up to size bits are in table[:1<<size]
		link     = ^uint(0)                     // primary index of the secondary table being filled
		linked   uint                           // its first index
		unused   = uint(1) << width             // first entry of the next secondary table
		linkMask = uint(1)<<(longest-width) - 1 // meaningful only if longest > width
	)
	for _, s := range sorted[:total] {
		n := uint(lens[s])
		for size < min(n, width) {
			copy(table[1<<size:2<<size], table[:1<<size])
			size++
		}
		e := syms[s] + entry(n)*codeUnit
		if n <= width {
			table[code] = e
		} else {
			if code&(1<<width-1) != link {
				link = code & (1<<width - 1)
				linked = unused
				unused += linkMask + 1
				table[link] = entryOther | entryLink | entry(linked)<<valueShift | entry(linkMask)<<baseShift
			}
			for i := code >> width; i <= linkMask; i += 1 << (n - width) {
				table[linked+i] = e
			}
		}
		// Add one to the reversed code: clear the run of ones at the top, set the zero below it.
		if zeros := ^code & (1<<n - 1); zeros != 0 {
			top := uint(1) << (bits.Len(zeros) - 1)
			code = code&(top-1) | top
		}
	}
	if single {
		table[1] = entryOther
	}
	for ; size < width; size++ {
		copy(table[1<<size:2<<size], table[:1<<size])
	}
	return shortest, true
}

func fill(table []entry, e entry) {
	for i := range table {
		table[i] = e
	}
}

// fuse lets each primary entry that stands for a literal do the work of the
// symbols after it too, as far as its index bits spell out their codes.
//
// The bits behind a code of n bits are those of the index i>>n, which is below i
// (or i itself when it is zero), so that going down finds that entry still unfused.
func (c *codes) fuse() {
	const firstMask = 15 << firstShift
	lit := (*[1 << litBits]entry)(c.lit[:])
	for i := uint(litMask); ; i-- {
		e := lit[i&litMask]
		if e&(entryMatch|entryOther) == 0 {
			n := e.consume()
			f := lit[i>>n&litMask]
			m := n + f.codes()
			switch {
			case m > litBits || f&entryOther != 0:
			case f&entryMatch != 0:
				lit[i&litMask] = e + f&^firstMask
			default:
				e += entry(f.codes())*(1|1<<codesShift) + entry(f.value())<<(valueShift+8) + 1<<countShift
				g := lit[i>>m&litMask]
				if g&entryMatch != 0 && m+g.codes() <= litBits {
					e += g &^ firstMask
				}
				lit[i&litMask] = e
			}
		}
		if i == 0 {
			return
		}
	}
}
