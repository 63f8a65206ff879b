/*
 * A script's first line, read as execve(2) reads it. Planner (root) and CLI;
 * distrusts the file, of which 256 bytes are read and nothing is executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/script.h"
#include "lib/fd.h"

#define HEAD_MAX 256 /* what the kernel looks at (BINPRM_BUF_SIZE) */

/* How many bytes were read; 0 when there is nothing to judge. */
static size_t
script_head(int program, char *head)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", program);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		n = read(fd, head, HEAD_MAX);
	fd_close(&fd);
	return (n > 0 ? (size_t)n : 0);
}

/* Text, by its first line; binfmt_misc's other formats have other bytes. */
static bool
script_is_text(const char *head, size_t n)
{
	for (size_t i = 0; i < n && head[i] != '\n'; i++) {
		unsigned char c = (unsigned char)head[i];

		if (c < ' ' && c != '\t' && c != '\r')
			return (false);
	}
	return (true);
}

bool
script_fault(int fd, char *buf, size_t size)
{
	char head[HEAD_MAX + 1], *name;
	size_t n = script_head(fd, head);

	if (n == 0)
		return (false);
	head[n] = '\0';
	if (n < 2 || head[0] != '#' || head[1] != '!') {
		if (!script_is_text(head, n))
			return (false);
		snprintf(buf, size,
		    "is a script without an interpreter: write #!/bin/sh or "
		    "another in its first line");
		return (true);
	}
	name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	n = strlen(name);
	if (n > 0 && name[n - 1] == '\r')
		snprintf(buf, size,
		    "has lines that end in CR LF, so that its interpreter is "
		    "not found: remove the CR");
	else if (name[0] != '/')
		snprintf(buf, size,
		    "names `%.60s` as its interpreter, which is not an "
		    "absolute path: write #!/bin/sh or another",
		    name);
	else if (access(name, F_OK) != 0)
		snprintf(buf, size, "has the interpreter %.80s: %s", name,
		    strerror(errno));
	else
		return (false);
	return (true);
}
