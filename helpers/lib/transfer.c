/* transfer.c - what transfers by libcurl share. */
#include "lib/transfer.h"
#include "lib/lib.h"

/* Called about once a second at least, whether or not anything comes. */
int
end_if_caught(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return caught_signal() != 0;
}
