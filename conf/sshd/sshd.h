/*
 * Our words for ssh as sshd's, and what the system's own sshd_config says that
 * ours do not. Planner (root) and CLI; writes to memory, executes nothing.
 */
#ifndef PORTREEVE_CONF_SSHD_SSHD_H
#define PORTREEVE_CONF_SSHD_SSHD_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/* The installed sshd's version: OpenSSH_MAJOR.MINOR. */
struct sshd_version {
	unsigned major, minor;
};

struct sshd_params {
	struct sshd_version version;
	bool pam; /* false: rootless, or a sshd without PAM */
	const char
	    *pam_service; /* passed to sshd from 9.8 on; NULL: not passed */
	const char *const *host_keys; /* private keys' absolute paths */
	unsigned host_key_count;
	/*
	 * Where the copies of what sshd-option and sshd-config say will be
	 * (snapshot.h), absolute; NULL: there is none.
	 */
	const char *option_path, *file_path;
};

/*
 * The sshd_config of an ssh service. sshd takes the first value that it reads,
 * so the copies are included first, and what they tighten holds; that they
 * loosen nothing is judged before (order.h).
 *
 * *text is malloc'd, terminated, the caller's to free. ERR_NO_MEMORY;
 * ERR_VALUE when a path in params cannot be written in an sshd_config;
 * ERR_UNSUPPORTED when the service is not sshd's.
 */
int sshd_render(const struct conf *conf, const struct conf_service *service,
    const struct sshd_params *params, char **text);

/*
 * The version from what `sshd -V` or an identification string says, such as
 * "OpenSSH_9.2p1 Debian-2". ERR_SYNTAX when it names none.
 */
int sshd_parse_version(const char *text, struct sshd_version *out);

/* Where the system keeps its own; tests name fixtures. NULL: not looked at. */
struct sshd_scan_paths {
	const char
	    *sshd_config; /* Include is followed, relative to its folder */
	const char *hosts_allow;
	const char *hosts_deny;
};

/* /etc/ssh/sshd_config, /etc/hosts.allow, /etc/hosts.deny. */
extern const struct sshd_scan_paths sshd_system_paths;

/*
 * A warning for each line of the system's sshd_config that changes what a user
 * or an administrator gets and that the configuration's ssh does not carry
 * over, and for a hosts.allow or hosts.deny
 * that says anything. Nothing of sshd_config when ssh is not active, and
 * nothing at all when no service is. Never an error: what
 * cannot be read is a warning too, unless it is not there.
 */
void sshd_scan(const struct conf *conf, const struct sshd_scan_paths *paths,
    struct conf_report *report);

#endif
