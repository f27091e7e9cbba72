/*
 * hello INPUT OUTPUT: greets, copies a file, and tells from which devices its code was mapped: "mapped DEVICE PATH".
 */
#include <stdio.h>
#include <string.h>

extern void greet(const char *);

static int copy(const char *from, const char *to)
{
	static char buffer[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	if (!in || !out)
		return perror(in ? to : from), 1;
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		if (fwrite(buffer, 1, n, out) != n)
			return perror(to), 1;
	fclose(in);
	return fclose(out) ? perror(to), 1 : 0;
}

int main(int argc, char **argv)
{
	char line[4096], permissions[8], device[16], path[4096];
	FILE *maps = fopen("/proc/self/maps", "r");

	if (argc != 3 || !maps)
		return 2;
	greet(argv[0]);
	while (fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%*s %7s %*s %15s %*s %4095s", permissions, device, path) == 3 && path[0] == '/' &&
		    strchr(permissions, 'x'))
			printf("mapped %s %s\n", device, path);
	}
	return copy(argv[1], argv[2]);
}
