/* Whether somebody listens at a local socket. Audit; one file a system. */
#ifndef PORTREEVE_AUDIT_WRITER_PROBE_H
#define PORTREEVE_AUDIT_WRITER_PROBE_H

/*
 * 0 when a connection to the socket at path can be made, of whatever type it
 * is; else ERR_NOT_FOUND. Works sealed, where no file may be looked at.
 */
int probe_socket(const char *path);

#endif
