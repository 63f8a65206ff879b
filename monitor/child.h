/* What every child of the monitor's does before it execs. */
#ifndef PORTREEVE_MONITOR_CHILD_H
#define PORTREEVE_MONITOR_CHILD_H

/* Put fd at descriptor number `to` and keep it over the exec; or exit. */
void child_place(int fd, int to);

/* Signals as a program expects them. */
void child_signals(void);

#endif
