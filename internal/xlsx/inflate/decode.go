package inflate

import (
	"encoding/binary"
	"unsafe"
)

// decodeOne decodes one literal or match of a coded block, or its end, into
// dst[pos:] and, where that is full, into r.carry. It is for the edges of the
// input and of the output, where decodeFast may not go. It returns the new pos.
func (r *Reader) decodeOne(dst []byte, pos int) int {
	e, err := r.symbol(r.codes.lit[:], litBits, r.codes.litMin)
	if err != nil {
		r.err = err
		return pos
	}
	if e.literals() > 0 { // take the first of what may be a fused entry
		r.drop(e.first())
		return r.put(dst, pos, byte(e.value()))
	}
	if e&entryOther != 0 {
		r.drop(e.codes())
		if e&entryEnd == 0 {
			r.err = r.corrupt(BadSymbol)
			return pos
		}
		r.state = inHeader
		return pos
	}
	length, ok := r.extra(e, e.base(), e.lengthMask())
	if !ok {
		return pos
	}
	d, err := r.symbol(r.codes.dist[:], distBits, r.codes.distMin)
	if err != nil {
		r.err = err
		return pos
	}
	if d&entryOther != 0 {
		r.err = r.corrupt(BadSymbol)
		return pos
	}
	dist, ok := r.extra(d, d.value(), d.base())
	if !ok {
		return pos
	}
	if dist > uint(pos) {
		r.err = r.corrupt(BadDistance)
		return pos
	}
	for from := pos - int(dist); length > 0; length-- {
		if from < len(dst) {
			pos = r.put(dst, pos, dst[from])
		} else {
			pos = r.put(dst, pos, r.carry[from-len(dst)])
		}
		from++
	}
	return pos
}

// extra consumes e's code and the extra bits behind it, and adds these to base.
func (r *Reader) extra(e entry, base, mask uint) (uint, bool) {
	if !r.need(e.consume()) {
		r.err = r.starved()
		return 0, false
	}
	v := base + uint(r.bb>>e.codes())&mask
	r.drop(e.consume())
	return v, true
}

func (r *Reader) put(dst []byte, pos int, b byte) int {
	if pos < len(dst) {
		dst[pos] = b
		return pos + 1
	}
	r.carry[r.carryEnd] = b
	r.carryEnd++
	return pos
}

