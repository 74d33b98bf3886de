/*
 * save.c - images out of the engine, all in one export.
 *
 * One export of several images holds what they share once, and costs little more
 * than one of them. It is asked for by the Engine API where the engine has a Unix
 * socket here, and is that which $DOCKER asks; otherwise from $DOCKER, which knows podman, ssh and TLS.
 * Either way a thread of ours looks after it while the caller reads: it ends the
 * export at the deadline or after a signal, and the end of the pipe tells the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/kind.h"
#include "engine/save.h"
#include "engine/socket.h"
#include "lib/json.h"
#include "lib/transfer.h"
#include "lib/words.h"

enum { PIPE_SIZE = 1 << 20, REFUSAL_MAX = 4096, CONNECT_SECONDS = 10 };

/* --- By the API */

/* The bytes go on; but for those of a refusal, which are a sentence in JSON. */
static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct save *p = ((void **)arg)[0];
	CURL *curl = ((void **)arg)[1];
	size_t n = size * count, used = p->refusal ? strlen(p->refusal) : 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return write_all(p->out, bytes, n) ? n : 0;
	if (used + n < REFUSAL_MAX) {
		p->refusal = xrealloc(p->refusal, used + n + 1);
		memcpy(p->refusal + used, bytes, n);
		p->refusal[used + n] = '\0';
	}
	return n;
}

static bool
refused(struct save *p, long status)
{
	char ignored[WHY];
	json_t *answer = p->refusal ? read_json(p->refusal, strlen(p->refusal), ignored) : NULL;
	const char *message = json_string_value(json_object_get(answer, "message"));

	fail(p->why, "the engine says: %.150s (status %ld)",
	     message                     ? message
	     : p->refusal && *p->refusal ? p->refusal
					 : "nothing",
	     status);
	json_decref(answer);
	return false;
}

static bool
by_api(struct save *p)
{
	char error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	void *both[2] = {p, curl};
	long status = 0;
	CURLcode rc;

	if (curl == NULL)
		return fail(p->why, "libcurl cannot be initialised");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, p->socket);
	curl_easy_setopt(curl, CURLOPT_URL, p->url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)CURL_MAX_READ_SIZE);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)p->timeout);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, both);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, end_if_caught);
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return fail(p->why, "the engine did not export it within %u s; give a larger PUSH_TIMEOUT",
			    p->timeout);
	if (rc != CURLE_OK)
		return fail(p->why, "%s: %.120s", p->socket, *error ? error : curl_easy_strerror(rc));
	return status == 200 || refused(p, status);
}

/* Takes the socket's path. */
static void
ask_api(struct save *p, char *socket, const struct list *ids, int out)
{
	p->url = xstrdup("http://engine/images/get");
	for (size_t i = 0; i < ids->count; i++) {
		char *longer = format("%s%cnames=%s", p->url, i ? '&' : '?', ids->at[i]);

		free(p->url);
		p->url = longer;
	}
	p->socket = socket;
	p->out = out;
	curl_global_init(CURL_GLOBAL_NOTHING);
}

/* --- By the command */

/* Run by hand, the program asks docker. */
static const char *
client(void)
{
	return *setting("DOCKER") ? setting("DOCKER") : "docker";
}

static void
ask_command(struct save *p, const struct list *ids, int out)
{
	const char *docker = client();
	const struct engine_kind *kind = engine_kind(docker, seconds_setting("TOOL_TIMEOUT", 30));

	list_add(&p->argv, docker);
	list_add(&p->argv, "save");
	for (size_t i = 0; kind->save_flags[i] != NULL; i++)
		list_add(&p->argv, kind->save_flags[i]);
	for (size_t i = 0; i < ids->count; i++)
		list_add(&p->argv, kind->bare_ids ? strchr(ids->at[i], ':') + 1 : ids->at[i]);
	p->client = xmalloc(sizeof(*p->client));
	p->said = tmpfile();
	*p->client = (struct command){.argv = p->argv.at,
				      .in = -1,
				      .out = out,
				      .err = p->said ? fileno(p->said) : STDERR_FILENO,
				      .timeout = p->timeout,
				      .foreign = true};
	p->child = start_command(p->client);
	if (p->child < 0)
		die_errno(EXIT_SYSTEM, "cannot run '%s'", docker);
	close(out);
}

static bool
by_command(struct save *p)
{
	struct outcome o = wait_command(p->child, p->client);
	char *said = last_words_in(p->said ? fileno(p->said) : -1);

	if (o.timed_out)
		fail(p->why, "'%s save' did not end within %u s; give a larger PUSH_TIMEOUT", p->argv.at[0],
		     p->timeout);
	else if (o.code != 0 && *said)
		fail(p->why, "'%.60s save': %s", p->argv.at[0], said);
	else if (o.code != 0)
		fail(p->why, "'%s save' ended with status %d and said nothing", p->argv.at[0], o.code);
	free(said);
	return o.code == 0;
}

/* --- Both */

static void *
look_after(void *arg)
{
	struct save *p = arg;

	if (p->socket) {
		p->good = by_api(p);
		close(p->out);
	} else
		p->good = by_command(p);
	return NULL;
}

int
save_start(struct save *p, const struct list *ids, unsigned timeout)
{
	char *socket = engine_socket(client(), seconds_setting("TOOL_TIMEOUT", 30));
	int ends[2];

	*p = (struct save){.timeout = timeout};
	if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		die_errno(EXIT_SYSTEM, "cannot make a pipe");
#ifdef F_SETPIPE_SZ
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
#endif
	p->in = ends[0];
	if (socket != NULL)
		ask_api(p, socket, ids, ends[1]);
	else
		ask_command(p, ids, ends[1]);
	if (pthread_create(&p->thread, NULL, look_after, p) != 0)
		die(EXIT_SYSTEM, "cannot start a thread");
	return p->in;
}

/* Whether the export had ended when it was read; if not, that it failed is our own doing. */
static bool
has_ended(const struct save *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};

	return poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP);
}

bool
save_end(struct save *p, char why[WHY])
{
	bool cut = !has_ended(p);

	close(p->in); /* who writes to it still need not go on */
	pthread_join(p->thread, NULL);
	if (!p->good && !cut)
		memcpy(why, p->why, WHY);
	free(p->socket);
	free(p->url);
	free(p->refusal);
	free(p->client);
	if (p->said)
		fclose(p->said);
	list_free(&p->argv);
	return p->good;
}
