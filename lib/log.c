/* Lines for developers on descriptor 2. Any process. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

static const char *log_name = "portreeve";
static int log_fd = 2;
static int log_verbose;

void
log_set_fd(int fd)
{
	log_fd = fd;
}

void
log_set_verbose(int verbose)
{
	log_verbose = verbose;
}

void
log_set_name(const char *name)
{
	log_name = name;
}

/* One write a line, so that lines of several processes do not mix. */
static void
log_line(const char *fmt, va_list ap, const char *tail)
{
	char text[1024], line[1200];
	int n;

	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	n = snprintf(line, sizeof(line), "%s: %s%s%s\n", log_name, text,
	    tail == NULL ? "" : ": ", tail == NULL ? "" : tail);
	if (n >= (int)sizeof(line))
		n = (int)sizeof(line) - 1;
	if (n > 0 && write(log_fd, line, (size_t)n) < 0)
		return; /* nobody is left to tell */
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap, NULL);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap, NULL);
	va_end(ap);
}

void
log_errno(const char *fmt, ...)
{
	const char *tail = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap, tail);
	va_end(ap);
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap, NULL);
	va_end(ap);
	exit(1);
}

void
bug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap, "(a bug)");
	va_end(ap);
	abort();
}
