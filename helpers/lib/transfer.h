/* transfer.h - what transfers by libcurl share; apart from lib.h since few helpers need libcurl. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <curl/curl.h>

/* For CURLOPT_XFERINFOFUNCTION, with CURLOPT_NOPROGRESS 0: a fatal signal ends the transfer, within about a second. */
int end_if_caught(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d);

#endif
