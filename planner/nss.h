/*
 * Whether the name services that the planner asks need the network. Planner,
 * sealed; nsswitch.conf(5) is root's, and its length is bounded all the same.
 */
#ifndef PORTREEVE_PLANNER_NSS_H
#define PORTREEVE_PLANNER_NSS_H

#include <stdbool.h>
#include <stdio.h>

#define NSS_MODULE_MAX 64

enum nss_need {
	NSS_LOCAL,   /* files, and services by unix sockets */
	NSS_NETWORK, /* a module that is known to speak to other hosts */
	NSS_UNKNOWN  /* a module that is not known here */
};

/*
 * What a text in the format of nsswitch.conf needs for users, groups and
 * services, and the first module that needs it, or "". compat is whether the
 * module of that name has to ask another (its files have lines with a plus).
 * Without a line, files only are asked.
 */
enum nss_need nss_judge(FILE *f, bool compat, char module[NSS_MODULE_MAX]);

/*
 * No sockets of the network any more, unless /etc/nsswitch.conf names a module
 * that may need them; ends the planner where the filter cannot be set up.
 */
void nss_close_network(void);

/*
 * Whether /etc/nsswitch.conf cannot be judged, so that the planner keeps the
 * network; for the module that is not known, or "" where it cannot be read.
 */
bool nss_is_unknown(char module[NSS_MODULE_MAX]);

#endif
