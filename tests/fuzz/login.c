/*
 * PAM's conversation with a worker that says anything: the input is cut into
 * datagrams, each behind a byte that is its length, and says whether its bytes
 * are an answer or the datagram itself. An answer is had of a LOGIN_ANSWER
 * alone and is never longer than its bound.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "monitor/login/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct login_run run;

/* An answer of n bytes, as a worker that was not taken over sends it. */
static void
feed_answer(int fd, const uint8_t *data, size_t n)
{
	struct msg_login_answer m = {.end_ = 0};
	uint8_t buf[1024];
	int length;

	m.answer.n = (uint16_t)n;
	memcpy(m.answer.b, data, n);
	length = msg_encode(MSG_LOGIN_ANSWER, &m, buf, sizeof(buf));
	if (length > 0)
		(void)!send(fd, buf, (size_t)length, MSG_DONTWAIT);
}

static void
feed(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t n = data[0] & 0x7f;
		bool answer = data[0] > 0x7f;

		data++;
		size--;
		if (n > size)
			n = size;
		if (answer)
			feed_answer(fd, data, n);
		else if (n > 0) /* an empty datagram would be an end */
			(void)!send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		data += n;
		size -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pam_message ask[] = {
	    {PAM_TEXT_INFO, "hello\033[2J"},
	    {PAM_PROMPT_ECHO_OFF, "Password: "}, {PAM_PROMPT_ECHO_ON, "Code: "},
	    {PAM_ERROR_MSG, "bye"}};
	const struct pam_message *msgs[] = {&ask[0], &ask[1], &ask[2], &ask[3]};
	struct pam_response *resp = NULL;
	int pair[2];

	if (fd_seqpacket_pair(pair) != 0)
		return (0);
	memset(&run, 0, sizeof(run));
	run.deadline = time_boot_ns() + UINT64_C(60000000000);
	ipc_channel_init(
	    &run.worker, pair[0], ROLE_LOGIN, ROLE_WORKER, ST_TRYING);
	feed(pair[1], data, size);
	shutdown(pair[1], SHUT_WR);
	if (login_converse(4, msgs, &resp, &run) == PAM_SUCCESS) {
		for (int i = 1; i < 3; i++) {
			if (resp[i].resp == NULL || strlen(resp[i].resp) > 512)
				abort();
		}
		if (resp[0].resp != NULL || resp[3].resp != NULL ||
		    run.secrets != 1 || run.questions != 1)
			abort();
		for (int i = 0; i < 4; i++)
			free(resp[i].resp);
		free(resp);
	} else if (resp != NULL) {
		abort();
	}
	ipc_channel_close(&run.worker);
	close(pair[1]);
	return (0);
}
