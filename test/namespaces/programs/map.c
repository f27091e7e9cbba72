/* map FILE: makes a file of 1 MiB and 100 bytes, and writes into it through memory. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1024 * 1024 + 100)

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0644) : -1;
	char *map, end[4];

	if (fd < 0 || ftruncate(fd, SIZE))
		return perror("open"), 1;
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return perror("mmap"), 1;
	memset(map, 'a', 4096);
	memcpy(map + 500000, "middle", 6);
	memcpy(map + SIZE - 4, "end\n", 4);
	if (msync(map, SIZE, MS_SYNC))
		return perror("msync"), 1;
	if (pread(fd, end, 4, SIZE - 4) != 4 || memcmp(end, "end\n", 4))
		return fputs("read(2) does not see what was mapped\n", stderr), 1;
	memcpy(map + 600000, "unsynced", 8);
	return munmap(map, SIZE) || close(fd);
}
