/*
 * Who may see other users' processes. Monitor (root). One file per system.
 */
#ifndef PORTREEVE_MONITOR_ROLES_HIDEPID_H
#define PORTREEVE_MONITOR_ROLES_HIDEPID_H

#include <stdint.h>

/*
 * The group to which /proc shows all processes, where it is mounted with
 * hidepid; UINT32_MAX where everybody sees them.
 */
uint32_t hidepid_group(void);

#endif
