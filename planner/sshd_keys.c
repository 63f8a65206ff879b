/*
 * Finds or makes host keys, and judges their certificates. Planner: sealed,
 * with root's uid and CAP_DAC_READ_SEARCH (in a check, whoever asked for it,
 * and no key is kept). Makes keys below the lasting state. Runs ssh-keygen at a
 * fixed path, which reads what an administrator wrote.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/column.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/safe.h"
#include "planner/run.h"
#include "planner/sshd_keys.h"

#define MAKE_SECONDS 50
#define LOOK_SECONDS 10
#define OUT_MAX 65536
#define FINGERPRINT_MAX 128
#define KEY_PATH_MAX (PATH_MAX + 64)

static const char *const kinds[HOSTKEY_COUNT] = {
    [HOSTKEY_ED25519] = "ed25519",
    [HOSTKEY_ECDSA] = "ecdsa",
    [HOSTKEY_RSA] = "rsa",
    [HOSTKEY_DSS] = "dsa",
};

static char found[HOSTKEY_COUNT][KEY_PATH_MAX];

static const char *
keys_program(void)
{
	static const char *const paths[] = {
	    "/usr/bin/ssh-keygen", "/usr/local/bin/ssh-keygen"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], X_OK) == 0)
			return (paths[i]);
	}
	return (NULL);
}

static void
keys_path(const char *folder, enum conf_hostkey kind, char path[KEY_PATH_MAX])
{
	snprintf(path, KEY_PATH_MAX, "%s/ssh_host_%s_key", folder, kinds[kind]);
}

static void
keys_add(struct sshd_keys *keys, const char *folder, enum conf_hostkey kind)
{
	keys_path(folder, kind, found[kind]);
	if (access(found[kind], R_OK) == 0)
		keys->paths[keys->count++] = found[kind];
}

static void
keys_look(
    const struct conf_ssh *ssh, const char *folder, struct sshd_keys *keys)
{
	for (int i = 0; i < HOSTKEY_COUNT; i++) {
		if (column_has_hostkey(ssh, (enum conf_hostkey)i))
			keys_add(keys, folder, (enum conf_hostkey)i);
	}
}

static int
keys_make(const char *folder, enum conf_hostkey kind, char *reason, size_t size)
{
	char path[KEY_PATH_MAX], out[512];
	const char *argv[] = {keys_program(), "-q", "-t", kinds[kind], "-N", "",
	    "-C", "portreeve", "-f", path, NULL};
	int status;

	keys_path(folder, kind, path);
	if (access(path, F_OK) == 0)
		return (0);
	if (argv[0] == NULL) {
		snprintf(reason, size,
		    "there is no ssh-keygen to make host keys with: install "
		    "it (Debian: apt-get install openssh-client)");
		return (ERR_NOT_FOUND);
	}
	status = run_program(argv, MAKE_SECONDS, out, sizeof(out));
	if (status == 0)
		return (0);
	snprintf(reason, size,
	    "cannot make the host key %.200s (ssh-keygen: "
	    "status %d)",
	    path, status);
	return (ERR_SYSTEM);
}

/*
 * Every kind but DSA's, which nobody should have. For a check, whose keys are
 * removed again, one will do.
 */
static int
keys_make_all(const struct planner *p, const struct conf_ssh *ssh,
    const char *folder, char *reason, size_t size)
{
	int err = 0;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		snprintf(reason, size, "cannot make %.200s: %s", folder,
		    strerror(errno));
		return (ERR_SYSTEM);
	}
	for (int i = 0; err == 0 && i < HOSTKEY_DSS; i++) {
		if (!column_has_hostkey(ssh, (enum conf_hostkey)i))
			continue;
		err = keys_make(folder, (enum conf_hostkey)i, reason, size);
		if (p->what == PLAN_CHECK)
			break;
	}
	return (err);
}

int
sshd_keys_find(const struct planner *p, const struct conf *conf,
    const struct conf_service *ssh, struct sshd_keys *keys,
    struct conf_report *report)
{
	char folder[PATH_MAX + 8] = "/etc/ssh", reason[CONF_MESSAGE_MAX] = "";
	int err = 0;

	keys->count = 0;
	if (!p->rootless)
		keys_look(&ssh->ssh, folder, keys);
	if (keys->count == 0) {
		snprintf(folder, sizeof(folder), "%s/ssh", p->state_dir);
		err =
		    keys_make_all(p, &ssh->ssh, folder, reason, sizeof(reason));
		if (err == 0)
			keys_look(&ssh->ssh, folder, keys);
	}
	if (err == 0 && keys->count == 0) {
		err = ERR_NOT_FOUND;
		snprintf(reason, sizeof(reason),
		    "no host key in %.200s can be read", folder);
	}
	if (err != 0)
		conf_report_add(report, CONF_ERROR, ssh->pos, "%s", reason);
	else if (column_has_hostkey(&ssh->ssh, HOSTKEY_DSS) &&
		 keys->paths[keys->count - 1] != found[HOSTKEY_DSS])
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, ssh, "ssh-dss"),
		    "ssh-dss: there is no %.200s: make it (ssh-keygen -t dsa), "
		    "or better do without",
		    found[HOSTKEY_DSS]);
	return (err);
}

