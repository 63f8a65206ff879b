/*
 * What is said in sshd's own words: the lines of `sshd-option`, the file that
 * `sshd-config` names, and every file that it includes, as they were when they
 * were judged. sshd reads these copies, so that an edit changes nothing until
 * the next reload. Planner (root). Reads files; distrusts who
 * could have written them, and refuses those that others than root can change.
 */
#ifndef PORTREEVE_CONF_SSHD_SNAPSHOT_H
#define PORTREEVE_CONF_SSHD_SNAPSHOT_H

#include <sys/types.h>

#include "conf/conf.h"
#include "conf/tree.h"

#define SNAPSHOT_FILES_MAX 64
#define SNAPSHOT_BLOCKS_MAX 128

/* A copy: line for line the file's, but for what is left out or renamed. */
struct snapshot_file {
	char *path; /* where it was read; NULL: from sshd-option */
	const struct conf_value *values; /* then line N is the N-th, less one */
	char *text;
	size_t n;
};

/* A line that does something, neither Match nor Include. */
struct snapshot_line {
	unsigned block; /* 0: global; else of one Match, in their order */
	unsigned file, number;
	char *text; /* terminated, without its end of line */
};

struct snapshot {
	/* What sshd includes first, and then; -1: there is none. */
	int options, top;
	struct snapshot_file files[SNAPSHOT_FILES_MAX];
	unsigned file_count;
	struct snapshot_line *lines;
	size_t line_count, line_room;
	unsigned block_count; /* 1 at least */
};

struct snapshot_params {
	const struct conf_service *ssh;
	const char *const *host_keys; /* those that sshd gets */
	unsigned host_key_count;
	const char *folder; /* what Include is relative to: /etc/ssh */
	const char *copies; /* copy i will be at the path "copies.i" */
	uid_t uid;	    /* who may own the files, besides root */
	bool pam;
};

/*
 * Read ssh->ssh.options and ssh->ssh.sshd_config. What is ours whatever it says
 * (Port, HostKey and their like) is left out: its line becomes a comment, and a
 * warning says so, unless it says nothing else than we do. 0 and *out (the
 * caller's, to be given to snapshot_free), or ERR_VALUE with errors in the
 * report, ERR_NO_MEMORY.
 */
int snapshot_read(const struct conf *conf, const struct snapshot_params *p,
    struct snapshot **out, struct conf_report *report);

/* Say what is wrong about a line of a copy, where it was written. */
void snapshot_say(const struct snapshot *s, unsigned file, unsigned line,
    struct conf_report *report, enum conf_severity severity, const char *text);

void snapshot_free(struct snapshot *s);

/*
 * The keyword of a line of sshd_config, lower case, and where its value is;
 * false for a comment or an empty line.
 */
bool snapshot_split(
    const char *line, char *keyword, size_t size, const char **value);

#endif