// decodeFast decodes a coded block into dst[pos:] until it ends or is corrupt,
// pos has reached limit, or fewer than inputSlack bytes of input are at hand. It
// returns the new pos, which may exceed limit by less than Slack. The caller
// vouches for len(dst) >= limit+Slack.
//
// # Why unchecked memory access is safe here
//
// Input is read 8 bytes at a time, twice a turn, at ip <= end-inputSlack and at
// most 7 bytes later, so within in[:end]. Output is written from pos < limit on: in one turn
// up to 3 times 2 literals, 2 literals more (by 8-byte stores) and a match of up to
// 258 bytes rounded up by less than 32: at most 298 bytes, less than Slack. History
// is read from pos-dist, which is checked to be at least zero, and less far than is written.
// Bits: a refill makes all 64 bits of bb good and counts at least 56 of them as
// available. Three fused entries consume at most 10 each; after another refill a
// length takes at most 20, a distance 28, which leaves 16 for looking up the next entry.
//
// # Why it is fast
//
// The chain of table lookups, each of which tells where the next one's bits
// begin, is what takes the time. So the entry of the next turn is loaded before
// the refill and before the match is copied, none of which it has to wait for.
func (r *Reader) decodeFast(dst []byte, start, stop int) int {
	var (
		in    = unsafe.Pointer(unsafe.SliceData(r.in))
		out   = unsafe.Pointer(unsafe.SliceData(dst))
		ip    = uint(r.ip)
		ipEnd = uint(r.end - inputSlack)
		pos   = uint(start)
		limit = uint(stop)
		bb    = r.bb
		nb    = r.nb
		c     = r.codes
		why   Reason
	)
	e := c.lit[(bb|load64(in, ip)<<(nb&63))&litMask]
	for ip <= ipEnd && pos < limit {
		bb |= load64(in, ip) << (nb & 63)
		ip += ^nb >> 3 & 7
		nb |= 56
		if e&(entryMatch|entryOther) == 0 {
			store16(out, pos, uint16(e>>valueShift))
			pos += e.literals()
			bb >>= e.consume()
			nb -= uint(e)
			e = c.lit[bb&litMask]
			if e&(entryMatch|entryOther) == 0 {
				store16(out, pos, uint16(e>>valueShift))
				pos += e.literals()
				bb >>= e.consume()
				nb -= uint(e)
				e = c.lit[bb&litMask]
				if e&(entryMatch|entryOther) == 0 {
					store16(out, pos, uint16(e>>valueShift))
					pos += e.literals()
					bb >>= e.consume()
					nb -= uint(e)
					e = c.lit[bb&litMask]
					continue
				}
			}
			bb |= load64(in, ip) << (nb & 63)
			ip += ^nb >> 3 & 7
			nb |= 56
		}
		if e&entryOther != 0 {
			if e&entryLink != 0 {
				e = c.lit[e.value()+uint(bb>>litBits)&e.base()]
			}
			if e&entryOther != 0 {
				bb >>= e.consume()
				nb -= uint(e)
				if e&entryEnd != 0 {
					r.state = inHeader
				} else {
					why = BadSymbol
				}
				break
			}
			if e&entryMatch == 0 {
				store16(out, pos, uint16(e>>valueShift))
				pos++
				bb >>= e.consume()
				nb -= uint(e)
				e = c.lit[bb&litMask]
				continue
			}
		}

		// Up to two literals and the length of a match.
		store16(out, pos, uint16(e>>valueShift))
		pos += e.literals()
		length := e.base() + uint(bb>>e.codes())&e.lengthMask()
		bb >>= e.consume()
		nb -= uint(e)

		d := c.dist[bb&distMask]
		if d&entryOther != 0 {
			if d&entryLink != 0 {
				d = c.dist[d.value()+uint(bb>>distBits)&d.base()]
			}
			if d&entryOther != 0 {
				why = BadSymbol
				break
			}
		}
		dist := d.value() + uint(bb>>d.codes())&d.base()
		bb >>= d.consume()
		nb -= uint(d)
		e = c.lit[bb&litMask]
		if dist > pos {
			why = BadDistance
			break
		}

		from := pos - dist
		end := pos + length
		if dist >= 16 {
			copy16(out, pos, from)
			copy16(out, pos+16, from+16)
			for pos+32 < end {
				pos += 32
				from += 32
				copy16(out, pos, from)
				copy16(out, pos+16, from+16)
			}
		} else if dist >= 8 {
			for ; pos < end; pos, from = pos+8, from+8 {
				store64(out, pos, load64(out, from))
			}
		} else {
			// Widen the period to 8 bytes, and step by a multiple of it.
			period := load64(out, from) & (1<<(dist*8&63) - 1)
			for n := dist; n < 8; n *= 2 {
				period |= period << (n * 8 & 63)
			}
			for ; pos < end; pos += uint(steps[dist]) {
				store64(out, pos, period)
			}
		}
		pos = end
	}
	r.ip, r.bb, r.nb = int(ip), bb, nb&63
	r.giveBack()
	if why != "" {
		r.err = r.corrupt(why)
	}
	return int(pos)
}

// steps gives for each period the largest multiple of it that is at most 8.
var steps = [8]uint8{8, 8, 8, 6, 8, 5, 6, 7}

// The little-endian forms compile to plain loads and stores where the machine allows it.

func load64(p unsafe.Pointer, i uint) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store64(p unsafe.Pointer, i uint, v uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], v)
}

func store16(p unsafe.Pointer, i uint, v uint16) {
	binary.LittleEndian.PutUint16((*[2]byte)(unsafe.Add(p, i))[:], v)
}

func copy16(p unsafe.Pointer, to, from uint) {
	*(*[16]byte)(unsafe.Add(p, to)) = *(*[16]byte)(unsafe.Add(p, from))
}
