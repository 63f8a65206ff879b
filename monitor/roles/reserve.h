/*
 * Some descriptors in reserve, for what must not fail when the monitor has no
 * other: to end a session, to replace a role, to read a client's wish. Monitor
 * (root). One of a process.
 */
#ifndef PORTREEVE_MONITOR_ROLES_RESERVE_H
#define PORTREEVE_MONITOR_ROLES_RESERVE_H

/* Take it; once, early. Without one, all goes on as before. */
void reserve_open(void);

/*
 * Between these two calls its places are free. They may be nested. What is
 * still held afterwards makes the reserve smaller until that is closed.
 */
void reserve_use(void);
void reserve_keep(void);

#endif
