/*
 * hunt SECONDS ATTACK: looks for shells that its own user has in other sessions of the same daemon, and attacks them:
 * "kill" or "trace". Tells whether it met any, and how often it saw a file that is root's alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int met, seen;

static void look(const char *pid, const char *name)
{
	char path[300], secret[16] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	if (read(fd, secret, 6) == 6 && !strncmp(secret, "secret", 6))
		seen++;
	close(fd);
}

static int holds(const char *pid, const char *name, const char *text)
{
	static char buffer[65536];
	char path[64];
	ssize_t size;
	int fd;

	snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	size = read(fd, buffer, sizeof buffer);
	close(fd);
	return size > 0 && memmem(buffer, size, text, strlen(text));
}

static void attack(const char *pid, int traces)
{
	static const char *const files[] = {"root/root/secret", "cwd/root/secret", "fd/3", "fd/4", "fd/6/root/secret", "fd/8"};

	if (atoi(pid) == getppid() || !holds(pid, "cmdline", "sh") || !holds(pid, "environ", getenv("XCPU_INSTANCE")))
		return;
	met++;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		look(pid, files[i]);
	if (!traces) {
		kill(atoi(pid), SIGKILL);
	} else if (ptrace(PTRACE_ATTACH, atoi(pid), 0, 0) == 0) {
		int status = 0;

		waitpid(atoi(pid), &status, 0);
		look(pid, "root/root/secret");
		/* It may have stopped for another signal, which is its own, and for the one to stop later: it shall not. */
		ptrace(PTRACE_DETACH, atoi(pid), 0, WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP ? WSTOPSIG(status) : 0);
		kill(atoi(pid), SIGCONT);
	}
}

int main(int argc, char **argv)
{
	time_t end = time(0) + atoi(argv[1]);
	struct dirent *entry;
	struct stat owner;

	puts("hunting");
	fflush(stdout);
	while (argc == 3 && time(0) < end) {
		DIR *proc = opendir("/proc");

		while ((entry = readdir(proc)))
			if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid() &&
			    fstatat(dirfd(proc), entry->d_name, &owner, 0) == 0 && owner.st_uid == getuid())
				attack(entry->d_name, argv[2][0] == 't');
		closedir(proc);
	}
	printf("met %s, saw %d\n", met ? "some" : "none", seen);
	return 0;
}
