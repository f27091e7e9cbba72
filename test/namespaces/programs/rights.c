/*
 * rights: tells what its process may: who it is, and what becomes of each attempt to be or to see more. "name: yes" is
 * what nobody wants.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void attempt(const char *what, int succeeded)
{
	printf("%s: %s\n", what, succeeded ? "yes" : "no");
}

static int opens(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd >= 0 && !close(fd);
}

static int enters(const char *directory)
{
	DIR *opened = opendir(directory);

	return opened && !closedir(opened);
}

/* Whether anything of a process that is not its own can be had: its files, its tree, its memory, its namespaces. */
static int steals(const char *pid)
{
	static const char *const files[] = {"root/root/secret", "cwd/secret", "fd/3", "fd/4", "fd/5", "fd/6", "mem", "environ"};
	char path[300];
	int stolen = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "/proc/%s/%s", pid, files[i]);
		stolen += opens(path);
	}
	snprintf(path, sizeof path, "/proc/%s/root", pid);
	stolen += enters(path);
	snprintf(path, sizeof path, "/proc/%s/ns/mnt", pid);
	int ns = open(path, O_RDONLY);
	stolen += ns >= 0 && setns(ns, CLONE_NEWNS) == 0;
	stolen += kill(atoi(pid), 0) == 0;
	stolen += ptrace(PTRACE_SEIZE, atoi(pid), 0, 0) == 0;
	return stolen;
}

static int steals_from_others(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	struct stat owner;
	int stolen = 0;

	while (proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0 && fstatat(dirfd(proc), entry->d_name, &owner, 0) == 0 && owner.st_uid != getuid())
			stolen += steals(entry->d_name);
	return stolen;
}

/* But for the standard ones, and its own root, from which no way leads out. */
static int descriptors(void)
{
	struct stat root, file, above;
	int count = 0;

	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			count += stat("/", &root) || fstat(fd, &file) || fstatat(fd, "..", &above, 0) ||
				 file.st_dev != root.st_dev || file.st_ino != root.st_ino || above.st_dev != root.st_dev ||
				 above.st_ino != root.st_ino;
	return count;
}

int main(void)
{
	uid_t real, effective, saved;

	getresuid(&real, &effective, &saved);
	printf("user %d %d %d group %d %d\n", real, effective, saved, getgid(), getegid());
	printf("NoNewPrivs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	attempt("the secret", opens("/root/secret"));
	attempt("inherited descriptors", descriptors() > 0);
	attempt("others' processes", steals_from_others());
	attempt("mount", mount("none", "/tmp", "tmpfs", 0, 0) == 0);
	attempt("a device", mknod("device", S_IFBLK | 0666, makedev(254, 0)) == 0);
	attempt("chroot", chroot("/") == 0);
	attempt("setuid", setuid(0) == 0);
	return 0;
}
