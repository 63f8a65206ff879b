/* The parts of what a host tells about a configuration. Only for check_host.c.
 */
#ifndef PORTREEVE_CONF_CHECK_HOST_H
#define PORTREEVE_CONF_CHECK_HOST_H

#include "conf/conf.h"

/* What the statements of an ssh service name. */
void host_check_ssh(const struct conf *conf, const struct conf_service *s,
    struct conf_report *report);

#endif
