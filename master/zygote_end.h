/*
 * A zygote that starts nothing more, and a channel to one that is at its end.
 * Master only.
 */
#ifndef PORTREEVE_MASTER_ZYGOTE_END_H
#define PORTREEVE_MASTER_ZYGOTE_END_H

#include "master/zygotes.h"

/*
 * It starts nothing more: its service waits for another zygote. What it has
 * to say is still heard.
 */
void zygote_retire(struct zygote *z);

/*
 * For a channel that fails: it is closed, and the monitor is asked. broke: the
 * zygote broke the catalogue.
 */
void zygote_lose(struct zygote *z, bool broke);

/* The channel is closed; nothing is said about it. */
void zygote_hang_up(struct zygote *z);

/* While it has no channel the monitor is asked for one, now and again. */
void zygote_await(struct zygote *z);

/* Sessions of it that have ended, as its slot table says, are closed. */
void zygote_end_ended(struct zygote *z);

#endif
