/*
 * The files of PAM, as Linux-PAM reads them (pam.conf(5)). Whoever calls this
 * trusts them as PAM does: they are root's. Size and depth are bounded all the
 * same.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/pamstack.h"

#define STACK_LINE_MAX 1024
#define STACK_DEPTH_MAX 8 /* a file that a file includes */

const char *const pamstack_folders[] = {
    "/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d", NULL};

static const char *const module_globs[] = {"/usr/lib/*/security",
    "/usr/lib64/security", "/usr/lib/security", "/lib/*/security",
    "/lib64/security", "/lib/security", "/usr/local/lib/security"};

struct stack {
	const char *const *folders;
	const char *type, *module;
	char *path; /* NULL: not asked for */
	size_t size;
};

static bool stack_walk(const struct stack *s, const char *file, int depth);

/* NULL where no folder has it. A FIFO or a device cannot hang us. */
static FILE *
stack_open(const struct stack *s, const char *file)
{
	char path[512];
	struct stat st;
	FILE *f;
	int fd;

	for (size_t i = 0; s->folders[i] != NULL; i++) {
		if (file[0] == '/')
			snprintf(path, sizeof(path), "%s", file);
		else
			snprintf(path, sizeof(path), "%s/%s", s->folders[i],
			    file);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			continue;
		f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
		    ? fdopen(fd, "re") : NULL;
		if (f == NULL)
			fd_close(&fd);
		return (f);
	}
	return (NULL);
}

/* A line without its comment, joined with those that it goes on in. */
static bool
stack_line(FILE *f, char *line, size_t size)
{
	size_t n = 0, end;

	while (n + 1 < size && fgets(line + n, (int)(size - n), f) != NULL) {
		end = n + strcspn(line + n, "#\r\n");
		line[end] = '\0';
		if (end == n || line[end - 1] != '\\')
			return (true);
		line[end - 1] = ' ';
		n = end;
	}
	return (n > 0);
}

/* The next word; one in square brackets may hold spaces. */
static char *
stack_word(char **rest)
{
	char *p = *rest + strspn(*rest, " \t"), *end;

	if (*p == '\0')
		return (NULL);
	end = p + (*p == '[' ? strcspn(p, "]") : strcspn(p, " \t"));
	if (*end == ']')
		end++;
	if (*end != '\0')
		*end++ = '\0';
	*rest = end;
	return (p);
}

static bool
stack_is_module(const struct stack *s, const char *word)
{
	const char *last = strrchr(word, '/');

	if (strcmp(last != NULL ? last + 1 : word, s->module) != 0)
		return (false);
	if (s->path != NULL)
		snprintf(s->path, s->size, "%s", word);
	return (true);
}

static bool
stack_try(const struct stack *s, char *line, int depth)
{
	char *type = stack_word(&line), *control = stack_word(&line), *word;

	if (type == NULL || control == NULL)
		return (false);
	if (strcmp(type, "@include") == 0)
		return (stack_walk(s, control, depth + 1));
	word = stack_word(&line);
	if (*type == '-')
		type++;
	if (word == NULL || strcasecmp(type, s->type) != 0)
		return (false);
	if (strcasecmp(control, "include") == 0 ||
	    strcasecmp(control, "substack") == 0)
		return (stack_walk(s, word, depth + 1));
	return (stack_is_module(s, word));
}

static bool
stack_walk(const struct stack *s, const char *file, int depth)
{
	FILE *f = depth > STACK_DEPTH_MAX ? NULL : stack_open(s, file);
	char line[STACK_LINE_MAX];
	bool found = false;

	if (f == NULL && depth == 0)
		f = stack_open(s, "other");
	if (f == NULL)
		return (false);
	while (!found && stack_line(f, line, sizeof(line)))
		found = stack_try(s, line, depth);
	fclose(f);
	return (found);
}

bool
pamstack_runs(const char *const *folders, const char *service,
    const char *type, const char *module, char *path, size_t size)
{
	const struct stack s = {.folders = folders, .type = type,
	    .module = module, .path = path, .size = size};

	return (stack_walk(&s, service, 0));
}

/* Whether one of those folders has PAM's own module and this one. */
static bool
stack_beside(const char *folders, const char *module)
{
	char path[512];
	glob_t g = {0};
	bool found = false;

	if (glob(folders, 0, NULL, &g) == 0) {
		for (size_t i = 0; !found && i < g.gl_pathc; i++) {
			snprintf(path, sizeof(path), "%s/pam_unix.so",
			    g.gl_pathv[i]);
			if (access(path, F_OK) != 0)
				continue;
			snprintf(path, sizeof(path), "%s/%s", g.gl_pathv[i],
			    module);
			found = access(path, R_OK) == 0;
		}
	}
	globfree(&g);
	return (found);
}

bool
pamstack_is_installed(const char *module)
{
	if (module[0] == '/')
		return (access(module, R_OK) == 0);
	for (size_t i = 0; i < sizeof(module_globs) / sizeof(module_globs[0]);
	     i++) {
		if (stack_beside(module_globs[i], module))
			return (true);
	}
	return (false);
}
