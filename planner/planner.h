/*
 * What a planner was asked, for its parts. Planner: root's uid with one
 * capability, or an ordinary user; in a check, unsealed, whoever asked for it.
 */
#ifndef PORTREEVE_PLANNER_PLANNER_H
#define PORTREEVE_PLANNER_PLANNER_H

#include <limits.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "ipc/msg.h"
#include "ipc/plan.h"

struct ipc_channel;

struct planner {
	struct ipc_channel *monitor; /* NULL: in a check */
	enum plan_what what;
	const char *path; /* the configuration's */
	const char *run_dir, *state_dir;
	const char *daemon; /* the run-time folder of one that runs, or "" */
	const char *name;   /* of a retry, the service; else a user, or "" */
	const char *pam_service;
	unsigned number; /* of the files for sshd */
	uint32_t block;	 /* the roles' numbers begin there; 0: not known */
	int fd;		 /* of a retry: the configuration; -1 */
	bool rootless;
};

#endif
