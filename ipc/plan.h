/*
 * What monitor and planner share of a plan beside its messages. Both; constants
 * only.
 */
#ifndef PORTREEVE_IPC_PLAN_H
#define PORTREEVE_IPC_PLAN_H

#define PLAN_ADDRESSES_MAX 16 /* of one service */
#define PLAN_NOTES_MAX 1000   /* of one check */
/* bytes of each form of a configuration */
#define PLAN_TEXT_MAX 4194304

#define PLAN_SSHD_FILES_MAX 64 /* copies of what sshd is to read */
#define PLAN_BLOCK 16	       /* numbers in a row for roles without account */
#define PLAN_SECONDS 60	       /* of a planner's life */

#define PLAN_ASKED_MAX 16 /* servers of authentication-order */

/* What a server of authentication-order speaks. */
enum plan_asked { PLAN_ASKED_RADIUS, PLAN_ASKED_TACPLUS };

/* What became of a password that was asked of TACACS+ servers. */
enum tacplus_answer { TACPLUS_PASS, TACPLUS_FAIL, TACPLUS_SILENT };

/* What a planner is asked for, PLAN_ASK. */
enum plan_what {
	PLAN_START,  /* the file; what a service lacks of the host, it waits for
		      */
	PLAN_RELOAD, /* the file; what a service lacks is an error */
	PLAN_RETRY,  /* one service of the configuration in force */
	PLAN_CHECK,  /* as RELOAD; nothing is to take effect */
	PLAN_USER    /* who a user is that sshd's log names; no plan */
};

/* Which form of the configuration has which place among PLAN's descriptors. */
enum plan_text { PLAN_BRACES, PLAN_SET, PLAN_UNMASKED, PLAN_TEXTS };

/* The places where an sshd may be, the first that is there. */
#define PLAN_SSHDS "/usr/sbin/sshd", "/usr/local/sbin/sshd"

#endif
