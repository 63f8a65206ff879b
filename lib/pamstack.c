/*
 * Reads PAM's files, as Linux-PAM does (pam.conf(5)), to know which modules a
 * service's stack has. The planner (sealed, with root's uid) reads them for
 * warnings, a login process (root) to know why PAM failed. They are trusted as
 * PAM trusts them: they are root's. Lines and depth are bounded all the same,
 * and only pamstack_lacks_module() loads a module, which PAM itself would have
 * loaded.
 */
#include <sys/stat.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <link.h>
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
	const char *type; /* NULL: all */
	/* The last part of a module's name, as the line has it, and the rest.
	 */
	bool (*is_wanted)(
	    const char *name, const char *word, char *rest, void *arg);
	void *arg;
};

struct wanted {
	const char *module;
	const char *argument; /* NULL: with any, or none */
	char *path;	      /* NULL: not asked for */
	size_t size;
};

static bool pamstack_walk(const struct stack *s, const char *file, int depth);

/* NULL where no folder has it. A FIFO or a device cannot hang us. */
static FILE *
pamstack_open(const struct stack *s, const char *file)
{
	char path[512];
	struct stat st;
	FILE *f;
	int fd;

	for (size_t i = 0; s->folders[i] != NULL; i++) {
		if (file[0] == '/')
			snprintf(path, sizeof(path), "%s", file);
		else
			snprintf(
			    path, sizeof(path), "%s/%s", s->folders[i], file);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			continue;
		f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
			? fdopen(fd, "re")
			: NULL;
		if (f == NULL)
			fd_close(&fd);
		return (f);
	}
	return (NULL);
}

/* A line without its comment, joined with those that it goes on in. */
static bool
pamstack_line(FILE *f, char *line, size_t size)
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
pamstack_word(char **rest)
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
pamstack_has_argument(char *rest, const char *argument)
{
	const char *word;

	while ((word = pamstack_word(&rest)) != NULL) {
		if (strcmp(word, argument) == 0)
			return (true);
	}
	return (false);
}

static bool
pamstack_is_module(const char *name, const char *word, char *rest, void *arg)
{
	const struct wanted *w = arg;

	if (strcmp(name, w->module) != 0 ||
	    (w->argument != NULL && !pamstack_has_argument(rest, w->argument)))
		return (false);
	if (w->path != NULL)
		snprintf(w->path, w->size, "%s", word);
	return (true);
}

static bool
pamstack_meet(const struct stack *s, const char *word, char *rest)
{
	const char *last = strrchr(word, '/');

	return (
	    s->is_wanted(last != NULL ? last + 1 : word, word, rest, s->arg));
}

static bool
pamstack_try(const struct stack *s, char *line, int depth)
{
	char *type = pamstack_word(&line), *control = pamstack_word(&line),
	     *word;

	if (type == NULL || control == NULL)
		return (false);
	if (strcmp(type, "@include") == 0)
		return (pamstack_walk(s, control, depth + 1));
	word = pamstack_word(&line);
	if (*type == '-')
		type++;
	if (word == NULL || (s->type != NULL && strcasecmp(type, s->type) != 0))
		return (false);
	if (strcasecmp(control, "include") == 0 ||
	    strcasecmp(control, "substack") == 0)
		return (pamstack_walk(s, word, depth + 1));
	return (pamstack_meet(s, word, line));
}

static bool
pamstack_walk(const struct stack *s, const char *file, int depth)
{
	FILE *f = depth > STACK_DEPTH_MAX ? NULL : pamstack_open(s, file);
	char line[STACK_LINE_MAX];
	bool found = false;

	if (f == NULL && depth == 0)
		f = pamstack_open(s, "other");
	if (f == NULL)
		return (false);
	while (!found && pamstack_line(f, line, sizeof(line)))
		found = pamstack_try(s, line, depth);
	fclose(f);
	return (found);
}

bool
pamstack_runs(const char *const *folders, const char *service, const char *type,
    const char *module, char *path, size_t size)
{
	struct wanted wanted = {.module = module, .path = path, .size = size};
	const struct stack s = {.folders = folders,
	    .type = type,
	    .is_wanted = pamstack_is_module,
	    .arg = &wanted};

	return (pamstack_walk(&s, service, 0));
}

/* Whether one of those folders has PAM's own module and this one: its path. */
static bool
pamstack_beside(
    const char *folders, const char *module, char *path, size_t size)
{
	glob_t g = {0};
	bool found = false;

	if (glob(folders, 0, NULL, &g) == 0) {
		for (size_t i = 0; !found && i < g.gl_pathc; i++) {
			snprintf(path, size, "%s/pam_unix.so", g.gl_pathv[i]);
			if (access(path, F_OK) != 0)
				continue;
			snprintf(path, size, "%s/%s", g.gl_pathv[i], module);
			found = access(path, R_OK) == 0;
		}
	}
	globfree(&g);
	return (found);
}

static bool
pamstack_find(const char *module, char *path, size_t size)
{
	bool found = false;

	if (module[0] == '/') {
		snprintf(path, size, "%s", module);
		return (access(module, R_OK) == 0);
	}
	for (size_t i = 0;
	     !found && i < sizeof(module_globs) / sizeof(module_globs[0]); i++)
		found = pamstack_beside(module_globs[i], module, path, size);
	return (found);
}

bool
pamstack_is_installed(const char *module)
{
	char path[512];

	return (pamstack_find(module, path, sizeof(path)));
}

struct loaded {
	const char *name;
	bool found;
};

static int
pamstack_look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct loaded *l = arg;
	const char *last = strrchr(info->dlpi_name, '/');

	(void)size;
	l->found =
	    strcmp(last != NULL ? last + 1 : info->dlpi_name, l->name) == 0;
	return (l->found);
}

static bool
pamstack_is_missed(const char *name, const char *word, char *rest, void *arg)
{
	struct loaded l = {.name = name};
	char path[512];
	void *module;

	(void)rest;
	(void)arg;
	dl_iterate_phdr(pamstack_look, &l);
	if (l.found || !pamstack_find(word, path, sizeof(path)))
		return (false);
	/* One that never can be loaded is the host's own way. */
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL)
		return (false);
	dlclose(module);
	return (true);
}

bool
pamstack_lacks_module(const char *const *folders, const char *service)
{
	const struct stack s = {
	    .folders = folders, .is_wanted = pamstack_is_missed};

	return (pamstack_walk(&s, service, 0));
}

#define STACK_OURS "pam_portreeve.so"

bool
pamstack_has_ours(const char *service, char *why, size_t size)
{
	static const char *const types[] = {"account", "session"};
	char module[512] = "";

	for (int i = 0; i < 2; i++) {
		if (!pamstack_runs(pamstack_folders, service, types[i],
			STACK_OURS, module, sizeof(module))) {
			snprintf(why, size,
			    "PAM's service %s has no %s line for " STACK_OURS,
			    service, types[i]);
			return (false);
		}
		if (!pamstack_is_installed(module)) {
			snprintf(why, size, "PAM has no module %.200s", module);
			return (false);
		}
	}
	return (true);
}

bool
pamstack_has_order(const char *const *folders, const char *service)
{
	struct wanted wanted = {.module = STACK_OURS, .argument = "order"};
	const struct stack s = {.folders = folders,
	    .type = "auth",
	    .is_wanted = pamstack_is_module,
	    .arg = &wanted};

	return (pamstack_walk(&s, service, 0));
}
