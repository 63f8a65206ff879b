/*
 * The user's terminal, from the worker's side: bytes between it and the
 * client, its size, its keys. Worker, without privilege; it holds the
 * terminal's master side in packet mode, and its end hangs the session up.
 * Distrusts both sides: what neither takes is not read from the other.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/telnet/conn.h"

/* A read of a terminal gives so much at most; room for less is not used. */
#define READ_LEAST 4096
#define READS_MAX 16	  /* of the terminal, before all of it is sent */
#define DRAIN_MAX 1048576 /* of what others write behind the shell */

/* ^S and ^Q are the client's to handle while they are the terminal's. */
static void
session_learn_flow(struct conn *c)
{
	struct termios t;

	if (tcgetattr(c->session.pty, &t) == 0)
		telnet_flow(&c->telnet, (t.c_iflag & IXON) != 0 &&
					    t.c_cc[VSTOP] == 0x13 &&
					    t.c_cc[VSTART] == 0x11);
}

/* What the client has refused is no program's to do in our name. */
static void
session_learn_echo(struct conn *c)
{
	bool denied = telnet_echo_is_denied(&c->telnet);
	struct termios t;

	if (denied == c->session.unechoed || tcgetattr(c->session.pty, &t) < 0)
		return;
	c->session.unechoed = denied;
	if (denied)
		t.c_lflag &= ~(tcflag_t)ECHO;
	else
		t.c_lflag |= ECHO;
	(void)tcsetattr(c->session.pty, TCSANOW, &t);
}

static void
session_resize(struct conn *c)
{
	struct winsize size = {0};

	if (telnet_window(&c->telnet, &size.ws_col, &size.ws_row))
		(void)ioctl(c->session.pty, TIOCSWINSZ, &size);
}

/*
 * A peer whose network or power has failed says nothing of it: it is asked
 * after five silent minutes, and given up three later. The system's own times,
 * two hours, are for connections that hold no session open.
 */
static void
session_keep_alive(struct conn *c)
{
	static const struct {
		int option, value;
	} times[] = {
	    {TCP_KEEPIDLE, 300}, {TCP_KEEPINTVL, 30}, {TCP_KEEPCNT, 6}};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		(void)setsockopt(c->w->connection, IPPROTO_TCP, times[i].option,
		    &times[i].value, sizeof(times[i].value));
}

void
session_begin(struct conn *c, int fd)
{
	int on = 1;

	c->session.pty = fd;
	c->heard = time_boot_ns();
	conn_step(c, PHASE_OPENS);
	/* From here on each read says first what kind it is. */
	if (ioctl(fd, TIOCPKT, &on) < 0) {
		conn_step(c, PHASE_ENDS);
		return;
	}
	session_learn_flow(c);
	session_learn_echo(c);
	session_resize(c);
	(void)telnet_changes(&c->telnet);
	session_keep_alive(c);
}

void
session_over(struct conn *c)
{
	conn_step(c, PHASE_SHELL_ENDS);
}

/* --- to the terminal
 * ----------------------------------------------------------- */

