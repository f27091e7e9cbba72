/*
 * su USER: becomes a user who has no password in /etc/passwd, as su(1) does, and tells the number that it has then:
 * "USER: 0". Linked statically it needs nothing of where it runs.
 */
#define _DEFAULT_SOURCE
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	FILE *users = fopen("/etc/passwd", "r");
	struct passwd *user = NULL;

	if (argc != 2 || !users)
		return 2;
	while ((user = fgetpwent(users)) && (strcmp(user->pw_name, argv[1]) || *user->pw_passwd))
		;
	if (!user)
		printf("%s: has a password, or is not there\n", argv[1]);
	else if (setgid(user->pw_gid) || setuid(user->pw_uid))
		printf("%s: refused\n", argv[1]);
	else
		printf("%s: %d\n", argv[1], geteuid());
	return 0;
}
