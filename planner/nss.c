/*
 * Which name services the planner asks. Planner, sealed: root's uid, or an
 * ordinary user's. Reads nsswitch.conf, which is root's, as the C library
 * does. A module is never run from here, and one that is not known keeps the
 * network, because without it users would be missing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "planner/nss.h"
#include "sandbox/sandbox.h"

#define NSS_FILE "/etc/nsswitch.conf"
#define NSS_LINE_MAX 1024

/* What getpwnam(), getgrnam(), getgrouplist() and getservbyname() ask. */
static const char *const databases[] = {"passwd", "group", "initgroups",
    "services", "passwd_compat", "group_compat"};

static const struct {
	const char *module;
	enum nss_need need;
} modules[] = {
    {"files", NSS_LOCAL},
    {"db", NSS_LOCAL},
    {"systemd", NSS_LOCAL},    /* a unix socket, as the next two */
    {"sss", NSS_LOCAL},	       /* of sssd */
    {"winbind", NSS_LOCAL},    /* of winbindd */
    {"mymachines", NSS_LOCAL}, /* of systemd-machined, the system bus */
    {"extrausers", NSS_LOCAL}, /* files, as the next two */
    {"altfiles", NSS_LOCAL},
    {"cache", NSS_LOCAL},
    {"ldap", NSS_NETWORK}, /* by itself, or by nslcd: of one name */
    {"nis", NSS_NETWORK},
    {"nisplus", NSS_NETWORK},
    {"hesiod", NSS_NETWORK},
    {"dns", NSS_NETWORK},
};

static enum nss_need
nss_judge_module(const char *module, bool compat)
{
	if (strcmp(module, "compat") == 0)
		return (compat ? NSS_NETWORK : NSS_LOCAL);
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		if (strcmp(modules[i].module, module) == 0)
			return (modules[i].need);
	}
	return (NSS_UNKNOWN);
}

/* Comments and [STATUS=action] go; the database's name, or NULL. */
static char *
nss_begin_line(char *line, char **rest)
{
	bool action = false;

	line[strcspn(line, "#\n")] = '\0';
	for (char *p = line; *p != '\0'; p++) {
		bool end = *p == ']';

		action = action || *p == '[';
		if (action)
			*p = ' ';
		action = action && !end;
	}
	return (strtok_r(line, ": \t", rest));
}

static bool
nss_is_asked(const char *database)
{
	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		if (strcmp(databases[i], database) == 0)
			return (true);
	}
	return (false);
}

enum nss_need
nss_judge(FILE *f, bool compat, char module[NSS_MODULE_MAX])
{
	char line[NSS_LINE_MAX], *rest, *word;
	enum nss_need need = NSS_LOCAL;

	module[0] = '\0';
	while (need == NSS_LOCAL && fgets(line, sizeof(line), f) != NULL) {
		/* What is longer is read as if it needed the network. */
		if (strlen(line) == sizeof(line) - 1)
			return (NSS_UNKNOWN);
		word = nss_begin_line(line, &rest);
		if (word == NULL || !nss_is_asked(word))
			continue;
		while (need == NSS_LOCAL &&
		       (word = strtok_r(NULL, ": \t", &rest)) != NULL) {
			need = nss_judge_module(word, compat);
			if (need != NSS_LOCAL)
				snprintf(module, NSS_MODULE_MAX, "%s", word);
		}
	}
	return (ferror(f) ? NSS_UNKNOWN : need);
}

/* Whether nss_compat has entries of another module to add, NIS's mostly. */
static bool
nss_has_plus(const char *path)
{
	FILE *f = fopen(path, "re");
	bool begins = true, plus = false;
	int c;

	while (f != NULL && !plus && (c = getc(f)) != EOF) {
		plus = begins && (c == '+' || c == '-');
		begins = c == '\n';
	}
	if (f != NULL)
		fclose(f);
	return (plus);
}

static enum nss_need
nss_judge_host(char module[NSS_MODULE_MAX])
{
	FILE *f = fopen(NSS_FILE, "re");
	enum nss_need need;

	module[0] = '\0';
	if (f == NULL) /* the C library then asks files only */
		return (errno == ENOENT ? NSS_LOCAL : NSS_UNKNOWN);
	need = nss_judge(f,
	    nss_has_plus("/etc/passwd") || nss_has_plus("/etc/group"), module);
	fclose(f);
	return (need);
}

bool
nss_is_unknown(char module[NSS_MODULE_MAX])
{
	return (nss_judge_host(module) == NSS_UNKNOWN);
}

void
nss_close_network(void)
{
	char module[NSS_MODULE_MAX];
	int err;

	if (nss_judge_host(module) != NSS_LOCAL)
		return;
	err = sandbox_close_network(SANDBOX_PLANNER);
	if (err != 0)
		die("the network cannot be closed: %s", err_text(err));
}
