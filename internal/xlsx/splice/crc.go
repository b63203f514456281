package splice

// The checksum of two pieces put together, by arithmetic in the field of polynomials over
// GF(2) modulo that of CRC-32, bits reflected as the checksum has them: a piece of n bytes
// behind another multiplies the other's checksum by x^8n. The method is that of
// crc32_combine in zlib.
const polynomial = 0xEDB88320

// multiply gives a·b modulo the polynomial. The highest bit is the coefficient of x^0.
func multiply(a, b uint32) uint32 {
	p := uint32(0)
	for m := uint32(1) << 31; m != 0; m >>= 1 {
		if a&m != 0 {
			p ^= b
		}
		b = b>>1 ^ polynomial&-(b&1)
	}
	return p
}

// shift gives the checksum's contribution once n more bytes follow: crc·x^8n.
func shift(crc uint32, n int64) uint32 {
	for square := uint32(1) << (31 - 8); n > 0; n >>= 1 { // x^8, squared each time
		if n&1 != 0 {
			crc = multiply(square, crc)
		}
		square = multiply(square, square)
	}
	return crc
}

// join gives the checksum of two pieces put together, the second having n bytes.
func join(first, second uint32, n int64) uint32 { return shift(first, n) ^ second }

// between gives the checksum of the n bytes that make the checksum before into after.
func between(before, after uint32, n int64) uint32 { return shift(before, n) ^ after }
