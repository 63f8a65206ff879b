/*
 * How a session's leader and its processes are to be ended: MSG_END_LEADER's
 * how. Monitor and ender; pure.
 */
#ifndef PORTREEVE_IPC_ENDING_H
#define PORTREEVE_IPC_ENDING_H

enum end_how {
	END_GRACE, /* the leader gets SIGTERM, and a second; the others none */
	END_LAST,  /* it ends by itself, or 3 s after the others */
	END_NOW,
	END_GROUP /* the leader has ended; its group and session have not */
};

#endif
