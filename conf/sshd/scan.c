/*
 * The system's sshd_config, hosts.allow and hosts.deny, read for what an
 * administrator said there and might think in force here. Planner (root)
 * and CLI. The files are the administrator's; size, depth and number are
 * bounded all the same, and nothing but regular files is read.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/rules.h"
#include "conf/sshd/sshd.h"
#include "lib/fd.h"

#define SCAN_FILE_MAX 1048576
#define SCAN_LINE_MAX 4096
#define SCAN_DEPTH_MAX 8   /* Include within Include */
#define SCAN_FILES_MAX 256 /* of all of them */

const struct sshd_scan_paths sshd_system_paths = {
    .sshd_config = "/etc/ssh/sshd_config",
    .hosts_allow = "/etc/hosts.allow",
    .hosts_deny = "/etc/hosts.deny",
};

struct scan {
	const struct conf *conf;
	const struct conf_service *ssh;
	const char *folder; /* what Include is relative to */
	struct conf_report *report;
	unsigned files;
	/* Keywords and values of the sshd-config FILE, a line each. */
	FILE *gather;
	const char *ours;
};

static void
scan_warn(
    const struct scan *s, const char *file, unsigned line, const char *text)
{
	struct conf_pos pos = {line, line == 0 ? 0 : 1};

	conf_report_add_file(s->report, CONF_WARNING, file, pos, "%s", text);
}

/* NULL, and a warning, when it cannot be read; NULL alone when it is not. */
static FILE *
scan_open(const struct scan *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[160];
	struct stat st;
	FILE *f;

	if (fd == -1 && errno == ENOENT)
		return (NULL);
	if (fd == -1 || fstat(fd, &st) != 0) {
		snprintf(text, sizeof(text),
		    "not checked for keywords that are not carried over: %s",
		    strerror(errno));
		scan_warn(s, path, 0, text);
		fd_close(&fd);
		return (NULL);
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SCAN_FILE_MAX) {
		scan_warn(s, path, 0,
		    "not checked for keywords that are not carried over: not a "
		    "regular file, or too large");
		fd_close(&fd);
		return (NULL);
	}
	f = fdopen(fd, "re");
	if (f == NULL)
		fd_close(&fd);
	return (f);
}

/*
 * A line of sshd_config as its keyword and the rest, both lower case and
 * without quotes around the whole; false for an empty line or a comment.
 */
static bool
scan_split(char *line, char **keyword, char **value)
{
	char *p = line + strspn(line, " \t\f\v\"");
	size_t n;

	n = strcspn(p, "\r\n");
	for (size_t i = 1; i < n; i++) {
		if (p[i] == '#' && (p[i - 1] == ' ' || p[i - 1] == '\t'))
			n = i;
	}
	while (n > 0 && strchr(" \t\f\v\"", p[n - 1]) != NULL)
		n--;
	p[n] = '\0';
	if (*p == '\0' || *p == '#')
		return (false);
	for (char *c = p; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	*keyword = p;
	p += strcspn(p, " \t=\"");
	if (*p != '\0')
		*p++ = '\0';
	*value = p + strspn(p, " \t=\"");
	return (true);
}

static bool
scan_is_ours(const struct scan *s, const char *keyword, const char *value)
{
	char line[SCAN_LINE_MAX + 8];

	if (s->ours == NULL)
		return (false);
	snprintf(line, sizeof(line), "\n%s %s\n", keyword, value);
	return (strstr(s->ours, line) != NULL);
}

static void
scan_judge(const struct scan *s, const char *file, unsigned line,
    const char *keyword, const char *value)
{
	char text[CONF_MESSAGE_MAX], can[128];

	if (scan_is_ours(s, keyword, value) ||
	    !rules_miss(s->conf, s->ssh, keyword, value, can, sizeof(can)))
		return;
	snprintf(text, sizeof(text),
	    "`%.100s %.100s` is not carried over: %.127s", keyword, value, can);
	scan_warn(s, file, line, text);
}

static void scan_file(struct scan *s, const char *path, unsigned depth);

static void
scan_include(struct scan *s, const char *value, unsigned depth)
{
	char pattern[SCAN_LINE_MAX * 2];
	glob_t g = {0};

	if (value[0] == '/')
		snprintf(pattern, sizeof(pattern), "%s", value);
	else
		snprintf(pattern, sizeof(pattern), "%s/%s", s->folder, value);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			scan_file(s, g.gl_pathv[i], depth + 1);
	}
	globfree(&g);
}

