/*
 * Whether an sshd-config FILE may be used, as sshd itself sees it. Planner.
 */
#ifndef PORTREEVE_PLANNER_SSHD_JUDGE_H
#define PORTREEVE_PLANNER_SSHD_JUDGE_H

#include "conf/sshd/snapshot.h"

struct sshd_judge {
	const char *sshd; /* the program */
	const struct conf *conf;
	const struct conf_service *ssh;
	const char *config;	     /* the whole configuration, written */
	const char *text;	     /* what it holds */
	const char *trial;	     /* where to write what is tried; removed */
	const char *copies;	     /* snapshot_params' */
	const char *ours;	     /* what we say, without FILE */
	const struct snapshot *file; /* NULL: there is no FILE */
	struct conf_pos pos;	     /* for what is about no line of FILE */
	struct conf_report *report;
};

/*
 * Have `sshd -t` read the configuration, and, where there is a FILE, `sshd -T`
 * each of its blocks: a line by which a keyword of ours is looser than we say
 * is an error at that line. 0, or ERR_REFUSED with errors in the report.
 */
int sshd_judge(const struct sshd_judge *j);

#endif
