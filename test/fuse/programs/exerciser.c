/*
 * usage: exerciser FILE SEED OPERATIONS [private]
 *
 * Reads, writes, truncates, maps and reopens a file at random, and compares it with a copy in memory all the while.
 * With `private` it maps only to read, and for itself: where shared maps that can be written are refused.
 * Prints the first difference and what led to it; exits with status 1 then, with 0 if there was none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 300000, REMEMBERED = 12 };

static unsigned char shadow[MOST], buffer[MOST];
static long size;
static int fd;
static const char *path;
static unsigned long long state;
static char past[REMEMBERED][80];
static int operations;
static int private_maps;

static unsigned random_below(unsigned limit)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % limit;
}

static void fail(const char *what)
{
	printf("%s: %s, operation %d, size %ld\n", what, strerror(errno), operations, size);
	for (int i = operations - REMEMBERED + 1; i <= operations; i++)
		if (i >= 0)
			printf("  %d %s\n", i, past[i % REMEMBERED]);
	exit(1);
}

static void note(const char *what, long at, long length)
{
	snprintf(past[operations % REMEMBERED], sizeof past[0], "%s at %ld length %ld size %ld", what, at, length, size);
}

static void fill(unsigned char *to, long length)
{
	for (long i = 0; i < length; i++)
		to[i] = random_below(256);
}

static void grow_to(long end)
{
	if (end <= size)
		return;
	size = end;
}

static void compare(const unsigned char *got, long at, long length, const char *what)
{
	for (long i = 0; i < length; i++)
		if (got[i] != shadow[at + i]) {
			printf("%s: byte %ld is %02x, not %02x\n", what, at + i, got[i], shadow[at + i]);
			errno = 0;
			fail("difference");
		}
}

static void check_size(void)
{
	struct stat st;
	if (fstat(fd, &st))
		fail("fstat");
	if (st.st_size != size) {
		printf("size is %ld, not %ld\n", (long)st.st_size, size);
		errno = 0;
		fail("size");
	}
}

static void do_read(long at, long length)
{
	note("read", at, length);
	ssize_t got = pread(fd, buffer, length, at);
	if (got < 0)
		fail("pread");
	long wanted = at >= size ? 0 : (size - at < length ? size - at : length);
	if (got != wanted) {
		printf("read %ld bytes, not %ld\n", (long)got, wanted);
		errno = 0;
		fail("short read");
	}
	compare(buffer, at, got, "read");
}

static void do_write(long at, long length)
{
	note("write", at, length);
	fill(buffer, length);
	if (pwrite(fd, buffer, length, at) != length)
		fail("pwrite");
	memcpy(shadow + at, buffer, length);
	grow_to(at + length);
}

static void do_truncate(long to)
{
	note("truncate", to, 0);
	if (ftruncate(fd, to))
		fail("ftruncate");
	if (to < size)
		memset(shadow + to, 0, size - to);
	size = to;
}

static void do_map(long at, long length, int write)
{
	note(write ? "map and write" : "map and read", at, length);
	long page = at & ~4095L;
	if (at + length > size)
		return;
	int rights = private_maps ? PROT_READ : PROT_READ | PROT_WRITE;
	int kind = private_maps ? MAP_PRIVATE : MAP_SHARED;
	unsigned char *map = mmap(NULL, at + length - page, rights, kind, fd, page);
	if (map == MAP_FAILED)
		fail("mmap");
	compare(map + (at - page), at, length, "map");
	if (write) {
		fill(map + (at - page), length);
		memcpy(shadow + at, map + (at - page), length);
		if (random_below(2) && msync(map, at + length - page, MS_SYNC))
			fail("msync");
	}
	munmap(map, at + length - page);
}

static void reopen(void)
{
	note("reopen", 0, 0);
	if (close(fd))
		fail("close");
	fd = open(path, O_RDWR);
	if (fd < 0)
		fail("open");
}

static void append(long length)
{
	note("append", size, length);
	if (size + length > MOST)
		return;
	int end = open(path, O_WRONLY | O_APPEND);
	fill(buffer, length);
	if (end < 0 || write(end, buffer, length) != length || close(end))
		fail("append");
	memcpy(shadow + size, buffer, length);
	size += length;
}

int main(int count, char **arguments)
{
	private_maps = count == 5 && !strcmp(arguments[4], "private");
	if (count != 4 + private_maps)
		return 2;
	path = arguments[1];
	state = strtoull(arguments[2], NULL, 10);
	int most = atoi(arguments[3]);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		fail("open");
	for (operations = 0; operations < most; operations++) {
		long at = random_below(MOST - 70000);
		long length = 1 + random_below(random_below(4) ? 5000 : 65000);
		switch (random_below(10)) {
		case 0: case 1: case 2:
			do_read(at, length);
			break;
		case 3: case 4: case 5:
			do_write(at, length);
			break;
		case 6:
			do_truncate(random_below(MOST));
			break;
		case 7:
			if (size > 0) {
				at = random_below(size);
				do_map(at, at + length > size ? size - at : length, random_below(2) && !private_maps);
			}
			break;
		case 8:
			reopen();
			break;
		default:
			if (random_below(2))
				append(length);
			else if (fsync(fd))
				fail("fsync");
		}
		if (operations % 16 == 0)
			check_size();
	}
	do_read(0, MOST);
	printf("%d operations agree\n", operations);
	return 0;
}
