/* order.h - what a registry is asked to have: which image under which name. */
#ifndef ORDER_H
#define ORDER_H

#include "image/export.h"

struct order {
	struct reference name; /* under which it is served */
	char id[DIGEST];       /* of its config */
	char engine_id[DIGEST];

	/* Of an image of this run; NULL, NULL and 0 where it was ordered by hand. */
	char *keys; /* of the machines that it becomes, blank-separated */
	char *slug;
	size_t layers; /* 0: not known */
};

/* The argument of -c. */
enum coding parse_coding(const char *text);

/* Of words NAME=ID[,ENGINE-ID], no NAME twice. What is wrong ends the program. orders_free frees it. */
struct order *parse_orders(char **words, size_t count);

/*
 * Of the keys of this run, which are packings of *orders images; what lies in the run's folder says which.
 * orders_free frees it.
 */
struct order *orders_of_keys(char **keys, size_t count, size_t *orders);

/* All keys of these orders, blank-separated; "" where they were ordered by hand. The caller frees it. */
char *orders_keys(const struct order *order, size_t orders);

/*
 * Notes for each key of the order how its image is served (OF_SERVED): the digests of config and manifest, "" where that
 * is not known.
 */
void order_served(const struct order *w, const char *config, const char *manifest);

/* Frees the array and what is in it. */
void orders_free(struct order *order, size_t orders);

#endif
