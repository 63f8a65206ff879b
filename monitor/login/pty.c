/* Pseudo-terminals. Login process, root; monitor/login/pty.h says the rest. */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "monitor/login/pty.h"

static const char dev[] = "/dev/";

int
pty_open(struct pty *pty, unsigned rows, unsigned columns)
{
	struct winsize size = {
	    .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	int saved;

	pty->slave = -1;
	pty->line = "";
	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->master < 0 || grantpt(pty->master) < 0 ||
	    unlockpt(pty->master) < 0 ||
	    ptsname_r(pty->master, pty->path, sizeof(pty->path)) != 0 ||
	    strncmp(pty->path, dev, sizeof(dev) - 1) != 0)
		goto fail;
	pty->line = pty->path + sizeof(dev) - 1;
	pty->slave = open(pty->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->slave < 0 || fd_set_nonblock(pty->master, 1) < 0)
		goto fail;
	if (rows > 0 && columns > 0 && ioctl(pty->slave, TIOCSWINSZ, &size) < 0)
		goto fail;
	return (0);
fail:
	saved = errno;
	pty_close(pty);
	errno = saved;
	return (ERR_SYSTEM);
}

int
pty_give(struct pty *pty, uid_t uid, gid_t gid)
{
	struct group *tty = getgrnam("tty");

	/* Writable by write(1) and its like, by nobody else. */
	if (fchown(pty->slave, uid, tty != NULL ? tty->gr_gid : gid) < 0 ||
	    fchmod(pty->slave, tty != NULL ? 0620 : 0600) < 0)
		return (ERR_SYSTEM);
	return (0);
}

void
pty_close(struct pty *pty)
{
	fd_close(&pty->master);
	fd_close(&pty->slave);
}
