/* Inflates every deflated part of a zip file with libdeflate and does nothing
 * else: what any reader of the file has to pay at least. Arguments: how many
 * times, and the file. It reads the file anew each time, as a reader does. */
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what) { fprintf(stderr, "inflate: %s\n", what); exit(1); }
static uint32_t u16(const uint8_t *p) { return p[0] | p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

static uint8_t *out;
static size_t out_size;

static size_t inflate_all(const uint8_t *zip, size_t size) {
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	const uint8_t *end = zip + size - 22, *p;
	size_t total = 0;
	while (end >= zip && u32(end) != 0x06054b50) end--;
	if (end < zip) die("no zip directory");
	p = zip + u32(end + 16);
	for (uint32_t n = u16(end + 10); n > 0; n--) {
		if (p + 46 > end || u32(p) != 0x02014b50) die("bad zip directory");
		uint32_t method = u16(p + 10), packed = u32(p + 20), plain = u32(p + 24);
		const uint8_t *local = zip + u32(p + 42);
		const uint8_t *data = local + 30 + u16(local + 26) + u16(local + 28);
		if (data + packed > zip + size) die("part outside of the file");
		if (method == 8) {
			size_t got;
			if (plain > out_size) {
				free(out);
				out_size = plain;
				if (!(out = malloc(out_size))) die("no memory");
			}
			if (libdeflate_deflate_decompress(d, data, packed, out, plain, &got) != LIBDEFLATE_SUCCESS || got != plain)
				die("bad deflate stream");
			total += got;
		}
		p += 46 + u16(p + 28) + u16(p + 30) + u16(p + 32);
	}
	libdeflate_free_decompressor(d);
	return total;
}

int main(int argc, char **argv) {
	size_t total = 0;
	if (argc != 3) die("usage: inflate REPEAT FILE");
	for (int n = atoi(argv[1]); n > 0; n--) {
		FILE *f = fopen(argv[2], "rb");
		if (!f || fseek(f, 0, SEEK_END)) die("cannot open the file");
		size_t size = ftell(f);
		uint8_t *zip = malloc(size);
		rewind(f);
		if (!zip || fread(zip, 1, size, f) != size) die("cannot read the file");
		fclose(f);
		if (size < 22) die("too short");
		total = inflate_all(zip, size);
		free(zip);
	}
	printf("bytes=%zu\n", total);
	return 0;
}