bool
session_take(struct conn *c)
{
	while (c->n > 0) {
		ssize_t n = write(c->session.pty, c->data, c->n);

		if (n > 0) {
			conn_moved(c);
			c->session.stuck = false;
			c->data += n;
			c->n -= (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n == 0 || errno == EAGAIN) {
			conn_again(c);
			return (false);
		} else {
			/* Of one hung up the reading side tells before that. */
			conn_short(c);
			return (false);
		}
	}
	return (true);
}

static const struct {
	uint8_t at;	/* in c_cc[] */
	uint8_t signal; /* what it is there for; 0 none */
} keys[] = {
    [TELNET_KEY_INTERRUPT] = {VINTR, SIGINT},
    [TELNET_KEY_QUIT] = {VQUIT, SIGQUIT},
    [TELNET_KEY_ERASE] = {VERASE, 0},
    [TELNET_KEY_KILL] = {VKILL, 0},
    [TELNET_KEY_EOF] = {VEOF, 0},
    [TELNET_KEY_SUSPEND] = {VSUSP, SIGTSTP},
};

/*
 * What was typed ahead and no program has read: what is on its way to the
 * terminal first, then what the terminal holds, as its own interrupt drops it.
 * On the master's side TCSAFLUSH is the only word for the latter.
 */
static void
session_flush_input(struct conn *c, const struct termios *as_it_is)
{
	(void)ioctl(c->session.pty, TCFLSH, TCOFLUSH);
	(void)tcsetattr(c->session.pty, TCSAFLUSH, as_it_is);
}

/*
 * As the terminal has it set, and only where it is not off. Behind bytes that
 * no program reads the character would wait as they do: then it is what it
 * stands for that comes.
 */
void
session_key(struct conn *c, enum telnet_key key)
{
	struct termios t;

	if (tcgetattr(c->session.pty, &t) < 0 ||
	    t.c_cc[keys[key].at] == _POSIX_VDISABLE)
		return;
	if (c->session.stuck && keys[key].signal != 0 &&
	    (t.c_lflag & ISIG) != 0) {
		if ((t.c_lflag & NOFLSH) == 0)
			session_flush_input(c, &t);
		(void)ioctl(c->session.pty, TIOCSIG, (int)keys[key].signal);
		return;
	}
	c->session.keys[0] = t.c_cc[keys[key].at];
	c->data = c->session.keys;
	c->n = 1;
}

/*
 * The end of the terminal's input. Behind half a line it only gives the reader
 * that half, or, where a line editor reads, nothing at all: `afresh` drops
 * what is there first.
 */
static void
session_type_end(struct conn *c, bool afresh)
{
	struct termios t;

	if (c->n > 0 || tcgetattr(c->session.pty, &t) < 0 ||
	    t.c_cc[VEOF] == _POSIX_VDISABLE)
		return;
	c->data = c->session.keys;
	if (afresh && t.c_cc[VKILL] != _POSIX_VDISABLE)
		c->session.keys[c->n++] = t.c_cc[VKILL];
	c->session.keys[c->n++] = t.c_cc[VEOF];
}

void
session_last(struct conn *c)
{
	if (c->session.tail.wait == 0)
		telnet_tail_begin(&c->session.tail, time_boot_ns());
}

void
session_follow(struct conn *c)
{
	session_learn_echo(c);
	if ((telnet_changes(&c->telnet) & TELNET_CHANGED_WINDOW) != 0)
		session_resize(c);
}

/* --- from the terminal
 * ---------------------------------------------------------- */

static bool
session_has_room(const struct conn *c)
{
	return (telnet_room(&c->telnet) >= READ_LEAST);
}

short
session_events(const struct conn *c)
{
	short events = 0;

	/* A flush makes room itself: it is not left behind what it drops. */
	if (session_has_room(c))
		events |= POLLIN;
	else if (!c->session.silent)
		events |= POLLPRI;
	if (c->n > 0)
		events |= POLLOUT;
	return (events);
}

/* A packet that is no data: the terminal's state has changed. */
static void
session_state(struct conn *c, uint8_t state)
{
	if ((state & TIOCPKT_FLUSHWRITE) != 0)
		telnet_flush(&c->telnet);
	if ((state & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) != 0)
		telnet_flow(&c->telnet, (state & TIOCPKT_DOSTOP) != 0);
}

/* One read: its bytes; 0 for now none; -1 never more. */
static int
session_read_once(struct conn *c)
{
	size_t most = telnet_room(&c->telnet);
	ssize_t n;

	if (most > sizeof(c->out) - 1)
		most = sizeof(c->out) - 1;
	n = read(c->session.pty, c->out, most + 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return (0);
	if (n > 0 && c->session.tail.wait != 0)
		telnet_tail_heard(&c->session.tail, time_boot_ns());
	if (n <= 0)
		return (-1); /* EIO: nobody has the other side any more */
	if (c->out[0] != TIOCPKT_DATA)
		session_state(c, c->out[0]);
	else
		(void)telnet_output(&c->telnet, c->out + 1, (size_t)n - 1);
	c->session.swollen = c->session.swollen || n >= READ_LEAST / 2;
	return ((int)n);
}

/* Of a read of one byte only the state comes, where it has changed. */
static void
session_read_state(struct conn *c)
{
	uint8_t state = TIOCPKT_DATA;
	ssize_t n = read(c->session.pty, &state, 1);

	if (n == 1 && state != TIOCPKT_DATA)
		session_state(c, state);
	else if (n >= 0 || errno != EINTR)
		c->session.silent = true; /* its end, which waits for room */
}

void
session_read(struct conn *c)
{
	int n = 1;

	if (!session_has_room(c)) {
		session_read_state(c);
		return;
	}
	c->session.silent = false;
	for (int i = 0; i < READS_MAX && session_has_room(c); i++) {
		n = session_read_once(c);
		if (n <= 0)
			break;
		if (c->phase == PHASE_OVER)
			c->session.drained += (size_t)n;
		else if (n < READ_LEAST / 2)
			return; /* that was all of it */
	}
	if (n < 0 || (c->phase == PHASE_OVER &&
			 (n == 0 || c->session.drained > DRAIN_MAX)))
		conn_step(c, PHASE_ENDS);
}

/* --- time
 * -------------------------------------------------------------------------- */

static uint64_t
session_idle_due(const struct conn *c)
{
	uint64_t idle = c->options->idle_timeout;

	return (idle == 0 ? UINT64_MAX : c->heard + idle * 1000000000u);
}

uint64_t
session_due(const struct conn *c)
{
	uint64_t idle = session_idle_due(c),
		 tail = telnet_tail_due(&c->session.tail);

	return (idle < tail ? idle : tail);
}

/* The last line, which says why. */
static void
session_close(struct conn *c, enum worker_why why, const char *text, size_t n)
{
	conn_say(c, text, n);
	c->w->why = why;
	conn_step(c, PHASE_ENDS);
}

static void
session_close_idle(struct conn *c)
{
	char text[96];
	int n = snprintf(text, sizeof(text),
	    "\nClosed: idle-timeout, nothing was typed for %u s.\n",
	    (unsigned)c->options->idle_timeout);

	session_close(c, WORKER_WHY_IDLE, text, (size_t)n);
}

void
session_tick(struct conn *c, uint64_t now)
{
	static const char text[] =
	    "\nClosed: your input has ended, and nothing more came.\n";

	if (now >= session_idle_due(c)) {
		session_close_idle(c);
		return;
	}
	switch (telnet_tail_act(&c->session.tail, now)) {
	case TELNET_TAIL_WAIT:
		break;
	case TELNET_TAIL_TYPE:
		session_type_end(c, false);
		break;
	case TELNET_TAIL_AFRESH:
		session_type_end(c, true);
		break;
	case TELNET_TAIL_END:
		session_close(c, WORKER_WHY_INPUT, text, sizeof(text) - 1);
		break;
	}
}
