/*
 * What the monitor says of a port that is another's, and the portreeve command
 * goes by. Both; constants only.
 */
#ifndef PORTREEVE_IPC_BUSY_H
#define PORTREEVE_IPC_BUSY_H

#define BUSY_STREAM "the port is busy"
#define BUSY_DATAGRAM "the port is busy (udp)"

#endif