/* What ssh-keygen prints of a file; malloc'd, NULL when it fails. */
static char *
keys_print(const char *how, const char *path)
{
	const char *argv[] = {keys_program(), how, "-f", path, NULL};
	char *out = malloc(OUT_MAX);

	if (argv[0] != NULL && out != NULL &&
	    run_program(argv, LOOK_SECONDS, out, OUT_MAX) == 0)
		return (out);
	free(out);
	return (NULL);
}

/* The first fingerprint in what was printed; "" without one. */
static void
keys_fingerprint(const char *text, char fingerprint[FINGERPRINT_MAX])
{
	const char *p = text == NULL ? NULL : strstr(text, "SHA256:");

	fingerprint[0] = '\0';
	if (p != NULL)
		snprintf(fingerprint, FINGERPRINT_MAX, "%.*s",
		    (int)strcspn(p, " \n"), p);
}

static bool
keys_have(const struct sshd_keys *keys, const char *fingerprint)
{
	char own[FINGERPRINT_MAX];

	for (unsigned i = 0; i < keys->count; i++) {
		char *out = keys_print("-l", keys->paths[i]);

		keys_fingerprint(out, own);
		free(out);
		if (own[0] != '\0' && strcmp(own, fingerprint) == 0)
			return (true);
	}
	return (false);
}

static void
keys_judge_certificate(const struct conf *conf, const struct conf_service *ssh,
    const struct sshd_keys *keys, struct conf_report *report)
{
	const char *path = ssh->ssh.host_certificate;
	char fingerprint[FINGERPRINT_MAX];
	char *out = keys_print("-L", path);
	const char *why = NULL;

	keys_fingerprint(out, fingerprint);
	if (fingerprint[0] == '\0')
		why = "is no certificate";
	else if (strstr(out, " host certificate") == NULL)
		why = "is a user's certificate, not a host's: sign it with "
		      "ssh-keygen -h";
	else if (!keys_have(keys, fingerprint))
		why = "certifies none of the host keys that sshd has here";
	if (why != NULL)
		conf_report_add(report, CONF_ERROR,
		    conf_statement_pos(conf, ssh, "host-certificate-file"),
		    "host-certificate-file: %.120s %s", path, why);
	free(out);
}

/* The lines of a file that say something. */
static unsigned
keys_count_lines(const char *path)
{
	char why[SAFE_REASON_MAX], *line = NULL;
	int fd = safe_open_file(path, geteuid(), why, sizeof(why));
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	unsigned lines = 0;
	size_t room = 0;

	while (f != NULL && getline(&line, &room, f) >= 0) {
		const char *p = line + strspn(line, " \t\r\n");

		lines += *p != '\0' && *p != '#';
	}
	free(line);
	if (f != NULL)
		fclose(f);
	else
		fd_close(&fd);
	return (lines);
}

static void
keys_judge_ca(const struct conf *conf, const struct conf_service *ssh,
    struct conf_report *report)
{
	struct conf_pos pos =
	    conf_statement_pos(conf, ssh, "trusted-user-ca-key-file");
	const char *path = ssh->ssh.user_ca;
	unsigned lines = keys_count_lines(path), keys = 0;
	char *out = keys_print("-l", path);

	for (const char *p = out; p != NULL && (p = strchr(p, '\n')) != NULL;
	     p++)
		keys++;
	if (keys == 0)
		conf_report_add(report, CONF_ERROR, pos,
		    "trusted-user-ca-key-file: %.120s has no public key: "
		    "nobody "
		    "could log in by a certificate",
		    path);
	else if (keys < lines)
		conf_report_add(report, CONF_WARNING, pos,
		    "trusted-user-ca-key-file: %u of %u lines of %.120s are no "
		    "public key",
		    lines - keys, lines, path);
	free(out);
}

void
sshd_keys_judge(const struct conf *conf, const struct conf_service *ssh,
    const struct sshd_keys *keys, struct conf_report *report)
{
	const struct conf_ssh *s = &ssh->ssh;

	if (s->user_ca != NULL && access(s->user_ca, R_OK) == 0)
		keys_judge_ca(conf, ssh, report);
	if (s->host_certificate != NULL &&
	    access(s->host_certificate, R_OK) == 0)
		keys_judge_certificate(conf, ssh, keys, report);
}

void
sshd_keys_remove(const struct planner *p)
{
	char folder[PATH_MAX + 8], path[KEY_PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/ssh", p->state_dir);
	for (int i = 0; i < HOSTKEY_DSS; i++) {
		keys_path(folder, (enum conf_hostkey)i, path);
		unlink(path);
		strncat(path, ".pub", sizeof(path) - strlen(path) - 1);
		unlink(path);
	}
	rmdir(folder);
}
