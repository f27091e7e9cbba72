/* Says what it is and what it was told, with words of a library that is beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *greeting(void);

int main(int argc, char **argv) {
	char line[256];
	printf("%s from %s\n", greeting(), argv[0]);
	for (int i = 1; i < argc; i++)
		printf("argument %s\n", argv[i]);
	while (fgets(line, sizeof line, stdin))
		printf("input %s", line);
	return argc > 1 && strcmp(argv[1], "fail") == 0 ? 3 : 0;
}
