/*
 * One question to the monitor over its root-only socket. In sshd's privileged
 * half, as root, inside another project's program: no globals, no signals, no
 * output, every wait has an end.
 */
#ifndef PORTREEVE_MONITOR_PAM_ASK_H
#define PORTREEVE_MONITOR_PAM_ASK_H

#include "ipc/msg.h"
#include "ipc/plan.h"

/*
 * Ask `type` (PAM_ACCOUNT, PAM_OPEN, PAM_CLOSE) with its message and wait for
 * the verdict, at most patience_ms in all; a monitor that is just being
 * restarted is tried again until then. Longer (30 s) one is waited for that is
 * there and has not come to it, but for PAM_CLOSE; and one of another build,
 * which an upgrade is about to restart. 0, or ERR_AGAIN (no answer in time),
 * ERR_CLOSED (it does not speak with this process), ERR_BUILD (nor with this
 * build), ERR_TOO_LONG (the path), ERR_SYSTEM with errno, or the catalogue's
 * errors.
 */
int pam_ask(const char *path, enum msg_type type, const void *msg,
    int patience_ms, struct msg_pam_verdict *verdict);

/*
 * Ask tacplus about a password, on its socket. TACPLUS_SILENT too when it is
 * not there, or says nothing for two minutes.
 */
enum tacplus_answer pam_ask_tacplus(
    const char *path, const struct msg_tacplus_ask *msg);

#endif
