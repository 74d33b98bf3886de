/*
 * ready.c - a URL is ready when it answers 200, with the header that proves it ours.
 *
 * Anything else (refused, reset, closed, slow, 401, 503, a stranger's 200) means
 * "not yet": docker-proxy accepts connections before the registry listens, and
 * drops them. A new connection each time; no proxy, no redirect.
 */
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "lib/lib.h"

enum { FIRST_PAUSE_MS = 2, LONGEST_PAUSE_MS = 10, TRY_MS = 1000 };

struct answer {
	const struct probe *probe;
	bool ours;
};

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t left = size * count, n = strlen(a->probe->header), v = strlen(a->probe->value);

	if (left > n && strncasecmp(line, a->probe->header, n) == 0 && line[n] == ':') {
		line += n + 1;
		left -= n + 1;
		while (left > 0 && (*line == ' ' || *line == '\t')) {
			line++;
			left--;
		}
		while (left > 0 &&
		       (line[left - 1] == '\r' || line[left - 1] == '\n' || line[left - 1] == ' '))
			left--;
		if (left == v && memcmp(line, a->probe->value, v) == 0)
			a->ours = true;
	}
	return size * count;
}

static size_t
ignore_body(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

/* One request; true if that is the answer, otherwise why says what was seen. */
static bool
ask(CURL *curl, struct answer *a, int64_t left, char why[200])
{
	char error[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode rc;

	if (left < 1)
		left = 1; /* to libcurl 0 is "for ever" */
	a->ours = a->probe->header == NULL;
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left < TRY_MS ? left : TRY_MS));
	rc = curl_easy_perform(curl);
	if (rc == CURLE_OPERATION_TIMEDOUT && left < TRY_MS && *why)
		return false; /* cut short by the deadline: what was seen before says more */
	if (rc != CURLE_OK) {
		snprintf(why, 200, "%.190s", *error ? error : curl_easy_strerror(rc));
		return false;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 && a->ours)
		return true;
	if (status == 200)
		snprintf(why, 200, "status 200 without '%.60s: %.60s': somebody else's server",
			 a->probe->header, a->probe->value);
	else
		snprintf(why, 200, "status %ld", status);
	return false;
}

bool
wait_ready(const struct probe *p, bool (*gone)(void *), void *arg, char why[200])
{
	int64_t end = now_ms() + (int64_t)p->timeout * 1000, pause = FIRST_PAUSE_MS;
	struct answer a = {.probe = p};
	bool ready = false;
	CURL *curl;

	*why = '\0';
	curl_global_init(CURL_GLOBAL_NOTHING);
	curl = curl_easy_init();
	if (curl == NULL)
		die(EXIT_SYSTEM, "libcurl cannot be initialised");
	curl_easy_setopt(curl, CURLOPT_URL, p->url);
#if LIBCURL_VERSION_NUM >= 0x075500 /* Ubuntu 22.04 has an older one */
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
	if (p->header) {
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, &a);
	}
	while (!ready && !caught_signal() && now_ms() < end && !(gone && gone(arg))) {
		ready = ask(curl, &a, end - now_ms(), why);
		if (!ready) {
			pause_for(-1, pause);
			pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
		}
	}
	curl_easy_cleanup(curl);
	if (*why == '\0')
		snprintf(why, 200, "nothing yet");
	return ready;
}
