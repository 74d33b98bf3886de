/*
 * write-sidecar - write a .smolmachine as smolvm does: in place, under its final name, footer last.
 *
 * For tests/fake/smolvm alone. SIDECAR becomes ASSETS, then MANIFEST, then 64 bytes of footer: "SMOLPACK",
 * u32 version, u64 stub size, assets offset and size, manifest offset and size, u32 CRC-32 of assets and
 * manifest, 8 zeros; all little endian. Between manifest and footer the file is closed, read back for the CRC
 * and opened anew, as smolvm's packer does it, so whoever looks at the wrong moment sees what he would see
 * there.
 *
 * -a appends to SIDECAR, which is then a stub (smolvm's --single-file). -f spoils the result, or leaves it
 * unfinished: half (stops in the middle of the assets), truncated (whole, then cut in the middle), no-footer,
 * wrong-crc, bit-flip (one bit of the assets), empty.
 *
 * Exit: 0 written, as well or as badly as asked for; 100 usage; 111 it could not be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define USAGE "usage: write-sidecar [-a] [-f fault] sidecar assets manifest"

enum { FOOTER_SIZE = 64, EXIT_USAGE = 100, EXIT_SYSTEM = 111 };

static const char *const faults[] = {"half", "truncated", "no-footer", "wrong-crc", "bit-flip", "empty"};

static const unsigned char magic[] = {'S', 'M', 'O', 'L', 'P', 'A', 'C', 'K'};

static char buffer[1 << 16];

static _Noreturn void
die_errno(const char *what, const char *path)
{
	fprintf(stderr, "write-sidecar: cannot %s '%s': %s\n", what, path, strerror(errno));
	exit(EXIT_SYSTEM);
}

static _Noreturn void
bad_usage(void)
{
	fputs(USAGE "\n", stderr);
	exit(EXIT_USAGE);
}

static int
open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);

	if (fd < 0)
		die_errno("open", path);
	return fd;
}

static void
close_file(int fd, const char *path)
{
	if (close(fd) < 0)
		die_errno("write", path);
}

static uint64_t
size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		die_errno("look at", path);
	return (uint64_t)st.st_size;
}

static void
put(int fd, const char *path, const void *bytes, size_t size)
{
	const char *p = bytes;
	ssize_t n;

	while (size > 0) {
		n = write(fd, p, size);
		if (n < 0)
			die_errno("write", path);
		p += n;
		size -= (size_t)n;
	}
}

/* At most limit bytes of from to the end of fd. */
static void
put_file(int fd, const char *path, const char *from, uint64_t limit)
{
	int in = open_file(from, O_RDONLY);
	ssize_t n;

	while (limit > 0) {
		n = read(in, buffer, limit < sizeof(buffer) ? (size_t)limit : sizeof(buffer));
		if (n < 0)
			die_errno("read", from);
		if (n == 0)
			break;
		put(fd, path, buffer, (size_t)n);
		limit -= (uint64_t)n;
	}
	close(in);
}

static uint32_t
crc_of(const char *path, uint64_t offset)
{
	uLong crc = crc32(0, NULL, 0);
	int in = open_file(path, O_RDONLY);
	ssize_t n;

	if (lseek(in, (off_t)offset, SEEK_SET) < 0)
		die_errno("read", path);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		crc = crc32(crc, (const Bytef *)buffer, (uInt)n);
	if (n < 0)
		die_errno("read", path);
	close(in);
	return (uint32_t)crc;
}

static unsigned char *
little_endian(unsigned char *at, uint64_t value, int bytes)
{
	while (bytes-- > 0) {
		*at++ = (unsigned char)(value & 0xff);
		value >>= 8;
	}
	return at;
}

static void
flip_bit(const char *path, uint64_t at)
{
	unsigned char byte;
	int fd = open_file(path, O_RDWR);

	if (pread(fd, &byte, 1, (off_t)at) != 1)
		die_errno("read", path);
	byte ^= 1;
	if (pwrite(fd, &byte, 1, (off_t)at) != 1)
		die_errno("write", path);
	close_file(fd, path);
}

int
main(int argc, char *argv[])
{
	unsigned char footer[FOOTER_SIZE] = {0}, *end;
	uint64_t start = 0, assets_size, manifest_size;
	const char *fault = "", *path, *assets, *manifest;
	bool append = false, known = true;
	uint32_t crc;
	size_t i;
	int fd, opt;

	while ((opt = getopt(argc, argv, "+af:h")) != -1) {
		switch (opt) {
		case 'a':
			append = true;
			break;
		case 'f':
			fault = optarg;
			known = false;
			for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
				known = known || strcmp(fault, faults[i]) == 0;
			break;
		case 'h':
			puts(USAGE);
			return 0;
		default:
			bad_usage();
		}
	}
	if (!known || argc - optind != 3)
		bad_usage();
	path = argv[optind];
	assets = argv[optind + 1];
	manifest = argv[optind + 2];
	assets_size = size_of(assets);
	manifest_size = size_of(manifest);
	if (append)
		start = size_of(path);

	fd = open_file(path, O_WRONLY | (append ? O_APPEND : O_CREAT | O_TRUNC));
	if (strcmp(fault, "empty") == 0)
		return 0;
	if (strcmp(fault, "half") == 0) {
		put_file(fd, path, assets, assets_size / 2);
		return 0;
	}
	put_file(fd, path, assets, assets_size);
	put_file(fd, path, manifest, manifest_size);
	close_file(fd, path);
	if (strcmp(fault, "no-footer") == 0)
		return 0;

	crc = crc_of(path, start);
	if (strcmp(fault, "wrong-crc") == 0)
		crc = ~crc;
	memcpy(footer, magic, sizeof(magic));
	end = little_endian(footer + sizeof(magic), 1, 4);
	end = little_endian(end, start, 8); /* the stub's size ... */
	end = little_endian(end, start, 8); /* ... and what comes behind it */
	end = little_endian(end, assets_size, 8);
	end = little_endian(end, start + assets_size, 8);
	end = little_endian(end, manifest_size, 8);
	little_endian(end, crc, 4);
	fd = open_file(path, O_WRONLY | O_APPEND);
	put(fd, path, footer, sizeof(footer));
	close_file(fd, path);

	if (strcmp(fault, "truncated") == 0 && truncate(path, (off_t)(start + assets_size / 2)) < 0)
		die_errno("truncate", path);
	if (strcmp(fault, "bit-flip") == 0)
		flip_bit(path, start + assets_size / 2);
	return 0;
}
