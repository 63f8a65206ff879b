/*
 * The installed sshd: where it is, which version, its host keys, and its
 * configuration rendered from ours. Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_SSHD_H
#define PORTREEVE_MONITOR_SSHD_H

#include "monitor/monitor.h"

struct mon_sshd {
	char path[64];
	unsigned major, minor; /* OpenSSH's version */
	char keys[4][PATH_MAX + 64];
	unsigned key_count;
	bool by_pam; /* our module decides who logs in; set by sshd_commit() */
	bool gone_told; /* that its lines went since; told once */
};

/*
 * Find sshd and its version, and make /run/sshd when root. 0, or ERR_NOT_FOUND
 * with a sentence that says what to install. Does nothing the second time.
 */
int sshd_probe(struct monitor *mon, char *reason, size_t size);

/*
 * Find the system's host keys; rootless, or where there are none, make our own
 * in the lasting state once. 0, or an ERR_ with a sentence.
 */
int sshd_host_keys(struct monitor *mon, char *reason, size_t size);

/* Make /run/sshd again where it went missing: Debian's own unit removes it. */
void sshd_keep_folder(struct monitor *mon);

/*
 * Render the configuration of conf's ssh service below the run-time folder,
 * with copies of the sshd-config FILE, and have sshd judge it. 0, or an ERR_
 * with errors in the report.
 */
int sshd_prepare(
    struct monitor *mon, const struct conf *conf, struct conf_report *report);

/* Remove what sshd_prepare() wrote, host keys made for a check included. */
void sshd_remove_prepared(struct monitor *mon);

/* Put the checked file in place of the old one. */
int sshd_commit(struct monitor *mon, const struct conf *conf);

/* The file's path once it is in place. */
void sshd_config_path(struct monitor *mon, char *buf, size_t size);

/* `sshd` from 9.8 on chooses its PAM service by a keyword. */
bool sshd_has_pam_keyword(const struct mon_sshd *sshd);

/*
 * Whether pam_portreeve.so runs in the stack of its PAM service; why gets half
 * a sentence when not, and may be NULL.
 */
bool sshd_pam_runs(const struct conf_service *ssh, char *why, size_t size);

#endif
