/*
 * Stands in a role's place for a test: runs the real program, REAL, below
 * strace with the words of the file WORDS where that is not empty. strace -D
 * leaves the program its process and its parent.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 16

/* Given by who compiles it. */
#ifndef REAL
#define REAL "/bin/false"
#define WORDS "/dev/null"
#define LOG "/dev/null"
#endif

int
main(int argc, char *argv[])
{
	static char text[1024], log[PATH_MAX];
	char *args[WORDS_MAX + 8] = {"strace", "-D", "-q", "-o", log};
	int n = 5, fd = open(WORDS, O_RDONLY | O_CLOEXEC);
	char *word, *rest = text;

	(void)argc;
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
		execv(REAL, argv);
		_exit(127);
	}
	snprintf(log, sizeof(log), "%s.%d", LOG, (int)getpid());
	while (n < WORDS_MAX && (word = strsep(&rest, " ")) != NULL)
		args[n++] = word;
	args[n++] = REAL;
	execv("/usr/bin/strace", args);
	_exit(127);
}
