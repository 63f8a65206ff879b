/*
 * The control socket: the `portreeve` command's questions. Master only. A
 * client is believed to be who the kernel says it is (SO_PEERCRED,
 * SO_PEERGROUPS); what only the monitor can do is passed on to it, with the
 * client's own connection, and the monitor looks for itself.
 */
#ifndef PORTREEVE_MASTER_CONTROL_H
#define PORTREEVE_MASTER_CONTROL_H

#include "master/master.h"

int control_init(struct master *m);

/* CONTROL: fd, listening, is taken over; an earlier one is closed. */
void control_attach(struct master *m, const struct msg_control *msg, int fd);

/* The monitor's answers. Those to a client that left are dropped. */
void control_answer_text(struct master *m, const struct msg_answer_text *msg);
void control_answer_done(struct master *m, const struct msg_answer_done *msg);

#endif
