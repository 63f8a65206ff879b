/* The commands. Each returns the exit status and has reported why it is not 0.
 */
#ifndef PORTREEVE_CLI_COMMANDS_H
#define PORTREEVE_CLI_COMMANDS_H

#include "cli/client.h"

int command_show_services(const struct request *rq);
int command_show_sessions(const struct request *rq);
int command_show_penalties(const struct request *rq);
int command_show_configuration(const struct request *rq);
int command_reload(const struct request *rq);
int command_clear_session(const struct request *rq);
int command_clear_penalty(const struct request *rq);
int command_explain(const struct request *rq);

/* Becomes `portreeved -n -c FILE -r DIR`; returns only when that cannot be run.
 */
int command_check(const struct request *rq);

#endif
