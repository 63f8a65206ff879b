/*
 * What a user shows in the home folder: .plan, .project, .pubkey, .nofinger.
 * Runs in lookup, with no right but anybody's. Distrusts the folder wholly:
 * links, FIFOs, devices, other people's files and large ones are not read.
 * Never reads what the user has not let everybody read, even where the process
 * could (rootless, where it runs as one of the users).
 */
#ifndef PORTREEVE_LOOKUP_HOME_H
#define PORTREEVE_LOOKUP_HOME_H

#include <sys/types.h>

#include <stdint.h>

#define HOME_FILE_MAX 16384

/*
 * The folder, for the calls below and close(). ERR_REFUSED where not everybody
 * may pass through it and its parents, ERR_NOT_FOUND where there is none,
 * ERR_SHORT with errno where that is not known just now, ERR_SYSTEM with
 * errno where it never can.
 */
int home_open(const char *path);

/*
 * 1 where .nofinger is there, or nobody may know; 0; ERR_SHORT with errno where
 * it is not known just now.
 */
int home_hides(int home);

/*
 * A file's bytes into buf; their number, 0 where it is not to be told,
 * ERR_SHORT with errno where it cannot be read just now.
 */
int home_read(
    int home, const char *name, uid_t owner, uint8_t buf[HOME_FILE_MAX]);

#endif
