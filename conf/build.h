/*
 * Tree to model: defaults, values, and the checks that need no host. Planner
 * and CLI; pure.
 */
#ifndef PORTREEVE_CONF_BUILD_H
#define PORTREEVE_CONF_BUILD_H

#include "conf/conf.h"
#include "conf/tree.h"

/*
 * Fill conf (zeroed) from the tree, whose arena owns what it points to. Every
 * value is checked, those of inactive and replaced statements too; faults go to
 * the report. ERR_NO_MEMORY; else 0, errors or not.
 */
int build_conf(
    struct conf *conf, struct conf_tree *tree, struct conf_report *report);

/* Contradictions and what is missing; only of active statements. */
void check_tree(const struct conf_tree *tree, struct conf_report *report);
void check_services(const struct conf *conf, struct conf_report *report);
void check_clients(const struct conf *conf, struct conf_report *report);

/* Of an ssh service. */
void check_ssh(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report);

/* authentication-order and the servers that it names. */
void check_authentication(const struct conf *conf, struct conf_report *report);

/* Of every service: whom it takes. */
void check_sources(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report);

/* Two services on one address and port. */
void check_listeners(const struct conf *conf, struct conf_report *report);

#endif