/* Include takes several patterns; its case matters, unlike the keywords'. */
static void
scan_includes(struct scan *s, const char *raw, unsigned depth)
{
	char copy[SCAN_LINE_MAX];
	char *save = NULL, *word;

	snprintf(copy, sizeof(copy), "%s", raw);
	word = strtok_r(copy, " \t\r\n\"=", &save);
	while (
	    word != NULL && (word = strtok_r(NULL, " \t\r\n\"", &save)) != NULL)
		scan_include(s, word, depth);
}

static void
scan_file(struct scan *s, const char *path, unsigned depth)
{
	char line[SCAN_LINE_MAX], raw[SCAN_LINE_MAX];
	char *keyword, *value;
	unsigned number = 0;
	FILE *f;

	if (depth > SCAN_DEPTH_MAX || s->files++ >= SCAN_FILES_MAX) {
		scan_warn(s, path, 0,
		    "not checked for keywords that are not carried over: too "
		    "many files");
		return;
	}
	f = scan_open(s, path);
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		number++;
		memcpy(raw, line, strlen(line) + 1);
		if (!scan_split(line, &keyword, &value))
			continue;
		if (strcmp(keyword, "include") == 0)
			scan_includes(s, raw, depth);
		else if (s->gather != NULL)
			fprintf(s->gather, "%s %s\n", keyword, value);
		else
			scan_judge(s, path, number, keyword, value);
	}
	fclose(f);
}

/* What our own sshd-config FILE says is carried over; malloc'd, or NULL. */
static char *
scan_gather(const struct scan *s)
{
	struct conf_report silent = {0};
	struct scan g = {.folder = s->folder, .report = &silent};
	char *text = NULL;
	size_t n = 0;

	if (s->ssh->ssh.sshd_config == NULL)
		return (NULL);
	g.gather = open_memstream(&text, &n);
	if (g.gather == NULL)
		return (NULL);
	fputc('\n', g.gather);
	scan_file(&g, s->ssh->ssh.sshd_config, 0);
	if (fclose(g.gather) != 0) {
		free(text);
		text = NULL;
	}
	conf_report_clear(&silent);
	return (text);
}

static void
scan_sshd(struct scan *s, const char *path)
{
	char folder[SCAN_LINE_MAX];
	char *slash, *ours;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	s->folder = folder;
	ours = scan_gather(s);
	s->ours = ours;
	scan_file(s, path, 0);
	s->folder = NULL;
	s->ours = NULL;
	free(ours);
}

/* hosts_access(5): any rule at all, since ours has none of them. */
static void
scan_hosts(const struct scan *s, const char *path)
{
	char line[SCAN_LINE_MAX];
	unsigned number = 0;
	FILE *f = scan_open(s, path);

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *p = line + strspn(line, " \t\r\n");

		number++;
		if (*p == '\0' || *p == '#')
			continue;
		scan_warn(s, path, number,
		    "its rules apply only to ssh, and only if sshd was built "
		    "with libwrap");
		break;
	}
	fclose(f);
}

void
sshd_scan(const struct conf *conf, const struct sshd_scan_paths *paths,
    struct conf_report *report)
{
	struct scan s = {.conf = conf, .report = report};

	for (unsigned i = 0; i < conf->service_count; i++) {
		const struct service_traits *traits =
		    service_traits(conf->services[i].kind);

		if (traits->by == BY_SSHD && !traits->subsystem)
			s.ssh = &conf->services[i];
	}
	if (s.ssh != NULL && paths->sshd_config != NULL)
		scan_sshd(&s, paths->sshd_config);
	if (conf->service_count > 0 && paths->hosts_allow != NULL)
		scan_hosts(&s, paths->hosts_allow);
	if (conf->service_count > 0 && paths->hosts_deny != NULL)
		scan_hosts(&s, paths->hosts_deny);
}
